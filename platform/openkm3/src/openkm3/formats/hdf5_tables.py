"""The tables of an HDF5 file of any origin: km3pipe, PyTables, pandas, astropy, h5py.

A table is a compound data set, a pandas DataFrame, or a set of arrays: arrays of equal length in
one group are the columns of one table.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401 - registers the filters of pandas and PyTables (Blosc, Zstd ...)
import numpy as np

from ..errors import FormatError
from . import limits, pandas_hdf5
from .columns import ColumnData
from .tables import columns
from .texts import text

#: A compound data set, a group of pandas, or arrays of equal length.
Source = Any

_ASTROPY = ".__table_column_meta__"
_FILTERS = {305: "LZO", 32000: "LZF", 307: "bzip2", 32001: "Blosc", 32026: "Blosc2"}


def find(path: Path, file: h5py.File, ignored: str) -> dict[str, Source]:
    """Return all tables by name; tables of rows first, then arrays.

    Parameters
    ----------
    path : pathlib.Path
        The file, for messages.
    file : h5py.File
        The open file.
    ignored : str
        Name of a data set that is not a table.

    Raises
    ------
    FormatError
        If the file links to other files, is nested too deeply, or expands too much.
    """
    found: dict[str, Source] = {}
    arrays: dict[str, dict[str, h5py.Dataset]] = {}
    for prefix, name, node in _nodes(path, file):
        full = f"{prefix}{name}"
        if isinstance(node, h5py.Group):
            for each in pandas_hdf5.datasets(node):
                _check(path, full, each)
            found[full] = node
        elif full != ignored:
            _check(path, full, node)
            if node.dtype.names:
                found[full] = node
            elif node.shape and not name.endswith(_ASTROPY):
                arrays.setdefault(prefix, {})[name] = node
    for prefix, group in arrays.items():
        found |= _arrays(prefix, group, found)
    return found


def _nodes(path: Path, file: h5py.File) -> Iterator[tuple[str, str, h5py.Dataset | h5py.Group]]:
    """Yield the data sets, and the groups of pandas, with the names of their groups."""
    pending: list[tuple[str, h5py.Group, int]] = [("", file, 0)]
    seen, count = set(), 0
    while pending:
        prefix, group, depth = pending.pop(0)
        if depth > limits.DEPTH:
            raise FormatError(path, f"has groups nested more than {limits.DEPTH} levels deep")
        for name in group:
            count += 1
            if count > limits.OBJECTS:
                raise FormatError(path, f"has more than {limits.OBJECTS} objects")
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.SoftLink):
                continue  # another name for an object of this file, as PyTables writes
            if not isinstance(link, h5py.HardLink):
                raise FormatError(
                    path, f"{prefix}{name} is a link to another file, which is not allowed"
                )
            node = group[name]
            address = h5py.h5o.get_info(node.id).addr
            if isinstance(node, h5py.Dataset) or (
                isinstance(node, h5py.Group) and pandas_hdf5.is_pandas(node)
            ):
                yield prefix, name, node
            # Index groups of km3pipe and PyTables (_i_...) are not data.
            elif isinstance(node, h5py.Group) and address not in seen and name[:3] != "_i_":
                pending.append((f"{prefix}{name}/", node, depth + 1))
            seen.add(address)


def _arrays(
    prefix: str, group: dict[str, h5py.Dataset], taken: dict[str, Source]
) -> dict[str, Source]:
    lengths = {node.shape[0] for node in group.values()}
    whole = prefix.rstrip("/") or "table"
    if len(group) > 1 and len(lengths) == 1 and whole not in taken:
        return {whole: group}
    return {f"{prefix}{name}": {name: node} for name, node in group.items()}


def _check(path: Path, name: str, node: h5py.Dataset) -> None:
    if node.external or node.is_virtual:
        raise FormatError(path, f"{name} stores its data in another file, which is not allowed")
    filters = node.id.get_create_plist()
    for number in range(filters.get_nfilters()):
        code = filters.get_filter(number)[0]
        if not h5py.h5z.filter_avail(code):
            packed = _FILTERS.get(code, f"the HDF5 filter {code}")
            raise FormatError(
                path,
                f"{name} is compressed with {packed}, which is not supported: rewrite the file "
                "with another compression, e.g. ptrepack --complib=blosc --complevel=5",
            )
    size = int(node.dtype.itemsize) * int(np.prod(node.shape, dtype=float)) if node.shape else 0
    limits.check_size(path, name, size, node.id.get_storage_size())


def content(path: Path, name: str, source: Source) -> dict[str, ColumnData]:
    """Read a table of any kind."""
    if isinstance(source, h5py.Group):
        return pandas_hdf5.read(path, name, source)
    if isinstance(source, dict):
        return {key: _array(path, node) for key, node in source.items()}
    if len(source.shape) != 1:
        raise FormatError(path, f"{source.name} is not a table of rows")
    if f"{name}{_ASTROPY}" in source.file:
        return _of_astropy(path, name, source.file)
    return dict(_fields(path, source))


def _of_astropy(path: Path, name: str, file: h5py.File) -> dict[str, ColumnData]:
    """Read a table that astropy wrote with a description of its columns."""
    from astropy.io.misc.hdf5 import read_table_hdf5

    node = file[f"{name}{_ASTROPY}"]
    limits.check_yaml(path, "\n".join(text(line) for line in node[()].tolist()))
    return columns(read_table_hdf5(file, path=name))


def _array(path: Path, node: h5py.Dataset) -> ColumnData:
    """Read an array of h5py or PyTables; its rows may have varying lengths."""
    values = node[()]
    kind = text(node.attrs.get("PSEUDOATOM", b""))
    if kind == "object":
        raise FormatError(
            path, f"{node.name} holds pickled Python objects, which are not safe to read"
        )
    if kind in ("vlstring", "vlunicode"):
        encoding = "utf-8" if kind == "vlstring" else "utf-32-le"
        words = [np.asarray(each).astype("<u4" if kind == "vlunicode" else "u1") for each in values]
        values = np.array([each.tobytes().decode(encoding) for each in words], dtype="U")
    if isinstance(node.id.get_type(), h5py.h5t.TypeBitfieldID):
        values = values != 0
    unit = next((node.attrs[key] for key in ("unit", "units") if key in node.attrs), None)
    gone = None
    for key in ("_FillValue", "missing_value"):
        if key in node.attrs and values.dtype.kind in "iuf":
            unset = np.isin(values, node.attrs[key])
            gone = unset if gone is None else gone | unset
    # netCDF's packing of numbers.
    if values.dtype.kind in "iuf" and {"scale_factor", "add_offset"} & set(node.attrs):
        values = values * node.attrs.get("scale_factor", 1.0) + node.attrs.get("add_offset", 0.0)
    try:
        return ColumnData.make(values, gone, attribute_text(unit).strip() or None)
    except TypeError as error:
        raise FormatError(path, f"{node.name}: {error}") from None


def _fields(path: Path, node: h5py.Dataset) -> Iterator[tuple[str, ColumnData]]:
    content = node[()]
    for number, key in enumerate(node.dtype.names):
        unit = node.attrs.get(f"FIELD_{number}_UNIT") if node.attrs else None
        values = content[key]
        if _is_bitfield(node, number):
            values = values != 0
        for name, part in _flat(key, values):
            try:
                yield name, ColumnData.make(part, None, attribute_text(unit).strip() or None)
            except TypeError as error:
                raise FormatError(path, f"column {name!r} of {node.name}: {error}") from None


def _flat(name: str, values: np.ndarray[Any, Any]) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Split nested columns of PyTables."""
    if values.dtype.names:
        for key in values.dtype.names:
            yield from _flat(f"{name}/{key}", values[key])
    else:
        yield name, values


def _is_bitfield(node: h5py.Dataset, number: int) -> bool:
    """Return whether a column holds booleans as PyTables stores them."""
    member = node.id.get_type().get_member_type(number)
    member = member.get_super() if isinstance(member, h5py.h5t.TypeArrayID) else member
    return isinstance(member, h5py.h5t.TypeBitfieldID) and member.get_size() == 1


def attribute_text(value: object) -> str:
    """Return the value of an attribute as text; empty if it has no value."""
    if isinstance(value, h5py.Empty):
        return ""
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)
