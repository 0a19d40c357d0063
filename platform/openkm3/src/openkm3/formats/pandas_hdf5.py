"""HDF5 as pandas writes it (``DataFrame.to_hdf``), in both formats, without PyTables.

The *table* format stores rows as a compound data set whose fields are columns, or blocks of columns
of one type. The *fixed* format stores each block as an array. Names and text that pandas pickles
are read by an unpickler that creates only plain values.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..errors import FormatError
from .columns import Array, ColumnData
from .names import unique
from .texts import decoded, text

#: The parts of pickled numpy arrays; nothing else is ever called.
_NUMPY = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "scalar"),
    ("_codecs", "encode"),
    ("datetime", "date"),
    ("datetime", "datetime"),
}
_SEVERAL_LEVELS = (
    "the pandas table {} has labels of several levels (MultiIndex): flatten them before writing, "
    "e.g. with reset_index()"
)


def is_pandas(group: h5py.Group) -> bool:
    """Return whether a group is a DataFrame or a Series."""
    return "pandas_type" in group.attrs


def read(path: Path, name: str, group: h5py.Group) -> dict[str, ColumnData]:
    """Return the columns of a DataFrame or Series, without an index that only counts rows.

    Raises
    ------
    FormatError
        If it has labels of several levels, or objects other than numbers, text and times.
    """
    kind = text(group.attrs["pandas_type"])
    try:
        if kind in ("frame_table", "series_table"):
            return _of_table(path, name, group)
        if kind in ("frame", "series"):
            return _of_blocks(path, name, group)
    except (pickle.UnpicklingError, TypeError, EOFError, AttributeError, IndexError) as error:
        raise FormatError(path, f"the pandas table {name} cannot be read: {error}") from error
    raise FormatError(path, f"{name} is a pandas {kind!r}, which is not supported")


def rows(group: h5py.Group) -> int:
    """Return the number of rows, without reading data."""
    for key in ("table", "axis1", "index", "axis1_label0"):
        if key in group and group[key].shape:
            return int(group[key].shape[0])
    return 0


def datasets(group: h5py.Group) -> list[h5py.Dataset]:
    """Return the data sets that hold the values, to check their size before reading."""
    if "table" in group:
        return [group["table"]]
    return [node for node in group.values() if isinstance(node, h5py.Dataset)]


def _of_table(path: Path, name: str, group: h5py.Group) -> dict[str, ColumnData]:
    node = group["table"]
    content = node[()]
    columns: dict[str, ColumnData] = {}
    index: dict[str, ColumnData] = {}
    for field in node.dtype.names:
        values = content[field]
        attributes = {key: node.attrs.get(f"{field}_{key}") for key in ("kind", "dtype", "meta")}
        attributes["nan_rep"] = _nan_rep(group, node, field)
        if field == "index":
            index = _index(group, node, values)
            continue
        names = _names(path, name, _unpickled(attributes["kind"]))
        if values.ndim == 1:
            values = values[:, np.newaxis]
        for number, column in enumerate(names):
            part = values[:, number]
            # pandas allows two columns with the same name.
            key = unique([*columns, column])[-1]
            if _plain(attributes["meta"]) == "category":
                columns[key] = _category(group, field, part)
            else:
                columns[key] = _column(part, attributes)
    order = unique(
        column
        for _, axis in _unpickled(group.attrs.get("non_index_axes")) or []
        for column in _names(path, name, list(axis))
    )
    known = [column for column in order if column in columns]
    rest = [column for column in columns if column not in known]
    # The remaining columns are the levels of an index; they come first.
    return _beside(index, {column: columns[column] for column in [*rest, *known]})


def _index(group: h5py.Group, node: h5py.Dataset, values: Array) -> dict[str, ColumnData]:
    """Return the index of a table, unless it only counts rows."""
    if _plain(node.attrs.get("index_meta")) == "category":
        data = _category(group, "index", values)
    else:
        data = ColumnData.make(_typed(values, text(node.attrs.get("index_kind", b""))))
        data = _labels_missing(data, node.attrs, "index_nan_rep")
        if _only_counts(data.values):
            return {}
    try:
        info = _unpickled(group.attrs.get("info"))
    except pickle.UnpicklingError:  # the frequency of times is an object of pandas
        info = None
    known = info.get("index") if isinstance(info, dict) else None
    label = known.get("index_name") if isinstance(known, dict) else None
    return {str(label or "index"): data}


def _nan_rep(group: h5py.Group, node: h5py.Dataset, field: str) -> str | None:
    """Return the text that marks missing texts in a column, None if there is no such mark.

    Newer pandas chooses a mark for each column that is not one of its texts; older versions had one
    for all columns.
    """
    if f"{field}_nan_rep" in node.attrs:
        return text(node.attrs[f"{field}_nan_rep"])
    if group.attrs.get("data_col_nan_rep", 0):
        return None
    chosen = _unpickled(group.attrs.get("nan_rep"))
    return str(chosen) if chosen else "nan"


def _labels_missing(data: ColumnData, attributes: h5py.AttributeManager, key: str) -> ColumnData:
    """Return the labels of an index, masked where they are the mark (by default ``nan``)."""
    if data.kind != "U":
        return data
    nan = attributes.get(key, b"nan")
    # An empty attribute means that no label is missing.
    gone = (
        np.zeros(len(data.values), bool)
        if isinstance(nan, h5py.Empty)
        else ((data.values == text(nan)) & (text(nan) != ""))
    )
    return data.with_values(data.values, gone if gone.any() else None)


def _column(values: Array, attributes: dict[str, Any]) -> ColumnData:
    kind = text(attributes["dtype"]) if attributes["dtype"] is not None else ""
    if values.dtype.kind == "S":
        texts = decoded(values)
        nan = attributes["nan_rep"]
        return ColumnData.make(texts, None if nan is None else texts == nan)
    return ColumnData.make(_typed(values, kind))


def _category(group: h5py.Group, field: str, codes: Array) -> ColumnData:
    values = group[f"meta/{field}/meta/table"][()]["values"]
    labels = decoded(values) if values.dtype.kind == "S" else values
    gone = codes < 0
    if not len(labels):
        return ColumnData.make(np.full(codes.shape, ""), np.ones(codes.shape, bool))
    return ColumnData.make(labels[np.where(gone, 0, codes)], gone)


def _of_blocks(path: Path, name: str, group: h5py.Group) -> dict[str, ColumnData]:
    if text(group.attrs["pandas_type"]) == "series":
        if text(group.attrs.get("index_variety", b"regular")) != "regular":
            raise FormatError(path, _SEVERAL_LEVELS.format(name))
        label = _unpickled(group.attrs.get("name"))
        series = ColumnData.make(_array(group["values"]).ravel())
        return _indexed(group["index"]) | {str(label or "values"): series}
    varieties = [text(group.attrs.get(f"axis{n}_variety", b"regular")) for n in (0, 1)]
    if varieties != ["regular", "regular"]:
        raise FormatError(path, _SEVERAL_LEVELS.format(name))
    columns: dict[str, ColumnData] = {}
    for number in range(int(group.attrs["nblocks"])):
        values = _array(group[f"block{number}_values"])
        items = _labels(group[f"block{number}_items"])
        if not values.size:
            values = np.empty((0, len(items)), values.dtype)
        values = values.reshape(-1, len(items)) if values.ndim < 2 else values
        for position, column in enumerate(items):
            columns[column] = ColumnData.make(values[:, position])
    order = [column for column in _labels(group["axis0"]) if column in columns]
    return _beside(_indexed(group["axis1"]), {column: columns[column] for column in order})


def _indexed(node: h5py.Dataset) -> dict[str, ColumnData]:
    values = _typed(_array(node), text(node.attrs.get("kind", b"")))
    if values.dtype.kind in "iu" and _only_counts(values):
        return {}
    label = _unpickled(node.attrs.get("name"))
    data = ColumnData.make(values)
    return {str(label or "index"): _labels_missing(data, node.attrs, "nan_rep")}


def _beside(index: dict[str, ColumnData], columns: dict[str, ColumnData]) -> dict[str, ColumnData]:
    """Return index and columns; an index with the name of a column is renamed."""
    return {unique([*columns, label])[-1]: data for label, data in index.items()} | columns


def _labels(node: h5py.Dataset) -> list[str]:
    return [text(label) for label in _array(node).tolist()]


def _array(node: h5py.Dataset) -> Array:
    """Return an array with rows first; the shape of empty arrays comes from the attributes."""
    attributes = node.attrs
    kind = text(attributes["value_type"]) if "value_type" in attributes else ""
    if "shape" in attributes:
        shape = tuple(int(size) for size in _unpickled(attributes["shape"]))
        if np.prod(shape, dtype=float):
            raise TypeError(f"an empty array of the shape {shape}")
        empty = np.empty(shape, dtype=object if kind in ("", "str") else kind)
        return empty.T if attributes.get("transposed") else empty
    values = node[()]
    if text(attributes.get("PSEUDOATOM", b"")) == "object":
        values = np.asarray(_unpickled(bytes(np.asarray(values[0], dtype="u1"))))
    elif not attributes.get("transposed", 1) and values.ndim > 1:
        values = values.T
    if isinstance(node.id.get_type(), h5py.h5t.TypeBitfieldID):
        values = values != 0
    return _typed(values, kind)


def _typed(values: Array, kind: str) -> Array:
    """Return integers in the type that pandas noted for them."""
    if kind.startswith(("datetime64", "timedelta64")) and values.dtype.kind in "iu":
        unit = kind if "[" in kind else f"{kind}[ns]"
        # A time zone may follow the unit; the numbers are UTC.
        return values.view(unit.split(",")[0].rstrip("]") + "]")
    return values != 0 if kind == "bool" else values


def _only_counts(values: Array) -> bool:
    return values.dtype.kind in "iu" and np.array_equal(values, np.arange(len(values)))


def _names(path: Path, name: str, labels: Any) -> list[str]:
    if isinstance(labels, (str, bytes)):
        labels = [labels]
    if any(isinstance(label, (tuple, list)) for label in labels):
        raise FormatError(path, _SEVERAL_LEVELS.format(name))
    return [text(label) for label in labels]


def _plain(value: Any) -> Any:
    return text(value) if isinstance(value, bytes) else value


def _no_value(*_: Any) -> None:
    """Replaces the functions that create pandas' NA and NaT."""
    return


class _Unpickler(pickle.Unpickler):
    """Creates plain values and numpy arrays, and calls nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _NUMPY:
            return super().find_class(module, name)
        # Missing values are pickled by name or as a call, depending on the version of pandas.
        if module.partition(".")[0] == "pandas" and name in ("NA", "NaT"):
            return None
        if module.partition(".")[0] == "pandas" and name in ("NAType", "_nat_unpickle"):
            return _no_value
        raise pickle.UnpicklingError(f"it contains an object of type {module}.{name}")


def _unpickled(value: Any) -> Any:
    """Return an attribute of PyTables, unpickled if it is pickled."""
    if not isinstance(value, bytes):
        return value
    if not value.endswith(b"."):
        return text(value)
    # Protocol 0 is text, which PyTables stores as Latin-1.
    return _Unpickler(io.BytesIO(bytes(value)), encoding="latin-1").load()
