"""HDF5 in km3pipe's layout: compound tables that PyTables and pandas can read, and metadata.

The metadata model is stored in the root attribute ``km3_annotation`` (in a data set of that name if
it is too large for an attribute). Its header is also in the one-row table ``/header``, as in the
published ORCA file. The metadata of other files is read from their ``/header`` table or root
attributes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..errors import FormatError
from ..metadata import Annotation, Header
from . import limits
from .columns import ColumnData
from .dataset import DataSet, noted, parsed, to_json
from .hdf5_tables import Source, attribute_text, content, find
from .names import renamed, storable
from .packing import Capacity, blanked, pack, unpack
from .tables import columns, to_table
from .texts import encoded

ATTRIBUTE = "km3_annotation"
_CAPACITY = Capacity(
    types=frozenset(
        "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 "
        f"{np.dtype(np.longdouble).name} complex64 complex128 text text[]".split()
    ),
    # HDF5 has no missing values.
    flags=lambda data: data.mask is not None and data.kind in "biuU",
    texts=lambda data: not any(text.endswith("\0") for text in data.values.ravel().tolist()),
)
_LARGEST_ATTRIBUTE = 60_000  # HDF5 limits attributes to 64 kB
_PYTABLES = {
    "CLASS": "GROUP",
    "VERSION": "1.0",
    "TITLE": "KM3NeT",
    "PYTABLES_FORMAT_VERSION": "2.1",
}


def read(path: Path, tables: list[str] | None = None) -> DataSet:
    """Read tables and metadata.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    tables : list of str, optional
        Names of the tables to read, e.g. ``["events"]``. By default all are read.

    Raises
    ------
    FormatError
        If the file is damaged, links to other files, or is too large.
    """
    with _open(path) as (file, found):
        annotation, notes = _metadata(path, file, found)
        wanted = list(found) if tables is None else tables
        result = {}
        for name in wanted:
            if name not in found:
                raise FormatError(
                    path, f"has no table {name!r}; its tables are {', '.join(found) or 'none'}"
                )
            named = renamed(content(path, name, found[name]), noted(notes, "_columns", name))
            result[name] = to_table(unpack(named, noted(notes, "_fields", name)))
    return DataSet(result, annotation)


def names(path: Path) -> list[str]:
    """Return the names of the tables."""
    with _open(path) as (_, found):
        return list(found)


def annotation(path: Path) -> Annotation:
    """Return the metadata without reading data."""
    with _open(path) as (file, found):
        return _metadata(path, file, found)[0]


def stream(path: Path, table: str, rows: int = 250_000) -> Iterator[np.ndarray[Any, Any]]:
    """Read a table in chunks of structured arrays; only one chunk is in memory.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    table : str
        The table's name.
    rows : int, optional
        Rows per chunk.
    """
    with _open(path) as (_, found):
        if table not in found:
            raise FormatError(
                path, f"has no table {table!r}; its tables are {', '.join(found) or 'none'}"
            )
        node = found[table]
        if not isinstance(node, h5py.Dataset):
            raise FormatError(
                path, f"{table!r} cannot be read in chunks: it is not a compound table"
            )
        for start in range(0, node.shape[0], rows):
            yield node[start : start + rows]


def write(dataset: DataSet, path: Path) -> None:
    """Write all tables and the metadata; the file is replaced only after it is complete."""
    names: dict[str, dict[str, str]] = {}
    fields: dict[str, Any] = {}
    with _writing(path) as file:
        _attributes(file, _PYTABLES)
        _attributes(file, {"format_version": "5.1", "writer": "openkm3"})
        for name, table in dataset.tables.items():
            if name == "header":
                continue  # written from the metadata below
            packed, notes = pack(columns(table), _CAPACITY)
            stored = storable(packed)
            if changed := {new: old for old, new in stored.items() if new != old}:
                names[name] = changed
            if notes:
                fields[name] = notes
            arrays = {stored[key]: _packable(data) for key, data in packed.items()}
            units = [str(data.unit or "") for data in packed.values()]
            _table(file, name, arrays, units, len(table))
        if header := dataset.annotation.header.plain():
            texts = {key: str(value).encode() for key, value in header.items()}
            arrays = {
                new: np.array([texts[old]], dtype=f"S{max(len(texts[old]), 1)}")
                for old, new in storable(texts).items()
            }
            _table(file, "header", arrays, [], 1)
        extra = {"_columns": names, "_fields": fields}
        known = {key: note for key, note in extra.items() if note}
        text = to_json(dataset.annotation, **known).encode()
        if len(text) > _LARGEST_ATTRIBUTE:
            file.create_dataset(ATTRIBUTE, data=np.frombuffer(text, dtype="u1"))
        else:
            file.attrs[ATTRIBUTE] = np.bytes_(text)


@contextmanager
def _writing(path: Path) -> Iterator[h5py.File]:
    with limits.complete(path) as temporary:
        try:
            with h5py.File(temporary, "w") as file:
                yield file
        except (ValueError, TypeError) as error:
            raise FormatError(path, f"cannot be written: {error}") from error


@contextmanager
def _open(path: Path) -> Iterator[tuple[h5py.File, dict[str, Source]]]:
    try:
        with h5py.File(path, "r") as file:
            yield file, find(path, file, ATTRIBUTE)
    except FormatError:
        raise
    except FileNotFoundError:
        raise FormatError(path, "there is no such file") from None
    except PermissionError as error:
        raise FormatError(path, f"cannot be opened: {error.strerror}") from None
    except RecursionError:
        raise FormatError(path, "is nested too deeply") from None
    except (OSError, RuntimeError, KeyError, MemoryError) as error:
        # The HDF5 library reports damage by any of these.
        raise FormatError(path, f"is damaged and cannot be read as HDF5: {error}") from error
    except (ValueError, TypeError) as error:
        raise FormatError(path, f"uses a feature of HDF5 that is not supported: {error}") from error


def _metadata(
    path: Path, file: h5py.File, found: dict[str, Source]
) -> tuple[Annotation, dict[str, Any]]:
    text = _annotation_text(path, file)
    if text is not None:
        try:
            return parsed(json.loads(text))
        except (RecursionError, ValueError, AttributeError) as error:
            raise FormatError(path, f"{ATTRIBUTE} is not metadata in JSON: {error}") from error
    header: dict[str, Any] = {}
    for key, value in _small_attributes(path, file).items():
        if key in Header.model_fields:
            header[key] = attribute_text(value)
    table = found.get("header")
    if isinstance(table, h5py.Dataset) and table.shape == (1,):
        row = table[0]
        header |= {key: attribute_text(row[key]) for key in table.dtype.names}
    return Annotation.parse({"header": header}), {}


def _annotation_text(path: Path, file: h5py.File) -> str | None:
    if ATTRIBUTE in file:
        node = file[ATTRIBUTE]
        if not isinstance(node, h5py.Dataset) or node.dtype != np.dtype("u1"):
            raise FormatError(path, f"{ATTRIBUTE} is not metadata in JSON")
        if node.size > limits.ATTRIBUTE:
            raise FormatError(path, f"metadata of {node.size} bytes is too large")
        return bytes(node[()]).decode("utf-8", "replace")
    value = _small_attributes(path, file).get(ATTRIBUTE)
    return None if value is None else attribute_text(value)


def _small_attributes(path: Path, file: h5py.File) -> dict[str, Any]:
    """Return the root's attributes of metadata; huge ones are refused before they are read."""
    if len(file.attrs) > limits.OBJECTS:
        raise FormatError(path, f"has more than {limits.OBJECTS} attributes")
    result = {}
    for key in file.attrs:
        size = _size(file.attrs.get_id(key))
        if size > limits.ATTRIBUTE:
            raise FormatError(path, f"attribute {key!r} of {size} bytes is too large")
        if key in Header.model_fields or key == ATTRIBUTE:
            result[key] = file.attrs[key]
    return result


def _size(attribute: Any) -> int:
    # HDF5 has no size for the empty attributes that PyTables and pandas write.
    is_empty = attribute.get_space().get_simple_extent_type() == h5py.h5s.NULL
    return 0 if is_empty else int(attribute.get_storage_size())


def _packable(data: ColumnData) -> np.ndarray[Any, Any]:
    """Return the values; text as fixed-length bytes, which PyTables and pandas require."""
    values = blanked(data)
    return encoded(values) if data.kind == "U" else values


def _table(
    file: h5py.File,
    name: str,
    arrays: dict[str, np.ndarray[Any, Any]],
    units: list[str],
    length: int,
) -> None:
    if not arrays:
        raise ValueError(f"table {name!r} has no columns")
    dtype = np.dtype([(key, a.dtype, a.shape[1:]) for key, a in arrays.items()])
    content = np.empty(length, dtype=dtype)
    for key, values in arrays.items():
        content[key] = values
    options: dict[str, Any] = {"maxshape": (None,), "chunks": (max(1, min(length, 65_536)),)}
    if length > 1:
        options |= {"compression": "gzip", "compression_opts": 5, "shuffle": True}
    node = file.create_dataset(name, data=content, **options)
    _attributes(node, {"CLASS": "TABLE", "VERSION": "2.7", "TITLE": name})
    node.attrs["NROWS"] = np.int64(length)
    for number, key in enumerate(arrays):
        _attributes(node, {f"FIELD_{number}_NAME": key})
        if number < len(units) and units[number]:
            _attributes(node, {f"FIELD_{number}_UNIT": units[number]})
    group = node.parent
    while group.name != "/":
        _attributes(group, {"CLASS": "GROUP", "VERSION": "1.0", "TITLE": ""})
        group = group.parent


def _attributes(node: h5py.Group | h5py.Dataset, texts: dict[str, str]) -> None:
    for key, text in texts.items():
        # PyTables reads only fixed-length bytes; h5py cannot write empty ones.
        node.attrs[key] = np.bytes_(text.encode() or b" ")
