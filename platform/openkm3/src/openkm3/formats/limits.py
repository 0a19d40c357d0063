"""Limits for readers, which protect from hostile files, and safe replacement for writers.

A file can announce more than it contains: a few bytes of HDF5 can declare a table of terabytes, and
a nested document can exhaust the stack. Readers check these limits before they allocate memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

import yaml

from ..errors import ConfigurationError, FormatError, first_line

#: Deepest nesting of groups, elements or mappings.
DEPTH = 32
#: Largest number of tables, groups or attributes in one file.
OBJECTS = 10_000
#: Largest single attribute or metadata text, in bytes.
ATTRIBUTE = 4 * 2**20
#: Largest document that is read into memory as a whole (JSON, XML, text), in bytes.
DOCUMENT = 2**30
#: Above this size, data that expand to more than `RATIO` times their compressed size are refused.
SUSPICIOUS = 64 * 2**20
RATIO = 1000


def max_bytes() -> int:
    """Return the memory limit of one table: ``OPENKM3_MAX_BYTES``, by default 8 GiB."""
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
    """Refuse a table that needs too much memory, or expands like a decompression bomb.

    Raises
    ------
    FormatError
        The message has the sizes and says how to raise the limit.
    """
    if unpacked > max_bytes():
        raise FormatError(
            path,
            f"{what} would need {unpacked / 1e9:.3g} GB of memory, more than the limit of "
            f"{max_bytes() / 1e9:.3g} GB (set OPENKM3_MAX_BYTES to raise it)",
        )
    if packed is not None and unpacked > SUSPICIOUS and unpacked > RATIO * max(packed, 1):
        raise FormatError(
            path,
            f"{what} expands from {packed} bytes to {unpacked / 1e6:.0f} MB, like a "
            "decompression bomb; it is refused",
        )


def document(path: Path) -> bytes:
    """Read a whole document, unless it is too large."""
    size = path.stat().st_size
    if size > DOCUMENT:
        raise FormatError(
            path, f"a text document of {size / 1e9:.1f} GB is too large; the limit is 1 GiB"
        )
    return path.read_bytes()


@dataclass(eq=False)
class _Node:
    """The size of a piece of YAML with its references written out, and the levels below it."""

    size: int = 1
    depth: int = 0

    def add(self, part: _Node) -> None:
        self.size += part.size
        self.depth = max(self.depth, part.depth + 1)


def check_yaml(path: Path, header: str) -> None:
    """Refuse dangerous YAML: references that multiply, and deep nesting.

    References are allowed where the header would not be too large with each of them written out:
    astropy writes once what several columns share, such as a unit or an equinox.

    Raises
    ------
    FormatError
        If the header is not YAML or not safe to read.
    """
    if len(header) > ATTRIBUTE:
        raise FormatError(path, f"a header of {len(header)} bytes is too large")
    known: dict[str, _Node] = {}
    around: list[_Node] = [_Node()]
    try:
        for event in yaml.parse(header, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                around.append(_Node())
                node = around[-1]
            elif isinstance(event, yaml.CollectionEndEvent):
                node = around.pop()
                around[-1].add(node)
            elif isinstance(event, yaml.ScalarEvent):
                node = _Node(len(event.value) + 1)
                around[-1].add(node)
            elif isinstance(event, yaml.AliasEvent):
                if event.anchor not in known or known[event.anchor] in around:
                    raise FormatError(path, "the header has a YAML reference to what contains it")
                node = known[event.anchor]
                around[-1].add(node)
            else:
                continue
            if anchor := getattr(event, "anchor", None):
                known[anchor] = node
            if len(around) + node.depth > DEPTH:
                raise FormatError(path, f"the header is nested more than {DEPTH} levels deep")
            if around[-1].size > ATTRIBUTE:
                raise FormatError(path, "the header is too large with its YAML references resolved")
    except (yaml.YAMLError, RecursionError) as error:
        raise FormatError(path, f"the header is not YAML: {first_line(error)}") from error


@contextmanager
def complete(path: Path) -> Iterator[Path]:
    """Yield a temporary file name; on success it replaces `path`, otherwise it is removed.

    Parameters
    ----------
    path : pathlib.Path
        The file to write; its folder must exist.

    Yields
    ------
    pathlib.Path
        The file to write to. It has the suffix of `path`, which some libraries depend on.
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
        # Temporary files are private; the result gets the permissions of any new file.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except OSError as error:
        raise FormatError(path, f"cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
