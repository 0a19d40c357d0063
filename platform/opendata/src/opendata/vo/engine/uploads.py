"""Tables that people send with a query: strangers' VOTables, looked at before they are read."""

from __future__ import annotations

import base64
import math
import re
import warnings
from typing import IO, TYPE_CHECKING, Any
from xml.parsers import expat

from opendata.vo.engine.errors import UploadError, UploadTooLarge
from opendata.vo.engine.limits import Limits
from opendata.vo.engine.metadata import Column
from opendata.vo.engine.query import UploadedTable

if TYPE_CHECKING:
    import numpy as np
    from astropy.io.votable.tree import Field, TableElement

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_DEPTH = 30
_ATTRIBUTE_CHARACTERS = 10_000
_WIDTHS = {
    "boolean": 1,
    "unsignedByte": 1,
    "short": 2,
    "int": 4,
    "long": 8,
    "float": 4,
    "double": 8,
    "char": 1,
    "unicodeChar": 2,
    "floatComplex": 8,
    "doubleComplex": 16,
}
_KINDS = {
    "boolean": "boolean",
    "bit": "boolean",
    "unsignedByte": "short",
    "short": "short",
    "int": "int",
    "long": "long",
    "float": "float",
    "double": "double",
    "char": "char",
    "unicodeChar": "unicodeChar",
}


def read_upload(name: str, stream: IO[bytes], limits: Limits) -> UploadedTable:
    """Read an uploaded VOTable.

    Parameters
    ----------
    name : str
        Name of the table in TAP_UPLOAD.
    stream : binary file
        Seekable.
    limits : Limits

    Raises
    ------
    UploadError
        The name or the document is not accepted; the message says why.
    """
    if not _NAME.fullmatch(name):
        raise UploadError(f"{name!r} is no name for a table: letters, digits and _, a letter first")
    size = stream.seek(0, 2)
    if size > limits.upload_bytes:
        raise UploadTooLarge(f"upload {name}: {size} bytes, {limits.upload_bytes} are allowed")
    stream.seek(0)
    _look_through(name, stream, limits)
    stream.seek(0)
    table = _first_table(name, stream)
    columns = _columns(name, table.fields, limits)
    if len(table.array) > limits.upload_rows:
        raise UploadError(
            f"upload {name}: {len(table.array)} rows, {limits.upload_rows} are allowed"
        )
    values = [
        _values(column, table.array[key])
        for column, key in zip(columns, table.array.dtype.names or (), strict=True)
    ]
    return UploadedTable(name=name, columns=columns, rows=list(zip(*values, strict=True)))


def _look_through(name: str, stream: IO[bytes], limits: Limits) -> None:
    """Refuse what an XML or VOTable reader could be harmed by, before one reads it."""
    parser = expat.ParserCreate()
    depth = 0
    counts = {"FIELD": 0, "TR": 0}
    seen_root = False
    fields: list[dict[str, str]] = []
    stream_text: list[str] | None = None
    kind = ""

    def doctype(*_: Any) -> None:
        raise UploadError(f"upload {name}: a document type declaration is not accepted")

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, seen_root, stream_text, kind
        depth += 1
        local = tag.rpartition(":")[2].upper()
        if not seen_root:
            seen_root = True
            if local != "VOTABLE":
                raise UploadError(f"upload {name}: this is no VOTable but <{tag[:40]}>")
        if depth > _DEPTH:
            raise UploadError(f"upload {name}: elements are nested deeper than {_DEPTH}")
        if any(len(value) > _ATTRIBUTE_CHARACTERS for value in attributes.values()):
            raise UploadError(f"upload {name}: an attribute of {tag[:40]} is too long")
        if local == "STREAM" and "href" in attributes:
            raise UploadError(f"upload {name}: data elsewhere (STREAM href) are not fetched")
        if local == "STREAM" and attributes.get("encoding", "base64") != "base64":
            raise UploadError(f"upload {name}: STREAM has to be encoded as base64")
        if local in {"FITS", "PARQUET"}:
            raise UploadError(f"upload {name}: {local} inside a VOTable is not accepted")
        if local == "TABLE":
            fields.clear()
        elif local == "FIELD":
            fields.append(attributes)
        elif local in {"BINARY", "BINARY2"}:
            kind = local
        elif local == "STREAM":
            stream_text = []
        if local in counts:
            counts[local] += 1
            if counts["FIELD"] > limits.upload_columns:
                raise UploadError(
                    f"upload {name}: more than {limits.upload_columns} columns are not accepted"
                )
            if counts["TR"] > limits.upload_rows:
                raise UploadError(
                    f"upload {name}: more than {limits.upload_rows} rows are not accepted"
                )

    def characters(text: str) -> None:
        if stream_text is not None:
            stream_text.append(text)

    def end(tag: str) -> None:
        nonlocal depth, stream_text
        depth -= 1
        if tag.rpartition(":")[2].upper() == "STREAM" and stream_text is not None:
            content, stream_text = "".join(stream_text), None
            _check_records(name, content, fields, limits, with_nulls=kind == "BINARY2")

    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = doctype
    parser.CharacterDataHandler = characters
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.ParseFile(stream)
    except expat.ExpatError as error:
        raise UploadError(f"upload {name}: this is no well-formed XML ({error})") from None


def _check_records(
    name: str, content: str, fields: list[dict[str, str]], limits: Limits, *, with_nulls: bool
) -> None:
    """Refuse binary data that do not end with a whole row; astropy would leave the rest out."""
    try:
        data = base64.b64decode("".join(content.split()), validate=True)
    except ValueError as error:
        raise UploadError(f"upload {name}: the binary data are no base64 ({error})") from None
    shapes = [_shape(name, field) for field in fields]
    flags = (len(fields) + 7) // 8 if with_nulls else 0
    at = count = 0
    while at < len(data):
        start = at
        at += flags
        for bits, fixed in shapes:
            number = fixed
            if number is None:
                number = int.from_bytes(data[at : at + 4], "big")
                at += 4
            at += (bits * number + 7) // 8
        count += 1
        if at > len(data) or at == start:
            raise UploadError(f"upload {name}: the binary data end within row {count}")
        if count > limits.upload_rows:
            raise UploadError(
                f"upload {name}: more than {limits.upload_rows} rows are not accepted"
            )


def _shape(name: str, field: dict[str, str]) -> tuple[int, int | None]:
    """Give the bits of an element of a column, and how many a cell has (None: it says itself)."""
    kind = field.get("datatype", "")
    if kind != "bit" and kind not in _WIDTHS:
        raise UploadError(
            f"upload {name}: column {field.get('name', '')[:40]} has the unknown type {kind[:40]!r}"
        )
    bits = 1 if kind == "bit" else 8 * _WIDTHS[kind]
    size = field.get("arraysize", "1").strip()
    if size.endswith("*"):
        return bits, None
    parts = size.split("x")
    if not all(part.isdecimal() and len(part) < 9 for part in parts):
        raise UploadError(f"upload {name}: arraysize {size[:40]!r} is not understood")
    return bits, math.prod(map(int, parts))


def _first_table(name: str, stream: IO[bytes]) -> TableElement:
    from astropy.io.votable import exceptions, parse

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", exceptions.VOWarning)
            document = parse(stream, verify="ignore", invalid="mask")
            table = document.get_first_table()
    except Exception as error:
        # Strangers' documents raise anything here: IndexError, struct.error, binascii.Error ...
        reason = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        raise UploadError(f"upload {name}: this VOTable cannot be read ({reason})") from error
    if table.array.dtype.names is None or not table.fields:
        raise UploadError(f"upload {name}: the table has no columns")
    return table


def _columns(name: str, fields: list[Field], limits: Limits) -> list[Column]:
    columns: list[Column] = []
    taken: set[str] = set()
    for number, found in enumerate(fields, 1):
        label = (found.name or found.ID or f"col_{number}").strip() or f"col_{number}"
        if label.lower() in taken:
            raise UploadError(f"upload {name}: two columns have the name {label}")
        if not label.isprintable() or len(label) > 200:
            raise UploadError(f"upload {name}: column {number} has a name that is not accepted")
        taken.add(label.lower())
        if found.datatype not in _KINDS:
            raise UploadError(
                f"upload {name}: column {label} has the type {found.datatype}, "
                f"accepted are {', '.join(_KINDS)}"
            )
        text = found.datatype in {"char", "unicodeChar"}
        size = found.arraysize if found.arraysize not in {None, "", "1"} or text else None
        if text and (size or "1").count("x"):
            raise UploadError(f"upload {name}: column {label} holds arrays of strings")
        columns.append(
            Column(
                name=label,
                datatype=_KINDS[found.datatype],  # type: ignore[arg-type]
                arraysize="*" if text else size,
                xtype=found.xtype,
                unit=str(found.unit) if found.unit is not None else None,
                ucd=found.ucd,
                utype=found.utype,
                description=(found.description or "").strip(),
            )
        )
    return columns


def _values(column: Column, cells: np.ma.MaskedArray) -> list[Any]:
    import numpy as np

    masks = np.ma.getmaskarray(cells)
    if column.arraysize is not None and not column.is_text:
        return [_array_text(cell) for cell in cells]
    values: list[Any] = []
    for value, masked in zip(cells.data.tolist(), masks.tolist(), strict=True):
        if masked is True or value is None or (isinstance(value, float) and math.isnan(value)):
            values.append(None)
        elif column.is_text:
            values.append(
                value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            )
        else:
            values.append(value)
    return values


def _array_text(cell: Any) -> str | None:
    import numpy as np

    numbers = np.ma.asarray(cell)
    if numbers.size == 0 or np.ma.getmaskarray(numbers).all():
        return None
    flat = numbers.filled(np.nan) if numbers.dtype.kind == "f" else numbers.data
    return " ".join(
        repr(n) if not isinstance(n, bool) else "TF"[not n] for n in flat.ravel().tolist()
    )
