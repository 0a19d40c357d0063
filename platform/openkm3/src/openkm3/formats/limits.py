"""How much a reader takes before it calls a file hostile, and where writers write.

Formats can promise more than they hold: a few bytes of HDF5 can announce a table of terabytes,
a nested document can exhaust the stack. Readers ask here before they allocate.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

import yaml

from ..errors import ConfigurationError, FormatError

#: Deepest nesting of groups, elements or mappings.
DEPTH = 32
#: Most tables, groups or attributes of one file.
OBJECTS = 10_000
#: Largest single attribute or metadata text, in bytes.
ATTRIBUTE = 4 * 2**20
#: Largest document that is read as a whole (JSON, XML, text), in bytes.
DOCUMENT = 2**30
#: Above this size, data that unpack to more than `RATIO` times their packed size are refused.
SUSPICIOUS = 64 * 2**20
RATIO = 1000
#: What may be referred to more than once: it has no parts that could multiply.
_SHARED = frozenset({"!astropy.units.Unit", "!astropy.units.UnitBase"})


def max_bytes() -> int:
    """Return the most memory that one table may take: ``OPENKM3_MAX_BYTES``, default 8 GiB."""
    text = os.environ.get("OPENKM3_MAX_BYTES", "")
    if not text:
        return 8 * 2**30
    try:
        return int(float(text))
    except ValueError:
        raise ConfigurationError(
            f"OPENKM3_MAX_BYTES={text!r} is not a number of bytes, e.g. 8e9"
        ) from None


def check_size(path: Path, what: str, unpacked: int, packed: int | None = None) -> None:
    """Refuse a table that would take too much memory, or unpacks too much to be honest.

    Raises
    ------
    FormatError
        With the sizes, and how to raise the limit.
    """
    if unpacked > max_bytes():
        raise FormatError(
            path,
            f"{what} would take {unpacked / 1e9:.3g} GB of memory, more than the limit of "
            f"{max_bytes() / 1e9:.3g} GB (set OPENKM3_MAX_BYTES to raise it)",
        )
    if packed is not None and unpacked > SUSPICIOUS and unpacked > RATIO * max(packed, 1):
        raise FormatError(
            path,
            f"{what} unpacks from {packed} bytes to {unpacked / 1e6:.0f} MB, as a "
            "decompression bomb does",
        )


def document(path: Path) -> bytes:
    """Read a whole document, if it is not too large for that."""
    size = path.stat().st_size
    if size > DOCUMENT:
        raise FormatError(path, f"a text document of {size / 1e9:.1f} GB is not read as a whole")
    return path.read_bytes()


def check_yaml(path: Path, header: str) -> None:
    """Refuse what makes YAML dangerous: references that multiply, and nesting without end.

    Raises
    ------
    FormatError
        If the header is not YAML or not safe to read.
    """
    if len(header) > ATTRIBUTE:
        raise FormatError(path, f"a header of {len(header)} bytes is too large")
    depth = 0
    shared: set[str] = set()
    try:
        for event in yaml.parse(header, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent) and event.anchor not in shared:
                raise FormatError(path, "the header uses YAML references, which are refused")
            # astropy writes the unit of several columns once and refers to it.
            anchor = getattr(event, "anchor", None)
            if getattr(event, "tag", None) in _SHARED and anchor:
                shared.add(anchor)
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > DEPTH:
                raise FormatError(path, f"the header is nested more than {DEPTH} deep")
    except (yaml.YAMLError, RecursionError) as error:
        raise FormatError(
            path, f"the header is not YAML: {str(error).splitlines()[0][:200]}"
        ) from error


@contextmanager
def complete(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; on success the file takes its place, else nothing stays.

    Parameters
    ----------
    path : pathlib.Path
        The file to be written; its folder must exist.

    Yields
    ------
    pathlib.Path
        Where to write. It has the same suffix, since libraries look at suffixes.
    """
    if not path.parent.is_dir():
        raise FormatError(path, f"there is no folder {path.parent}")
    try:
        with NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.stem[:32]}-", suffix=path.suffix[:32], delete=False
        ) as handle:
            temporary = Path(handle.name)
    except OSError as error:
        raise FormatError(path, f"cannot be written: {error.strerror or error}") from error
    try:
        yield temporary
        # Temporary files are private; a result gets the rights that any new file gets.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except OSError as error:
        raise FormatError(path, f"cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
