"""Rows of VOTables, in the three serializations."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Callable, Iterator
from typing import IO, Any
from xml.sax.saxutils import escape

from adqlite.errors import VOError
from adqlite.queries.engine import Result
from adqlite.tables.cells import BITS, cell_reader, shape_of
from adqlite.tables.metadata import Column
from adqlite.xmltext import NOT_XML

_CODES = {"short": "h", "int": "i", "long": "q", "float": "f", "double": "d"}
# A reader of XML turns an unescaped carriage return into a line feed.
_ENTITIES = {"\r": "&#13;"}
_CHUNK = 48 * 1024  # a multiple of 3, so that pieces of base64 can follow each other


def null_of(column: Column) -> int:
    """Returns the integer that marks a missing value where the format has no other mark."""
    return -(1 << BITS[column.datatype])


def _present(column: Column, value: int) -> int:
    """Returns an integer that is not the mark of a missing value.

    Raises
    ------
    VOError
        The integer is that mark.
    """
    if value == null_of(column):
        raise VOError(
            f"the column {column.name} contains {value}, which marks missing values in this "
            "serialization; use BINARY2 (for arrays: CSV, JSON or Parquet)"
        )
    return value


# Cells as text


def write_tabledata(result: Result, out: IO[bytes]) -> None:
    """Writes the rows as elements TR and TD.

    As strings, not as elements: lxml would make an object of each cell.
    """
    writers = [_cell_writer(column) for column in result.columns]
    for row in result.rows:
        cells = "</TD><TD>".join(w(v) for w, v in zip(writers, row, strict=True))
        out.write(f"<TR><TD>{cells}</TD></TR>\n".encode())


def _cell_writer(column: Column) -> Callable[[Any], str]:
    read = cell_reader(column)
    if column.is_text:
        return lambda value: "" if value is None else _exact_xml(column, read(value))
    write = _writer_of_numbers(column)
    if not column.is_array:
        return lambda value: write(read(value))

    def array(value: Any) -> str:
        items = read(value)
        if items is None:
            return ""
        if column.is_integer:
            items = [null_of(column) if v is None else _present(column, v) for v in items]
        return " ".join("?" if item is None else write(item) for item in _padded(column, items))

    return array


def _exact_xml(column: Column, text: str) -> str:
    if bad := NOT_XML.search(text):
        raise VOError(
            f"the column {column.name} contains text with {bad.group()!r}, which XML cannot "
            "represent; use BINARY2, CSV or JSON"
        )
    return escape(text, _ENTITIES)


def _writer_of_numbers(column: Column) -> Callable[[Any], str]:
    if column.is_integer:
        return lambda value: "" if value is None else str(value)
    if column.datatype == "boolean":
        return lambda value: "" if value is None else "FT"[value]

    def real(value: Any) -> str:
        if value is None:
            return "NaN"
        if math.isinf(value):
            return "+Inf" if value > 0 else "-Inf"
        return repr(value)

    return real


def _padded(column: Column, items: list[Any]) -> list[Any]:
    """Returns an array padded to the length of its column."""
    shape = shape_of(column)
    if None in shape:
        return items
    length = math.prod(axis or 1 for axis in shape)
    filler: float | None = null_of(column) if column.is_integer else None
    if column.is_float:
        items = [math.nan if item is None else item for item in items]
        filler = math.nan
    return items + [filler] * (length - len(items))


# Cells as bytes


def write_binary(result: Result, out: IO[bytes], *, with_nulls: bool) -> None:
    """Writes the rows in base64: BINARY, or BINARY2 with flags for missing cells."""
    waiting = bytearray()
    for row in _binary_rows(result, with_nulls=with_nulls):
        waiting += row
        while len(waiting) >= _CHUNK:
            out.write(base64.b64encode(bytes(waiting[:_CHUNK])) + b"\n")
            del waiting[:_CHUNK]
    out.write(base64.b64encode(bytes(waiting)))


def _binary_rows(result: Result, *, with_nulls: bool) -> Iterator[bytes]:
    packers = [_packer(column, with_nulls=with_nulls) for column in result.columns]
    width = (len(packers) + 7) // 8
    for row in result.rows:
        flags = bytearray(width)
        parts = [b""]
        for index, (pack, value) in enumerate(zip(packers, row, strict=True)):
            data, missing = pack(value)
            parts.append(data)
            if missing:
                flags[index // 8] |= 0x80 >> (index % 8)
        if with_nulls:
            parts[0] = bytes(flags)
        yield b"".join(parts)


def _packer(column: Column, *, with_nulls: bool) -> Callable[[Any], tuple[bytes, bool]]:
    read = cell_reader(column)
    if column.is_text:
        wide = column.datatype == "unicodeChar"
        encoding, unit = ("utf-16-be", 2) if wide else ("utf-8", 1)

        def text(value: Any) -> tuple[bytes, bool]:
            data = b"" if value is None else read(value).encode(encoding, "replace")
            return struct.pack(">I", len(data) // unit) + data, value is None

        return text
    pack = _packer_of_items(column)
    if not column.is_array:
        # BINARY2 flags missing values, so every integer can be used.
        marked = column.is_integer and not with_nulls

        def one(value: Any) -> tuple[bytes, bool]:
            typed = read(value)
            if marked and typed is not None:
                _present(column, typed)
            return pack([typed]), typed is None

        return one
    fixed = None not in shape_of(column)

    def array(value: Any) -> tuple[bytes, bool]:
        items = [] if value is None else read(value)
        if column.is_integer:
            items = [item if item is None else _present(column, item) for item in items]
        items = _padded(column, items)
        data = pack(items)
        return (data if fixed else struct.pack(">I", len(items)) + data), value is None

    return array


def _packer_of_items(column: Column) -> Callable[[list[Any]], bytes]:
    if column.datatype == "boolean":
        return lambda items: b"".join(b"?" if i is None else (b"T" if i else b"F") for i in items)
    code = _CODES[column.datatype]
    filler = null_of(column) if column.is_integer else math.nan
    return lambda items: struct.pack(
        f">{len(items)}{code}", *(filler if item is None else item for item in items)
    )
