"""Several files as one ZIP archive, written while it is sent."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_PIECE = 2**18


@dataclass(frozen=True)
class Entry:
    """A file of an archive: its name, and its content or the path of it."""

    name: str
    content: bytes | Path


class _Pipe:
    """A buffer that passes on what is written; it cannot seek."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.place = 0

    def write(self, piece: bytes) -> int:
        """Buffer a piece."""
        self.pieces.append(bytes(piece))
        self.place += len(piece)
        return len(piece)

    def tell(self) -> int:
        """Returns how much was written."""
        return self.place

    def flush(self) -> None:
        """Do nothing: the reader always takes everything."""

    def taken(self) -> bytes:
        """Returns what was written since the last call."""
        content = b"".join(self.pieces)
        self.pieces.clear()
        return content


def pieces(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Yields an archive piece by piece, uncompressed: most files are compressed already."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:  # type: ignore[call-overload]
        for entry in entries:
            # Files may be larger than the old form of the header allows.
            with archive.open(zipfile.ZipInfo(entry.name), "w", force_zip64=True) as target:
                for piece in _read(entry.content):
                    target.write(piece)
                    if found := pipe.taken():
                        yield found
    if rest := pipe.taken():
        yield rest


def _read(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
