"""What offline and DAQ files have in common: ROOT's file header."""

from __future__ import annotations

import struct
from pathlib import Path

from ..errors import FormatError

#: Trees of the data acquisition.
DAQ_TREES = frozenset(
    {"KM3NET_SUMMARYSLICE", "KM3NET_EVENT", "KM3NET_TIMESLICE"}
    | {f"KM3NET_TIMESLICE_{level}" for level in ("L0", "L1", "L2", "SN")}
)


def check(path: Path) -> None:
    """Refuse what is no ROOT file, is cut off, or has a name that readers misunderstand.

    The header holds the file's length (``fEND``); uproot does not look at it and would read what
    happens to be there.
    """
    try:
        with path.open("rb") as handle:
            start = handle.read(24)
    except FileNotFoundError:
        raise FormatError(path, "there is no such file") from None
    if len(start) < 24 or not start.startswith(b"root"):
        raise FormatError(path, "is no ROOT file, or cut off")
    (version,) = struct.unpack(">i", start[4:8])
    # Files of more than 2 GB have a million added to their version and longer addresses.
    (end,) = (
        struct.unpack(">q", start[12:20]) if version >= 10**6 else struct.unpack(">i", start[12:16])
    )
    if path.stat().st_size < end:
        raise FormatError(path, f"is cut off: {path.stat().st_size} of {end} bytes are there")
    if ":" in str(path.resolve()):
        raise FormatError(path, "has a colon in its name, which ROOT readers misunderstand")


def first_line(error: Exception) -> str:
    """Return the first line of what uproot says, which can be pages long."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
