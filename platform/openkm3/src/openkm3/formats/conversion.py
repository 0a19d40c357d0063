"""The formats: detection, reading, writing, and conversion between them."""

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
    """One format: its readable name, its file suffixes, and whether it can be written."""

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
    """Return the format of a file by its content; the file name does not matter.

    Raises
    ------
    FormatError
        If there is no such file, or its format is not known.
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
    raise FormatError(path, f"has an unknown format; known formats are {known}")


def read(path: Path | str, fmt: FormatName | None = None) -> DataSet:
    """Read a file.

    Parameters
    ----------
    path : pathlib.Path or str
        The file.
    fmt : str, optional
        One of :data:`FORMATS`. By default it is detected.

    Returns
    -------
    DataSet

    Raises
    ------
    FormatError
        If the file is damaged, hostile, or has another format.
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
        The data. Formats that hold one table get :meth:`DataSet.main_table`.
    path : pathlib.Path or str
        The file.
    fmt : str, optional
        One of :data:`FORMATS`. By default the file's suffix chooses.
    **options
        Passed to the writer, e.g. ``profile="vodf"`` for FITS.
    """
    path = Path(path)
    name = fmt or _by_suffix(path)
    if name in FORMATS and not FORMATS[name].writable:
        raise FormatError(path, f"{FORMATS[name].title} can only be read, not written")
    _module(path, name).write(dataset, path, **options)


def convert(source: Path | str, target: Path | str, fmt: str | None = None, **options: Any) -> None:
    """Read one file and write another; see :func:`read` and :func:`write`."""
    target = Path(target)
    if fmt is None:
        _by_suffix(target)  # report a wrong name before reading, which can take long
    dataset = read(source)
    if not dataset.tables:
        raise FormatError(source, "cannot be converted: it has no table of rows")
    write(dataset, target, fmt, **options)


def _by_suffix(path: Path) -> str:
    for name, form in FORMATS.items():
        if path.suffix.lower() in form.suffixes:
            return name
    known = " ".join(form.suffixes[0] for form in FORMATS.values() if form.writable)
    raise FormatError(
        path, f"the suffix {path.suffix!r} is not that of a format; known suffixes are {known}"
    )


def _module(path: Path, name: str) -> Any:
    if name not in FORMATS:
        raise FormatError(
            path, f"there is no format {name!r}; the formats are {', '.join(FORMATS)}"
        )
    return import_module(f".{name}", __package__)


def _root(path: Path) -> FormatName:
    """Return which kind of ROOT file it is."""
    with root.opened(path) as file:
        # Both kinds may carry all trees; those of the other kind are empty.
        if "E" in file and file["E"].num_entries:
            return "offline"
        return "daq" if root.names(file) & root.DAQ_TREES else "trees"
