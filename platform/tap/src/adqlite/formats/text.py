"""Results as CSV, TSV, JSON, HTML and plain text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from html import escape
from typing import IO, Any

from lxml import etree
from lxml.builder import E

from adqlite.queries.engine import Result
from adqlite.tables.cells import cell_reader, nested, shape_of
from adqlite.tables.metadata import Column
from adqlite.xmltext import clean

_TITLE = "Query result"
_STYLE = (
    ":root{color-scheme:light dark;font-family:system-ui,sans-serif}body{margin:1rem}"
    "table{border-collapse:collapse}th,td{padding:.25rem .75rem;text-align:left;"
    "border-bottom:1px solid #8886}thead th{vertical-align:bottom;"
    "position:sticky;top:0;background:Canvas}small{font-weight:normal;opacity:.7}"
)


def separated(delimiter: str) -> Callable[[Result, IO[bytes]], None]:
    """Returns a writer of CSV (RFC 4180) with this delimiter."""
    special = re.compile(f'[{delimiter}"\r\n]|^$|^ | $')

    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if special.search(text) else text

    def cell(value: Any) -> str:
        # Empty text is "", and a missing value is nothing at all.
        return "" if value is None else quoted(_cell(value))

    def write(result: Result, out: IO[bytes]) -> None:
        names = delimiter.join(quoted(column.name) for column in result.columns)
        out.write(f"{names}\r\n".encode())
        for row in _typed(result):
            # Most readers skip empty lines.
            line = delimiter.join(map(cell, row)) or '""'
            out.write(f"{line}\r\n".encode("utf-8", "replace"))

    return write


def _cell(value: Any) -> str:
    """Returns a value as text, without loss; a missing one is empty."""
    if isinstance(value, list):
        return json.dumps(value)
    return "" if value is None else str(value)


def _typed(result: Result) -> Iterator[list[Any]]:
    """Yields rows of Python values, arrays as nested lists."""
    readers = []
    for column in result.columns:
        read = cell_reader(column)
        readers.append(_nesting(read, shape_of(column)) if column.is_array else read)
    for row in result.rows:
        yield [read(value) for read, value in zip(readers, row, strict=True)]


def _nesting(
    read: Callable[[Any], Any], shape: tuple[int | None, ...]
) -> Callable[[Any], list[Any] | None]:
    def array(value: Any) -> list[Any] | None:
        items = read(value)
        return None if items is None else nested(items, shape)

    return array


def write_json(result: Result, out: IO[bytes]) -> None:
    """Writes an object with the columns in `metadata`, the rows in `data`, and `overflow`."""
    metadata = [
        column.model_dump(
            include={
                "name",
                "datatype",
                "arraysize",
                "xtype",
                "unit",
                "ucd",
                "utype",
                "description",
            },
            exclude_none=True,
        )
        for column in result.columns
    ]
    out.write(b'{"metadata": ' + json.dumps(metadata).encode() + b',\n"data": [')
    for number, row in enumerate(_typed(result)):
        plain = [_in_json(value) for value in row]
        out.write((b",\n" if number else b"\n") + json.dumps(plain, allow_nan=False).encode())
    out.write(b'],\n"overflow": ' + json.dumps(result.overflow).encode() + b"}\n")


def _in_json(value: Any) -> Any:
    """Returns a value for JSON; an infinite number, which JSON lacks, becomes text."""
    if isinstance(value, list):
        return [_in_json(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def write_html(result: Result, out: IO[bytes]) -> None:
    """Writes a page with a table."""
    # Unbuffered, since rows go past lxml to the same file.
    with etree.htmlfile(out, encoding="UTF-8", buffered=False) as page:
        page.write_doctype("<!DOCTYPE html>")
        with page.element("html", lang="en"):
            page.write(E.head(E.meta(charset="utf-8"), E.title(_TITLE), E.style(_STYLE)))
            with page.element("body"):
                page.write(E.h1(_TITLE))
                with page.element("table"):
                    page.write(E.thead(E.tr(*map(_heading, result.columns))))
                    with page.element("tbody"):
                        count = _html_rows(result, out)
                more = ", and there are more" if result.overflow else ""
                page.write(E.p(f"{count} rows{more}."))


def _heading(column: Column) -> Any:
    unit = [E.br(), E.small(clean(column.unit))] if column.unit else []
    return E.th(clean(column.name), *unit, scope="col", title=clean(column.description))


def _html_rows(result: Result, out: IO[bytes]) -> int:
    count = 0
    for row in _typed(result):
        cells = "".join(f"<td>{escape(_cell(value))}</td>" for value in row)
        out.write(f"<tr>{cells}</tr>\n".encode("utf-8", "replace"))
        count += 1
    return count


def write_text(result: Result, out: IO[bytes]) -> None:
    """Writes aligned columns."""
    rows = [[_cell(value) for value in row] for row in _typed(result)]
    names = [column.name for column in result.columns]
    widths = [max([len(n), *(len(row[i]) for row in rows)]) for i, n in enumerate(names)]
    for row in [names, ["-" * w for w in widths], *rows]:
        line = "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        out.write(f"{line}\n".encode("utf-8", "replace"))
