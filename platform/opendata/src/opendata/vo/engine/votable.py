"""VOTable 1.4 as a stream: rows are written while they are read.

astropy's writer needs all rows at once and takes a minute for a million of them.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterator
from typing import IO, Any
from xml.sax.saxutils import escape, quoteattr

from opendata.vo.engine.metadata import Column
from opendata.vo.engine.query import Result, coerced

_CODES = {"boolean": "c", "short": "h", "int": "i", "long": "q", "float": "f", "double": "d"}
_CONTROL = {c: "\ufffd" for c in range(32) if c not in (9, 10, 13)}
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
        out.write(field(column).encode())
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


def field(column: Column) -> str:
    """Give the FIELD element of a column."""
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
    return f"<FIELD {text}>{inner}</FIELD>\n"


def xml(text: str) -> str:
    """Give text for XML; control characters, which XML cannot hold, are replaced."""
    return escape(_clean(text))


def _clean(text: str) -> str:
    return text.translate(_CONTROL).encode("utf-8", "replace").decode()


def _tabledata(result: Result, out: IO[bytes]) -> None:
    writers = [_cell_writer(column) for column in result.columns]
    out.write(b"<TABLEDATA>\n")
    for row in result.rows:
        cells = "</TD><TD>".join(w(v) for w, v in zip(writers, row, strict=True))
        out.write(f"<TR><TD>{cells}</TD></TR>\n".encode())
    out.write(b"</TABLEDATA>\n")


def _cell_writer(column: Column) -> Callable[[Any], str]:
    if column.is_text:
        return lambda value: "" if value is None else xml(str(value))
    if column.arraysize is not None:
        return lambda value: "" if value is None else xml(str(value))

    def write(value: Any) -> str:
        typed = coerced(column, value)
        if typed is None:
            return "" if column.is_integer or column.datatype == "boolean" else "NaN"
        if typed in (float("inf"), float("-inf")):
            return "+Inf" if typed > 0 else "-Inf"
        return repr(typed) if typed is not True and typed is not False else "FT"[typed]

    return write


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
    packers = [_packer(column) for column in result.columns]
    width = (len(packers) + 7) // 8
    for row in result.rows:
        parts: list[bytes] = [b""]
        flags = 0
        for index, (pack, value) in enumerate(zip(packers, row, strict=True)):
            data, is_null = pack(value)
            parts.append(data)
            if is_null:
                flags |= 1 << (8 * width - 1 - index)
        if with_nulls:
            parts[0] = flags.to_bytes(width, "big")
        yield b"".join(parts)


def _packer(column: Column) -> Callable[[Any], tuple[bytes, bool]]:
    if column.is_text:
        wide = column.datatype == "unicodeChar"
        encoding, unit = ("utf-16-be", 2) if wide else ("utf-8", 1)

        def text(value: Any) -> tuple[bytes, bool]:
            data = b"" if value is None else str(value).encode(encoding, "replace")
            return struct.pack(">I", len(data) // unit) + data, value is None

        return text
    if column.datatype == "boolean" and column.arraysize is None:
        return lambda value: (b"?" if value is None else b"FT"[bool(value) :][:1], value is None)
    code = _CODES[column.datatype]
    if column.arraysize is not None:
        return _array_packer(column, code)
    missing = 0 if column.is_integer else float("nan")

    def number(value: Any) -> tuple[bytes, bool]:
        typed = coerced(column, value)
        return struct.pack(f">{code}", missing if typed is None else typed), typed is None

    return number


def _array_packer(column: Column, code: str) -> Callable[[Any], tuple[bytes, bool]]:
    size = column.arraysize or "*"
    fixed = None
    if not size.endswith("*"):
        fixed = 1
        for part in size.split("x"):
            fixed *= int(part)

    def array(value: Any) -> tuple[bytes, bool]:
        words = [] if value is None else str(value).split()
        if column.datatype == "boolean":
            items: list[Any] = [word[:1].encode() for word in words]
            filler: Any = b"?"
        else:
            convert = int if column.is_integer else float
            items = [convert(word) for word in words]
            filler = 0 if column.is_integer else float("nan")
        if fixed is not None:
            items = (items + [filler] * fixed)[:fixed]
        data = struct.pack(
            f">{len(items)}{code}" if code != "c" else f">{'c' * len(items)}", *items
        )
        return (data if fixed is not None else struct.pack(">I", len(items)) + data), value is None

    return array
