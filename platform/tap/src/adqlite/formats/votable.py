"""VOTable 1.4 as a stream: rows are written while they are read.

astropy's writer needs all rows at once and takes a minute for a million of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import IO, Any

from lxml import etree

from adqlite.formats.votable_rows import null_of, write_binary, write_tabledata
from adqlite.queries.engine import Result
from adqlite.tables.metadata import Column
from adqlite.xmltext import XSI, clean

_NAMESPACE = "http://www.ivoa.net/xml/VOTable/v1.3"
_LOCATION = f"{_NAMESPACE} http://www.ivoa.net/xml/VOTable/VOTable-1.4.xsd"


def write_votable(result: Result, out: IO[bytes], serialization: str) -> None:
    """Writes a result.

    Parameters
    ----------
    result : Result
    out : binary file
    serialization : str
        `tabledata`, `binary` or `binary2`.
    """
    with _votable(out, result.description) as document, document.results(result.parameters):
        document.info("QUERY_STATUS", "OK")
        with document.element("TABLE"):
            document.description(result.description)
            document.fields(result.columns, serialization)
            with document.element("DATA"), document.element(serialization.upper()):
                if serialization == "tabledata":
                    write_tabledata(result, out)
                else:
                    with document.element("STREAM", {"encoding": "base64"}):
                        write_binary(result, out, with_nulls=serialization == "binary2")
        if result.overflow:
            document.info("QUERY_STATUS", "OVERFLOW", "There are more rows.")


def description_document(result: Result, columns: Sequence[Column]) -> bytes:
    """Returns a VOTable that describes columns and has no rows."""
    out = BytesIO()
    with (
        _votable(out) as document,
        document.results(result.parameters),
        document.element("TABLE"),
    ):
        document.fields(columns)
    return out.getvalue()


def error_document(message: str) -> bytes:
    """Returns the VOTable that reports an error (DALI 1.1, section 4.2)."""
    out = BytesIO()
    with _votable(out) as document, document.results():
        document.info("QUERY_STATUS", "ERROR", message)
    return out.getvalue()


def cone_error_document(message: str) -> bytes:
    """Returns the VOTable that reports an error of a cone search (SCS 1.03, section 2.3)."""
    out = BytesIO()
    with _votable(out) as document:
        document.info("Error", message, identifier="Error")
        with document.results():
            document.info("QUERY_STATUS", "ERROR", message)
    return out.getvalue()


@contextmanager
def _votable(out: IO[bytes], description: str = "") -> Iterator[_Document]:
    # Unbuffered, since rows go past lxml to the same file.
    with etree.xmlfile(out, encoding="UTF-8", buffered=False) as xml:
        xml.write_declaration()
        root = xml.element(
            f"{{{_NAMESPACE}}}VOTABLE",
            {"version": "1.4", f"{{{XSI}}}schemaLocation": _LOCATION},
            nsmap={None: _NAMESPACE, "xsi": XSI},
        )
        with root:
            document = _Document(xml)
            # pyvo shows this one as the description of a cone search.
            document.description(description)
            yield document


class _Document:
    """A VOTable while it is written; each method writes one element."""

    def __init__(self, xml: Any) -> None:
        self._xml = xml

    def element(self, tag: str, attributes: Mapping[str, str | None] | None = None) -> Any:
        """Opens an element, closed at the end of the `with` block."""
        given = {k: clean(v) for k, v in (attributes or {}).items() if v is not None}
        return self._xml.element(f"{{{_NAMESPACE}}}{tag}", given)

    def results(self, parameters: Mapping[str, str] | None = None) -> Any:
        """Opens the resource of the results."""
        return self._resource(parameters or {})

    @contextmanager
    def _resource(self, parameters: Mapping[str, str]) -> Iterator[None]:
        with self.element("RESOURCE", {"type": "results"}):
            for name, value in parameters.items():
                self.info(name, value)
            yield

    def info(self, name: str, value: str, text: str = "", identifier: str | None = None) -> None:
        with self.element("INFO", {"ID": identifier, "name": name, "value": value}):
            self._xml.write(clean(text))

    def description(self, text: str) -> None:
        if text:
            with self.element("DESCRIPTION"):
                self._xml.write(clean(text))

    def fields(self, columns: Sequence[Column], serialization: str = "") -> None:
        """Writes the columns; the serialization decides which need a value for missing cells."""
        for column in columns:
            attributes = {
                "name": column.name,
                "datatype": column.datatype,
                "arraysize": column.arraysize or None,
                "xtype": column.xtype or None,
                "unit": column.unit or None,
                "ucd": column.ucd or None,
                "utype": column.utype or None,
            }
            marked = serialization == "binary" or (serialization and column.is_array)
            with self.element("FIELD", attributes):
                self.description(column.description)
                if column.is_integer and marked:
                    with self.element("VALUES", {"null": str(null_of(column))}):
                        pass
