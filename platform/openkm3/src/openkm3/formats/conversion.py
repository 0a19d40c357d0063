"""Which format a file has, and the way from any to any."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from ..errors import FormatError
from . import root, strangers
from .dataset import DataSet

FormatName = Literal[
    "hdf5", "fits", "votable", "ecsv", "parquet", "offline", "daq", "trees", "annotated"
]


@dataclass(frozen=True)
class Format:
    """One format: its name for people, the suffixes that choose it, whether we can write it."""

    title: str
    suffixes: tuple[str, ...]
    writable: bool = True


FORMATS: dict[str, Format] = {
    "hdf5": Format("HDF5 (km3pipe)", (".h5", ".hdf5", ".hdf")),
    "fits": Format("FITS (GADF event list)", (".fits", ".fit")),
    "votable": Format("VOTable", (".vot", ".votable", ".xml")),
    "ecsv": Format("ECSV", (".ecsv",)),
    "parquet": Format("Parquet", (".parquet", ".pq")),
    "offline": Format("KM3NeT offline ROOT", (".root",), writable=False),
    "daq": Format("KM3NeT DAQ ROOT", (".root",), writable=False),
    "trees": Format("ROOT trees", (".root",), writable=False),
    "annotated": Format("annotated JSON", (".json",), writable=False),
}

_STARTS: dict[bytes, FormatName] = {
    b"\x89HDF\r\n\x1a\n": "hdf5",
    b"SIMPLE  =": "fits",
    b"PAR1": "parquet",
    b"# %ECSV": "ecsv",
}


def detect(path: Path | str) -> FormatName:
    """Return the format of a file by its content; its name does not matter.

    Raises
    ------
    FormatError
        If there is no such file or its content is of no known format.
    """
    path = Path(path)
    try:
        with path.open("rb") as handle:
            start = handle.read(4096)
    except FileNotFoundError:
        raise FormatError(path, "there is no such file") from None
    except OSError as error:
        raise FormatError(path, f"cannot be opened: {error.strerror}") from None
    if not start:
        raise FormatError(path, "is empty")
    if start.startswith(b"root"):
        return _root(path)
    for magic, name in _STARTS.items():
        if start.startswith(magic):
            return name
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and b"VOTABLE" in start:
        return "votable"
    if start.lstrip().startswith(b"{"):
        return "annotated"
    if stranger := strangers.described(path, start):
        raise FormatError(path, stranger)
    known = ", ".join(form.title for form in FORMATS.values())
    raise FormatError(path, f"is of no known format ({known})")


def read(path: Path | str, fmt: FormatName | None = None) -> DataSet:
    """Read a file.

    Parameters
    ----------
    path : pathlib.Path or str
        The file.
    fmt : str, optional
        One of :data:`FORMATS`; found out by default.

    Returns
    -------
    DataSet

    Raises
    ------
    FormatError
        If the file is damaged, hostile or of another format.
    """
    path = Path(path)
    name = fmt or detect(path)
    reader: Callable[[Path], DataSet] = _module(path, name).read
    return reader(path)


def write(dataset: DataSet, path: Path | str, fmt: str | None = None, **options: Any) -> None:
    """Write a data set; the file appears when it is complete.

    Parameters
    ----------
    dataset : DataSet
        What to write. Formats of one table take :meth:`DataSet.main_table`.
    path : pathlib.Path or str
        The file.
    fmt : str, optional
        One of :data:`FORMATS`; chosen by the file's suffix by default.
    **options
        Passed to the writer, e.g. ``profile="vodf"`` for FITS.
    """
    path = Path(path)
    name = fmt or _by_suffix(path)
    if name in FORMATS and not FORMATS[name].writable:
        raise FormatError(path, f"{FORMATS[name].title} can be read, but not written")
    _module(path, name).write(dataset, path, **options)


def convert(source: Path | str, target: Path | str, fmt: str | None = None, **options: Any) -> None:
    """Read one file and write another; see :func:`read` and :func:`write`."""
    target = Path(target)
    if fmt is None:
        _by_suffix(target)  # tell about a wrong name before reading takes its time
    dataset = read(source)
    if not dataset.tables:
        raise FormatError(source, "holds no table of rows, so there is nothing to convert")
    write(dataset, target, fmt, **options)


def _by_suffix(path: Path) -> str:
    for name, form in FORMATS.items():
        if path.suffix.lower() in form.suffixes:
            return name
    known = " ".join(form.suffixes[0] for form in FORMATS.values() if form.writable)
    raise FormatError(path, f"the suffix {path.suffix!r} means no format; known are {known}")


def _module(path: Path, name: str) -> Any:
    if name not in FORMATS:
        raise FormatError(path, f"there is no format {name!r}, only {', '.join(FORMATS)}")
    return import_module(f".{name}", __package__)


def _root(path: Path) -> FormatName:
    """Return which kind of ROOT file it is."""
    with root.opened(path) as file:
        # Both kinds may carry all trees; those of the other kind are empty.
        if "E" in file and file["E"].num_entries:
            return "offline"
        return "daq" if root.names(file) & root.DAQ_TREES else "trees"
