"""VOTable 1.4 as a stream: rows are written while they are read.

astropy's writer needs all rows at once and takes a minute for a million of them.
"""

from __future__ import annotations

import base64
import math
import re
import struct
from collections.abc import Callable, Iterator
from typing import IO, Any
from xml.sax.saxutils import escape, quoteattr

from adqlite.errors import VOError
from adqlite.queries.engine import Result
from adqlite.tables.cells import BITS, cell_reader, shape_of
from adqlite.tables.metadata import Column

_CODES = {"short": "h", "int": "i", "long": "q", "float": "f", "double": "d"}
# What XML 1.0 has no way to write (https://www.w3.org/TR/xml/#charsets).
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# A reader of XML makes a line feed of a carriage return that is not written so.
_ENTITIES = {"\r": "&#13;"}
_CHUNK = 48 * 1024  # a multiple of 3, so that pieces of base64 can follow each other


def write_votable(result: Result, out: IO[bytes], serialization: str) -> None:
    """Write a result.

    Parameters
    ----------
    result : Result
    out : binary file
    serialization : str
        `tabledata`, `binary` or `binary2`.
    """
    out.write(head(result.parameters, result.description))
    out.write(b'<INFO name="QUERY_STATUS" value="OK"/>\n<TABLE>\n')
    if result.description:
        out.write(f"<DESCRIPTION>{xml(result.description)}</DESCRIPTION>\n".encode())
    for column in result.columns:
        out.write(field(column, serialization).encode())
    out.write(b"<DATA>\n")
    if serialization == "tabledata":
        _tabledata(result, out)
    else:
        _binary(result, out, with_nulls=serialization == "binary2")
    out.write(b"</DATA>\n</TABLE>\n")
    if result.overflow:
        out.write(b'<INFO name="QUERY_STATUS" value="OVERFLOW">There are more rows.</INFO>\n')
    out.write(b"</RESOURCE>\n</VOTABLE>\n")


def error_document(message: str) -> bytes:
    """Give the VOTable that reports an error (DALI 1.1, section 4.2)."""
    return (
        head({})
        + f'<INFO name="QUERY_STATUS" value="ERROR">{xml(message)}</INFO>\n'.encode()
        + b"</RESOURCE>\n</VOTABLE>\n"
    )


def cone_error_document(message: str) -> bytes:
    """Give the VOTable that reports an error of a cone search (SCS 1.03, section 2.3)."""
    info = f'<INFO ID="Error" name="Error" value={quoteattr(_clean(message))}/>\n'
    return error_document(message).replace(b"<RESOURCE", info.encode() + b"<RESOURCE", 1)


def head(parameters: dict[str, str], description: str = "") -> bytes:
    """Give a VOTable up to its first result."""
    # pyvo shows this one as the description of a cone search.
    about = f"<DESCRIPTION>{xml(description)}</DESCRIPTION>\n" if description else ""
    infos = "".join(
        f"<INFO name={quoteattr(name)} value={quoteattr(_clean(value))}/>\n"
        for name, value in parameters.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation='
        '"http://www.ivoa.net/xml/VOTable/v1.3 http://www.ivoa.net/xml/VOTable/VOTable-1.4.xsd">\n'
        f'{about}<RESOURCE type="results">\n{infos}'
    ).encode()


def field(column: Column, serialization: str = "") -> str:
    """Give the FIELD element of a column.

    Parameters
    ----------
    column : Column
    serialization : str
        Decides whether missing integers need a value that stands for them.
    """
    attributes = {
        "name": column.name,
        "datatype": column.datatype,
        "arraysize": column.arraysize,
        "xtype": column.xtype,
        "unit": column.unit,
        "ucd": column.ucd,
        "utype": column.utype,
    }
    text = " ".join(
        f"{key}={quoteattr(_clean(value))}" for key, value in attributes.items() if value
    )
    inner = f"<DESCRIPTION>{xml(column.description)}</DESCRIPTION>" if column.description else ""
    if column.is_integer and (serialization == "binary" or (serialization and column.is_array)):
        inner += f'<VALUES null="{_null(column)}"/>'
    return f"<FIELD {text}>{inner}</FIELD>\n"


def xml(text: str) -> str:
    """Give text for XML; control characters, which XML cannot hold, are replaced."""
    return escape(_clean(text), _ENTITIES)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _null(column: Column) -> int:
    """Return the integer that stands for a missing one, where nothing else can."""
    return -(1 << BITS[column.datatype])


def _present(column: Column, value: int) -> int:
    """Return an integer that is not missing.

    Raises
    ------
    VOError
        It is the one that stands for a missing one.
    """
    if value == _null(column):
        raise VOError(
            f"the column {column.name} has the value {value}, which stands for a missing one in "
            "this serialization; ask for BINARY2 (for arrays: CSV, JSON or Parquet)"
        )
    return value


# Cells as text


def _tabledata(result: Result, out: IO[bytes]) -> None:
    writers = [_cell_writer(column) for column in result.columns]
    out.write(b"<TABLEDATA>\n")
    for row in result.rows:
        cells = "</TD><TD>".join(w(v) for w, v in zip(writers, row, strict=True))
        out.write(f"<TR><TD>{cells}</TD></TR>\n".encode())
    out.write(b"</TABLEDATA>\n")


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
            items = [_null(column) if v is None else _present(column, v) for v in items]
        return " ".join("?" if item is None else write(item) for item in _padded(column, items))

    return array


def _exact_xml(column: Column, text: str) -> str:
    if bad := _NOT_XML.search(text):
        raise VOError(
            f"the column {column.name} has a text with {bad.group()!r}, which XML cannot hold; ask "
            "for BINARY2, CSV or JSON"
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
    """Return an array with as many items as its column says."""
    shape = shape_of(column)
    if None in shape:
        return items
    length = math.prod(axis or 1 for axis in shape)
    filler: float | None = _null(column) if column.is_integer else None
    if column.is_float:
        items = [math.nan if item is None else item for item in items]
        filler = math.nan
    return items + [filler] * (length - len(items))


# Cells as bytes


def _binary(result: Result, out: IO[bytes], *, with_nulls: bool) -> None:
    kind = b"BINARY2" if with_nulls else b"BINARY"
    out.write(b"<" + kind + b'><STREAM encoding="base64">\n')
    waiting = bytearray()
    for row in _binary_rows(result, with_nulls=with_nulls):
        waiting += row
        while len(waiting) >= _CHUNK:
            out.write(base64.b64encode(bytes(waiting[:_CHUNK])) + b"\n")
            del waiting[:_CHUNK]
    out.write(base64.b64encode(bytes(waiting)))
    out.write(b"\n</STREAM></" + kind + b">\n")


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
        # A flag says what is missing, so that all integers can be used.
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
    filler = _null(column) if column.is_integer else math.nan
    return lambda items: struct.pack(
        f">{len(items)}{code}", *(filler if item is None else item for item in items)
    )
