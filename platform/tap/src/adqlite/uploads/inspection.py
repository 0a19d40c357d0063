"""Inspection of a stranger's VOTable before it is parsed.

It refuses whatever could harm a parser (document types and entities, external or compressed data,
deep nesting, excessive length), and binary data that end within a row, which parsers would drop.
"""

from __future__ import annotations

import base64
import math
from typing import IO, Any
from xml.parsers import expat

from adqlite.errors import UploadError
from adqlite.limits import Limits

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


def inspect(name: str, stream: IO[bytes], limits: Limits) -> list[bytes]:
    """Inspects a document.

    Returns
    -------
    list of bytes
        For each row of a single table in BINARY2, the flags of its missing cells; otherwise empty.
        astropy ignores the flags of text columns.

    Raises
    ------
    UploadError
        The document is not accepted.
    """
    inspection = _Inspection(name, limits)
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = inspection.doctype
    parser.EntityDeclHandler = inspection.doctype
    parser.CharacterDataHandler = inspection.characters
    parser.StartElementHandler = inspection.start
    parser.EndElementHandler = inspection.end
    start = stream.read(512)
    stream.seek(0)
    try:
        parser.ParseFile(stream)
    except expat.ExpatError as error:
        hint = (
            ""
            if b"<VOTABLE" in start
            else "; an upload has to be a VOTable, so convert other formats"
        )
        raise UploadError(f"upload {name}: this is not well-formed XML ({error}){hint}") from None
    return inspection.flags if inspection.tables == 1 else []


class _Inspection:
    """State of the inspection."""

    def __init__(self, name: str, limits: Limits) -> None:
        self.name = name
        self.limits = limits
        self.depth = 0
        self.tables = 0
        self.flags: list[bytes] = []
        self.columns = 0
        self.rows = 0
        self.cells = 0
        self.fields: list[dict[str, str]] = []
        self.serialization = ""
        self.text: list[str] | None = None

    def refuse(self, reason: str) -> None:
        raise UploadError(f"upload {self.name}: {reason}")

    def doctype(self, *_: Any) -> None:
        self.refuse("a document type declaration is not accepted")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        local = tag.rpartition(":")[2].upper()
        self.check(local, tag[:40], attributes)
        self.depth += 1
        if local == "TABLE":
            self.fields = []
            self.tables += 1
        elif local == "FIELD":
            self.fields.append(attributes)
            self.columns += 1
        elif local == "TR":
            self.rows += 1
        elif local in {"BINARY", "BINARY2"}:
            self.serialization = local
        elif local == "STREAM":
            self.text = []

    def check(self, local: str, tag: str, attributes: dict[str, str]) -> None:
        if self.depth == 0 and local != "VOTABLE":
            self.refuse(f"this is not a VOTable but <{tag}>")
        if self.depth >= _DEPTH:
            self.refuse(f"elements are nested deeper than {_DEPTH}")
        if any(len(value) > _ATTRIBUTE_CHARACTERS for value in attributes.values()):
            self.refuse(f"an attribute of {tag} is too long")
        if local == "STREAM":
            if "href" in attributes:
                self.refuse("external data (STREAM href) are not fetched")
            if attributes.get("encoding", "base64") != "base64":
                self.refuse("STREAM has to be encoded in base64")
        if local in {"FITS", "PARQUET"}:
            self.refuse(f"{local} inside a VOTable is not accepted")
        if local == "FIELD" and self.columns >= self.limits.upload_columns:
            self.refuse(f"more than {self.limits.upload_columns} columns are not accepted")
        if local == "TD":
            self.cells += 1
            if self.cells > self.limits.upload_cells:
                self.refuse(f"more than {self.limits.upload_cells} cells are not accepted")
        if local == "TR" and self.rows >= self.limits.upload_rows:
            self.refuse(f"more than {self.limits.upload_rows} rows are not accepted")

    def characters(self, text: str) -> None:
        if self.text is not None:
            self.text.append(text)

    def end(self, tag: str) -> None:
        self.depth -= 1
        if tag.rpartition(":")[2].upper() == "STREAM" and self.text is not None:
            content, self.text = "".join(self.text), None
            with_nulls = self.serialization == "BINARY2"
            self.flags = _check_records(
                self.name, content, self.fields, self.limits, with_nulls=with_nulls
            )


def _check_records(
    name: str, content: str, fields: list[dict[str, str]], limits: Limits, *, with_nulls: bool
) -> list[bytes]:
    """Refuses binary data that do not end with a complete row; astropy would drop the rest.

    Returns the flags of each row.
    """
    try:
        data = base64.b64decode("".join(content.split()), validate=True)
    except ValueError as error:
        raise UploadError(
            f"upload {name}: the binary data are not valid base64 ({error})"
        ) from None
    shapes = [_shape(name, field) for field in fields]
    flags = (len(fields) + 7) // 8 if with_nulls else 0
    at = count = 0
    found = []
    while at < len(data):
        start = at
        at += flags
        if flags:
            found.append(data[start:at])
        for bits, fixed in shapes:
            number = fixed
            if number is None:
                number = int.from_bytes(data[at : at + 4], "big")
                at += 4
            at += (bits * number + 7) // 8
        count += 1
        if count * len(fields) > limits.upload_cells:
            raise UploadError(
                f"upload {name}: more than {limits.upload_cells} cells are not accepted"
            )
        if at > len(data) or at == start:
            raise UploadError(f"upload {name}: the binary data end within row {count}")
        if count > limits.upload_rows:
            raise UploadError(
                f"upload {name}: more than {limits.upload_rows} rows are not accepted"
            )
    return found


def _shape(name: str, field: dict[str, str]) -> tuple[int, int | None]:
    """Returns the bits of one element of a column, and the elements per cell (None: variable)."""
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
        raise UploadError(f"upload {name}: arraysize {size[:40]!r} is not valid")
    return bits, math.prod(map(int, parts))
