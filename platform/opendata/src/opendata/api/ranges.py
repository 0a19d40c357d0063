"""HTTP ranges (RFC 9110, section 14): which bytes of a file a request asks for.

Several ranges are answered as `multipart/byteranges`, with which uproot reads ROOT files over HTTP.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

#: A request for more ranges is answered with the whole file.
MOST_RANGES = 200
_RANGE = re.compile(r"(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True)
class Part:
    """First and last byte of a part, and the bytes written before it."""

    start: int
    stop: int
    head: bytes = b""

    @property
    def length(self) -> int:
        """Number of bytes, including the head."""
        return len(self.head) + self.stop - self.start + 1


class NotSatisfiable(ValueError):
    """No range lies within the file."""


def wanted(text: str, size: int) -> list[tuple[int, int]]:
    """Returns the first and last bytes that a `Range` header requests; none for the whole file.

    The whole file is sent for units other than bytes, for malformed headers, for more than
    `MOST_RANGES` ranges, and for ranges that together are longer than the file. RFC 9110 lets a
    server ignore the header; the status 200 tells the client.

    Raises
    ------
    NotSatisfiable
        All ranges lie beyond the end of the file.
    """
    unit, _, rest = text.strip().partition("=")
    pieces = [piece.strip() for piece in rest.split(",") if piece.strip()]
    if unit.lower() != "bytes" or not 0 < len(pieces) <= MOST_RANGES:
        return []
    found = []
    for piece in pieces:
        match = _RANGE.fullmatch(piece)
        if not match or match.groups() == ("", ""):
            return []
        first, last = match.groups()
        if first and last and int(last) < int(first):
            return []
        if first:
            start, stop = int(first), min(int(last), size - 1) if last else size - 1
        else:
            start, stop = max(size - int(last), 0), size - 1
        if start <= stop:
            found.append((start, stop))
    if not found:
        raise NotSatisfiable
    if len(found) > 1 and sum(stop - start + 1 for start, stop in found) > size:
        return []
    return found


def multipart(
    ranges: list[tuple[int, int]], size: int, media_type: str
) -> tuple[list[Part], bytes, str]:
    """Returns the parts of a `multipart/byteranges` answer, its end, and its media type."""
    boundary = secrets.token_hex(16)
    parts = [
        Part(
            start,
            stop,
            f"\r\n--{boundary}\r\nContent-Type: {media_type}\r\n"
            f"Content-Range: bytes {start}-{stop}/{size}\r\n\r\n".encode(),
        )
        for start, stop in ranges
    ]
    return parts, f"\r\n--{boundary}--\r\n".encode(), f"multipart/byteranges; boundary={boundary}"
