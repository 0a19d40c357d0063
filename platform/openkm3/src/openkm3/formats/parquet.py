"""Apache Parquet, as pandas, Arrow and databases write it, through pyarrow.

Missing values are Parquet's own nulls. The metadata model is in the file's key ``km3_annotation``,
and the unit and meaning of a column in the metadata of its field.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FormatError, MissingPackage
from . import limits
from .columns import ColumnData, Meaning
from .dataset import DataSet, parsed, to_json
from .names import printable_names, renamed, unique
from .packing import Capacity, pack, unpack
from .tables import columns, to_table
from .texts import text

if TYPE_CHECKING:
    import pyarrow as pa

KEY = b"km3_annotation"
_ASTROPY = b"table_meta_yaml"
_NUMBERS = {f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)}
_CAPACITY = Capacity(
    types=frozenset({*_NUMBERS, "bool", "float16", "float32", "float64"})
    | {"text", "text[]", "time", "varying"},
    flags=lambda _: False,
    nulls=True,
)


def read(path: Path) -> DataSet:
    """Read the table and its metadata; a pandas index becomes a column unless it only counts rows.

    Raises
    ------
    FormatError
        If the file is damaged, or a column has a type that is not supported.
    MissingPackage
        If pyarrow is not installed.
    """
    arrow, parquet = _pyarrow()
    try:
        with path.open("rb") as handle, parquet.ParquetFile(handle) as file:
            _check_size(path, file.metadata)
            metadata = file.schema_arrow.metadata or {}
            if _ASTROPY in metadata and KEY not in metadata:
                return DataSet({"table": _of_astropy(path, metadata)})
            # A struct becomes one column per member.
            table = file.read()
            while any(arrow.types.is_struct(field.type) for field in table.schema):
                table = table.flatten()
        annotation, notes = parsed(json.loads(metadata[KEY]) if KEY in metadata else {})
        names = _index_names(table.schema)
        keys = unique(names.get(field.name, field.name) for field in table.schema)
        content = _counted_index(table) | {
            key: _column(path, field, table.column(number))
            for number, (key, field) in enumerate(zip(keys, table.schema, strict=True))
        }
    except FileNotFoundError:
        raise FormatError(path, "there is no such file") from None
    except FormatError:
        raise
    except NotImplementedError as error:
        raise FormatError(
            path, f"uses a feature of Parquet that is not supported: {error}"
        ) from error
    except (arrow.ArrowException, OSError, ValueError, KeyError) as error:
        raise FormatError(path, f"is damaged and cannot be read as Parquet: {error}") from error
    restored = unpack(renamed(content, notes.get("_names")), notes.get("_fields"))
    return DataSet({str(notes.get("_table", "table")): to_table(restored)}, annotation)


def write(dataset: DataSet, path: Path) -> None:
    """Write the main table; Parquet holds a single table."""
    arrow, parquet = _pyarrow()
    name, table = dataset.main_table()
    try:
        packed, fields = pack(columns(table), _CAPACITY)
        stored = {key: key for key in packed}
        if not all(_is_utf8(key) for key in packed):
            stored = printable_names(packed)
        arrays = [_arrow(arrow, data) for data in packed.values()]
        schema = arrow.schema(
            [
                arrow.field(stored[key], array.type, metadata=_described(data))
                for (key, data), array in zip(packed.items(), arrays, strict=True)
            ]
        )
    except (TypeError, ValueError, arrow.ArrowException) as error:
        raise FormatError(path, f"cannot be written: {error}") from None
    changed = {new: old for old, new in stored.items() if new != old}
    notes: dict[str, Any] = {"_table": name, "_fields": fields, "_names": changed}
    text = to_json(dataset.annotation, **{key: note for key, note in notes.items() if note})
    content = arrow.Table.from_arrays(arrays, schema=schema.with_metadata({KEY: text.encode()}))
    with limits.complete(path) as temporary, temporary.open("wb") as handle:
        parquet.write_table(content, handle, compression="zstd")


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingPackage("Reading and writing Parquet", "parquet") from None
    return pa, pq


def _check_size(path: Path, metadata: Any) -> None:
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    # Repeated values are stored once, so the size in memory is at least this.
    size = max(
        sum(group.total_byte_size for group in groups),
        8 * metadata.num_rows * metadata.num_columns,
    )
    limits.check_size(path, "the table", size, path.stat().st_size)


def _of_astropy(path: Path, metadata: dict[bytes, bytes]) -> Any:
    """Read a table of astropy, with units, masks and times."""
    from astropy.table import Table

    limits.check_yaml(path, metadata[_ASTROPY].decode("utf-8", "replace"))
    return to_table(columns(Table.read(path, format="parquet")))


def _index_names(schema: pa.Schema) -> dict[str, str]:
    """Return readable names for unnamed index columns of pandas."""
    known = schema.pandas_metadata or {}
    result = {}
    for number, key in enumerate(known.get("index_columns", [])):
        if isinstance(key, str) and key.startswith("__index_level_"):
            result[key] = "index" if number == 0 else f"index_{number}"
    return {key: name for key, name in result.items() if name not in schema.names}


def _counted_index(table: pa.Table) -> dict[str, ColumnData]:
    """Return a pandas index that is stored as a range, unless it only counts rows."""
    known = (table.schema.pandas_metadata or {}).get("index_columns", [])
    result = {}
    for each in known:
        if not isinstance(each, dict) or each.get("kind") != "range":
            continue
        values = np.arange(int(each["start"]), int(each["stop"]), int(each["step"]))
        name = str(each.get("name") or "index")
        is_count = (each["start"], each["step"]) == (0, 1)
        # If other software changed the rows, the range is out of date.
        if not is_count and len(values) == len(table) and name not in table.schema.names:
            result[name] = ColumnData.make(values)
    return result


def _column(path: Path, field: pa.Field, chunked: pa.ChunkedArray) -> ColumnData:
    import pyarrow as pa

    metadata = {text(key): text(value) for key, value in (field.metadata or {}).items()}
    array = chunked.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    try:
        values, mask = _values(array)
        return ColumnData.make(values, mask, metadata.get("unit"), Meaning.parse(metadata))
    except (TypeError, pa.ArrowException) as error:
        raise FormatError(path, f"column {field.name!r} ({field.type}): {error}") from None


def _values(array: pa.Array) -> tuple[Any, Any]:
    import pyarrow as pa

    kind = array.type
    gone = array.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_time(kind):
        # Times of day since midnight; Arrow can cast them only through integers.
        whole = pa.int32() if pa.types.is_time32(kind) else pa.int64()
        array, kind = array.cast(whole).cast(pa.int64()), pa.duration(kind.unit)
        array = array.cast(kind)
    if pa.types.is_date(kind):
        array, kind = array.cast(pa.timestamp("ms" if kind == pa.date64() else "s")), None
        return array.to_numpy(zero_copy_only=False), gone
    if pa.types.is_boolean(kind):
        return array.fill_null(False).to_numpy(zero_copy_only=False), gone
    if pa.types.is_integer(kind):
        return array.fill_null(0).to_numpy(zero_copy_only=False), gone
    if pa.types.is_floating(kind) or pa.types.is_temporal(kind):
        return array.to_numpy(zero_copy_only=False), gone
    if _is_array_of_numbers(array):
        flat, sizes = array, []
        while pa.types.is_fixed_size_list(flat.type):
            sizes.append(flat.type.list_size)
            flat = flat.flatten()
        values, mask = _values(flat)
        shape = (len(array), *sizes)
        return values.reshape(shape), mask.reshape(shape)
    return _objects(array), None


def _objects(array: pa.Array) -> Any:
    """Return what has no type of numpy as objects."""
    import pyarrow as pa

    kind = array.type
    values: list[Any] = array.to_pylist()
    if _is_binary(kind):
        values = [*_texts(values)]
    if pa.types.is_map(kind):
        # Pairs of keys and values; those of keys that are text are a JSON object.
        keyed = pa.types.is_string(kind.key_type)
        values = [
            None if value is None else _as_json(dict(value) if keyed else value)
            for value in array.to_pylist()
        ]
    objects = np.empty(len(array), dtype=object)
    for number, value in enumerate(values):
        objects[number] = value
    return objects


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _is_binary(kind: pa.DataType) -> bool:
    import pyarrow as pa

    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    return any(test(kind) for test in tests)


def _texts(values: list[bytes | None]) -> list[str | None]:
    """Decode bytes to text.

    Raises
    ------
    TypeError
        If they are not UTF-8 or contain NUL, which numpy's texts drop.
    """
    if any(value is not None and b"\0" in value for value in values):
        raise TypeError("bytes that are not text cannot be stored in a column")
    try:
        return [None if value is None else value.decode("utf-8") for value in values]
    except UnicodeDecodeError:
        raise TypeError("bytes that are not UTF-8 text cannot be stored in a column") from None


def _is_array_of_numbers(array: pa.Array) -> bool:
    """Return whether all rows are arrays of the same shape and none is missing."""
    import pyarrow as pa

    while pa.types.is_fixed_size_list(array.type):
        if array.null_count or not array.type.list_size:
            return False
        array = array.flatten()
        if not pa.types.is_fixed_size_list(array.type):
            return bool(pa.types.is_primitive(array.type))
    return False


def _arrow(arrow: Any, data: ColumnData) -> Any:
    if data.kind == "O":
        lists = [
            None if gone else each for each, gone in zip(data.values, data.missing, strict=True)
        ]
        return arrow.array(lists)
    if data.kind == "U":
        flat = data.values.ravel().astype(object)
        kind = arrow.string()
    else:
        flat = data.values.ravel()
        kind = arrow.from_numpy_dtype(flat.dtype)
    mask = None if data.mask is None else data.mask.ravel()
    result = arrow.array(flat, type=kind, mask=mask, from_pandas=False)
    for size in reversed(data.values.shape[1:]):
        if not size:
            raise TypeError("Parquet cannot hold arrays without elements")
        result = arrow.FixedSizeListArray.from_arrays(result, size)
    return result


def _described(data: ColumnData) -> dict[str, str] | None:
    unit = {} if data.unit is None else {"unit": str(data.unit)}
    return (unit | data.meaning.plain()) or None


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
