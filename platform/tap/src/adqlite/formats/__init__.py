"""Results in the formats that clients ask for."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from typing import IO, Any

from adqlite.errors import VOError
from adqlite.formats.votable import write_votable
from adqlite.limits import Limits
from adqlite.queries.engine import Result
from adqlite.tables.cells import cell_reader, nested, shape_of


@dataclass(frozen=True)
class Format:
    """One output format.

    Attributes
    ----------
    name : str
        Short name, for RESPONSEFORMAT.
    mime : str
        Media type of the document.
    extension : str
        Of a file with it.
    aliases : tuple of str
        Other names and media types that mean it.
    ivoid : str or None
        Name in the standards' registry.
    """

    name: str
    mime: str
    extension: str
    write: Callable[[Result, IO[bytes]], None]
    aliases: tuple[str, ...] = ()
    ivoid: str | None = None


def write_result(chosen: Format, result: Result, out: IO[bytes], limits: Limits) -> None:
    """Writes a result in a format.

    Raises
    ------
    VOError
        The query failed while its rows were read, or the result is too large.
    """
    chosen.write(result, _Counted(out, limits.result_bytes))  # type: ignore[arg-type]


class _Counted:
    def __init__(self, out: IO[bytes], limit: int) -> None:
        self._out = out
        self._left = limit

    def write(self, data: bytes) -> int:
        self._left -= len(data)
        if self._left < 0:
            raise VOError("the result is larger than this service allows; select fewer rows")
        return self._out.write(data)


def _separated(delimiter: str) -> Callable[[Result, IO[bytes]], None]:
    special = re.compile(f'[{delimiter}"\r\n]|^$|^ | $')

    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if special.search(text) else text

    def cell(value: Any) -> str:
        # An empty text is "", and nothing at all is no text.
        return "" if value is None else quoted(value if isinstance(value, str) else _shown(value))

    def write(result: Result, out: IO[bytes]) -> None:
        names = delimiter.join(quoted(column.name) for column in result.columns)
        out.write(f"{names}\r\n".encode())
        for row in _typed(result):
            # An empty line would be no row to most readers.
            line = delimiter.join(map(cell, row)) or '""'
            out.write(f"{line}\r\n".encode("utf-8", "replace"))

    return write


def _shown(value: Any) -> str:
    """Returns a number, a boolean or an array as text that says it exactly."""
    return json.dumps(value) if isinstance(value, list) else str(value)


def _typed(result: Result) -> Iterator[list[Any]]:
    """Yields rows of Python's own values, arrays as lists in lists."""
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


def _json(result: Result, out: IO[bytes]) -> None:
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
    """Returns a value that JSON has; an infinite number, which it lacks, as text."""
    if isinstance(value, list):
        return [_in_json(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _html(result: Result, out: IO[bytes]) -> None:
    heads = "".join(
        f'<th scope="col" title="{escape(c.description)}">{escape(c.name)}'
        + (f"<br><small>{escape(c.unit)}</small>" if c.unit else "")
        + "</th>"
        for c in result.columns
    )
    out.write(
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Query result</title>'
        "<style>:root{color-scheme:light dark;font-family:system-ui,sans-serif}body{margin:1rem}"
        "table{border-collapse:collapse}th,td{padding:.25rem .75rem;text-align:left;"
        "border-bottom:1px solid #8886}thead th{vertical-align:bottom;"
        "position:sticky;top:0;background:Canvas}"
        "small{font-weight:normal;opacity:.7}"
        "</style></head><body><h1>Query result</h1>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>\n".encode()
    )
    count = 0
    for row in _typed(result):
        cells = "".join(
            f"<td>{'' if v is None else escape(v if isinstance(v, str) else _shown(v))}</td>"
            for v in row
        )
        out.write(f"<tr>{cells}</tr>\n".encode("utf-8", "replace"))
        count += 1
    more = ", and there are more" if result.overflow else ""
    out.write(f"</tbody></table><p>{count} rows{more}.</p></body></html>\n".encode())


def _fits(result: Result, out: IO[bytes]) -> None:
    # Here, because astropy takes memory that a portal without FITS requests need not spend.
    from adqlite.formats.fits import write_fits

    write_fits(result, out)


def _parquet(result: Result, out: IO[bytes]) -> None:
    # Here, because pyarrow takes memory as well.
    from adqlite.formats.parquet import write_parquet

    write_parquet(result, out)


def _text(result: Result, out: IO[bytes]) -> None:
    rows = [
        ["" if v is None else v if isinstance(v, str) else _shown(v) for v in row]
        for row in _typed(result)
    ]
    names = [column.name for column in result.columns]
    widths = [max([len(n), *(len(row[i]) for row in rows)]) for i, n in enumerate(names)]
    for row in [names, ["-" * w for w in widths], *rows]:
        line = "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        out.write(f"{line}\n".encode("utf-8", "replace"))


_VOTABLE = "application/x-votable+xml"
FORMATS = (
    Format(
        "votable",
        f"{_VOTABLE};serialization=BINARY2",
        "vot",
        lambda r, o: write_votable(r, o, "binary2"),
        (_VOTABLE, "text/xml", "votable/b2", "binary2", "votable/binary2"),
        "ivo://ivoa.net/std/TAPRegExt#output-votable-binary2",
    ),
    Format(
        "votable/td",
        f"{_VOTABLE};serialization=TABLEDATA",
        "vot",
        lambda r, o: write_votable(r, o, "tabledata"),
        ("tabledata", "votable/tabledata"),
        "ivo://ivoa.net/std/TAPRegExt#output-votable-td",
    ),
    Format(
        "votable/b",
        f"{_VOTABLE};serialization=BINARY",
        "vot",
        lambda r, o: write_votable(r, o, "binary"),
        ("binary", "votable/binary"),
        "ivo://ivoa.net/std/TAPRegExt#output-votable-binary",
    ),
    Format(
        "csv",
        "text/csv;charset=utf-8;header=present",
        "csv",
        _separated(","),
        ("text/csv", "text/csv;header=present"),
    ),
    Format("tsv", "text/tab-separated-values", "tsv", _separated("\t")),
    Format("fits", "application/fits", "fits", _fits, ("image/fits",)),
    Format(
        "parquet",
        "application/vnd.apache.parquet",
        "parquet",
        _parquet,
        ("application/x-parquet", "application/parquet"),
    ),
    Format("json", "application/json", "json", _json),
    Format("html", "text/html", "html", _html),
    Format("text", "text/plain", "txt", _text),
)


def find_format(name: str | None) -> Format:
    """Returns the format of a name or media type, VOTable where none is given.

    Raises
    ------
    VOError
        There is no such format.
    """
    if not name:
        return FORMATS[0]
    wanted = "".join(name.split()).lower()
    for known in FORMATS:
        if wanted in {n.lower() for n in (known.name, known.mime, *known.aliases)}:
            return known
    raise VOError(
        f"the format {name[:80]!r} is not known; use one of {', '.join(f.name for f in FORMATS)}",
    )
