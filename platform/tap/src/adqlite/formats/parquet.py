"""Results as Parquet, with their columns described by a VOTable (VOParquet 1.0)."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from functools import reduce
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from adqlite.formats.columnnames import distinct_names
from adqlite.formats.votable import description_document
from adqlite.queries.engine import Result
from adqlite.tables.cells import cell_reader, nested, shape_of
from adqlite.tables.metadata import Column

_TYPES = {
    "boolean": pa.bool_(),
    "short": pa.int16(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "char": pa.string(),
    "unicodeChar": pa.string(),
}
_ROWS = 50_000  # per row group


def write_parquet(result: Result, out: IO[bytes]) -> None:
    """Writes a result; missing values are null, in arrays as well."""
    names = distinct_names([column.name for column in result.columns])
    fields = [
        pa.field(name, _type(column), metadata=_about(column))
        for name, column in zip(names, result.columns, strict=True)
    ]
    described = [
        column.model_copy(update={"name": name})
        for name, column in zip(names, result.columns, strict=True)
    ]
    votable = description_document(result, described)
    schema = pa.schema(
        fields,
        metadata={
            "IVOA.VOTable-Parquet.version": "1.0",
            "IVOA.VOTable-Parquet.content": votable.decode(),
        },
    )
    readers = [cell_reader(column) for column in result.columns]
    with tempfile.SpooledTemporaryFile(max_size=4_000_000) as whole:
        with pq.ParquetWriter(whole, schema) as writer:
            while rows := list(itertools.islice(result.rows, _ROWS)):
                writer.write_table(_table(schema, result.columns, readers, rows))
            writer.add_key_value_metadata({"QUERY_STATUS": _status(result)})
        whole.seek(0)
        shutil.copyfileobj(whole, out)


def _status(result: Result) -> str:
    return "OVERFLOW" if result.overflow else "OK"


def _table(schema: Any, columns: list[Column], readers: list[Any], rows: list[Any]) -> Any:
    arrays = []
    for index, (column, read) in enumerate(zip(columns, readers, strict=True)):
        cells = [read(row[index]) for row in rows]
        if column.is_array:
            shape = shape_of(column)
            cells = [None if cell is None else nested(cell, shape) for cell in cells]
        arrays.append(pa.array(cells, schema.field(index).type))
    return pa.Table.from_arrays(arrays, schema=schema)


def _type(column: Column) -> Any:
    kind = _TYPES[column.datatype]
    if not column.is_array:
        return kind
    return reduce(
        lambda inner, axis: pa.list_(inner, axis) if axis else pa.list_(inner),
        reversed(shape_of(column)),
        kind,
    )


def _about(column: Column) -> dict[str, str]:
    about = {key: getattr(column, key) for key in ("unit", "ucd", "utype", "xtype", "description")}
    return {key: value for key, value in about.items() if value}
