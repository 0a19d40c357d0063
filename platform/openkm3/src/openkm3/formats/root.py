"""What all ROOT files have in common: the file header, and how uproot reads them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import FormatError, MissingPackage, first_line
from . import limits

#: Trees of the data acquisition.
DAQ_TREES = frozenset(
    {"KM3NET_SUMMARYSLICE", "KM3NET_EVENT", "KM3NET_TIMESLICE"}
    | {f"KM3NET_TIMESLICE_{level}" for level in ("L0", "L1", "L2", "SN")}
)


@contextmanager
def opened(path: Path, what: str = "ROOT") -> Iterator[Any]:
    """Open a ROOT file with uproot; every error of the block becomes a `FormatError`.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    what : str
        The kind of file, for errors.

    Yields
    ------
    uproot.ReadOnlyDirectory

    Raises
    ------
    FormatError
        If the file is damaged, or the block fails for any reason.
    MissingPackage
        If uproot, or another package of the extra ``root``, is not installed.
    """
    try:
        import uproot
    except ImportError:
        raise MissingPackage("Reading ROOT files", "root") from None

    _check(path)
    try:
        # A Path, since a string could be an address or name an object behind a colon.
        with uproot.open(path) as file:
            yield file
    except (FormatError, MissingPackage):
        raise
    except Exception as error:  # uproot raises many types for damaged files
        raise FormatError(path, f"cannot be read as {what}: {first_line(error)}") from error


def names(file: Any) -> set[str]:
    """Return the names of the objects at the top of a file, without their cycles."""
    return {key.split(";")[0] for key in file.keys(recursive=False)}


def check_size(path: Path, part: Any) -> None:
    """Refuse a tree or branch that is too large, or unpacks too much; see `limits.check_size`."""
    unpacked, packed = int(part.uncompressed_bytes), int(part.compressed_bytes)
    limits.check_size(path, part.name, unpacked, packed)


def _check(path: Path) -> None:
    """Refuse a file that is not ROOT, is truncated, or has a name that readers misunderstand.

    The header holds the file's length (``fEND``). uproot ignores it and would read whatever
    happens to be there.
    """
    try:
        with path.open("rb") as handle:
            start = handle.read(24)
    except FileNotFoundError:
        raise FormatError(path, "there is no such file") from None
    if len(start) < 24 or not start.startswith(b"root"):
        raise FormatError(path, "is not a ROOT file, or is truncated")
    (version,) = struct.unpack(">i", start[4:8])
    # Files of more than 2 GB have a million added to their version and longer addresses.
    (end,) = (
        struct.unpack(">q", start[12:20]) if version >= 10**6 else struct.unpack(">i", start[12:16])
    )
    if path.stat().st_size < end:
        raise FormatError(path, f"is truncated: {path.stat().st_size} of {end} bytes are there")
    if ":" in str(path.resolve()):
        raise FormatError(path, "has a colon in its name, which ROOT readers misunderstand")
