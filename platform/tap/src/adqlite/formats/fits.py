"""Results as FITS binary tables (FITS standard 4.0, section 7.3)."""

from __future__ import annotations

import math
from io import BytesIO
from typing import IO, Any

import numpy as np
from astropy.io import fits

from adqlite.errors import VOError
from adqlite.formats.columnnames import distinct_names
from adqlite.queries.engine import Result
from adqlite.tables.cells import BITS, cell_reader, shape_of
from adqlite.tables.metadata import Column

_LOGICAL = {None: 0, True: ord("T"), False: ord("F")}
_CODES = {"boolean": "B", "short": "I", "int": "J", "long": "K", "float": "E", "double": "D"}
_TYPES = {
    "boolean": "u1",
    "short": ">i2",
    "int": ">i4",
    "long": ">i8",
    "float": ">f4",
    "double": ">f8",
}


def write_fits(result: Result, out: IO[bytes]) -> None:
    """Writes a result.

    A missing integer is the TNULL of its column, a missing boolean a byte 0, missing text a NUL
    (empty text is a blank).

    Raises
    ------
    VOError
        FITS cannot represent a value: text beyond ASCII, or no integer is left for TNULL.
    """
    readers = [cell_reader(column) for column in result.columns]
    cells = [[read(v) for read, v in zip(readers, row, strict=True)] for row in result.rows]
    names = distinct_names([_plain(column.name) for column in result.columns], str.lower)
    columns = []
    for index, column in enumerate(result.columns):
        columns.append(_column(column, names[index], [row[index] for row in cells]))
    table = fits.BinTableHDU.from_columns(columns, nrows=len(cells))
    for number, column in enumerate(result.columns, 1):
        _describe(table.header, number, column, names[number - 1])
    table.header["QSTATUS"] = ("OVERFLOW" if result.overflow else "OK", "TAP query status")
    buffer = BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(buffer)
    out.write(_with_logical(buffer, result.columns))


def _with_logical(buffer: BytesIO, columns: list[Column]) -> bytes:
    """Returns the file with its byte columns of booleans declared as logical.

    astropy cannot write missing booleans. The bytes T, F and 0 (missing) are written as a column of
    bytes, whose TFORM is changed here; the data stay as they are.
    """
    numbers = [n for n, column in enumerate(columns, 1) if column.datatype == "boolean"]
    if not numbers:
        return buffer.getvalue()
    buffer.seek(0)
    changed = BytesIO()
    with fits.open(buffer) as document:
        header = document[1].header
        for number in numbers:
            header[f"TFORM{number}"] = header[f"TFORM{number}"].replace("B", "L")
        document.writeto(changed)
    return changed.getvalue()


def _plain(name: str) -> str:
    """Returns a name in ASCII, with an underscore for each other character."""
    return "".join(c if c.isascii() and c.isprintable() else "_" for c in name)[:60] or "col"


def _describe(header: Any, number: int, column: Column, name: str) -> None:
    if column.ucd:
        header[f"TUCD{number}"] = column.ucd
    if name != column.name:
        escaped = column.name.encode("ascii", "backslashreplace").decode()[:60]
        header[f"TCOMM{number}"] = f"called {escaped} in the query"


def _column(column: Column, name: str, values: list[Any]) -> Any:
    unit = column.unit
    if unit and not (unit.isascii() and unit.isprintable()):
        unit = unit.encode("ascii", "backslashreplace").decode()
    common = {"name": name, "unit": unit}
    if column.is_text:
        texts = [_text(column, value) for value in values]
        width = max(map(len, texts), default=1)
        return fits.Column(format=f"{width}A", array=np.array(texts, f"S{width}"), **common)
    if column.is_array:
        return _array_column(column, values, common)
    code = _CODES[column.datatype]
    if column.datatype == "boolean":
        return fits.Column(
            format=code, array=np.array([_LOGICAL[v] for v in values], "u1"), **common
        )
    if column.is_integer:
        null = _free_integer(column, values) if None in values else None
        filled = np.array([null if v is None else v for v in values], _TYPES[column.datatype])
        return fits.Column(format=code, array=filled, null=null, **common)
    filled = np.array([math.nan if v is None else v for v in values], _TYPES[column.datatype])
    return fits.Column(format=code, array=filled, **common)


def _text(column: Column, value: str | None) -> bytes:
    if value is None:
        return b"\0"
    if not value.isascii():
        raise VOError(
            f"the column {column.name} has the text {value[:40]!r}, but FITS allows ASCII only; "
            "use VOTable, CSV, JSON or Parquet"
        )
    # Only text that begins with a NUL is missing.
    return value.encode().replace(b"\0", b" ") or b" "


def _free_integer(column: Column, values: list[Any]) -> int:
    """Returns an integer that is not among the values."""
    taken = {value for value in values if value is not None}
    low = -(1 << BITS[column.datatype])
    for candidate in range(low, low + len(taken) + 1):
        if candidate not in taken and candidate < -low:
            return candidate
    raise VOError(
        f"the column {column.name} contains every possible {column.datatype}, so that FITS has "
        "no value left to mark missing ones; use VOTable, CSV, JSON or Parquet"
    )


def _array_column(column: Column, values: list[Any], common: dict[str, Any]) -> Any:
    code = _CODES[column.datatype]
    items = [item for value in values if value is not None for item in value]
    missing = None in items or (None in values and None not in shape_of(column))
    null = _free_integer(column, items) if column.is_integer and missing else None
    kind: Any = _TYPES[column.datatype]
    filler = null if column.is_integer else math.nan
    if column.datatype == "boolean":
        filler = 0
        values = [v if v is None else [_LOGICAL[i] for i in v] for v in values]
    filled = [[filler if i is None else i for i in value or ()] for value in values]
    shape = shape_of(column)
    if None in shape:
        rows = np.empty(len(filled), object)
        for index, row in enumerate(filled):
            rows[index] = np.array(row, kind)
        return fits.Column(format=f"P{code}()", array=rows, null=null, **common)
    length = math.prod(axis or 1 for axis in shape)
    padded = [row + [filler] * (length - len(row)) for row in filled]
    array = np.array(padded, kind).reshape((len(padded), *(axis or 1 for axis in shape)))
    dim = f"({','.join(str(axis) for axis in reversed(shape))})" if len(shape) > 1 else None
    return fits.Column(format=f"{length}{code}", dim=dim, array=array, null=null, **common)
