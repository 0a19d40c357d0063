"""Results in the formats that clients ask for."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from typing import IO, Any

from opendata.vo.engine.errors import VOError
from opendata.vo.engine.limits import Limits
from opendata.vo.engine.query import Result, coerced
from opendata.vo.engine.votable import write_votable

_FITS_CODES = {"boolean": "L", "short": "I", "int": "J", "long": "K", "float": "E", "double": "D"}


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
    """Write a result in a format.

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
            raise VOError("the result is larger than this service gives; select fewer rows")
        return self._out.write(data)


def _separated(delimiter: str) -> Callable[[Result, IO[bytes]], None]:
    def write(result: Result, out: IO[bytes]) -> None:
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\r\n")
        writer.writerow([column.name for column in result.columns])
        for row in _typed(result):
            writer.writerow(["" if value is None else value for value in row])
            if buffer.tell() > 1 << 16:
                out.write(buffer.getvalue().encode("utf-8", "replace"))
                buffer.seek(0)
                buffer.truncate()
        out.write(buffer.getvalue().encode("utf-8", "replace"))

    return write


def _typed(result: Result) -> Iterator[list[Any]]:
    columns = result.columns
    for row in result.rows:
        yield [coerced(column, value) for column, value in zip(columns, row, strict=True)]


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
        plain = [None if value in (float("inf"), float("-inf")) else value for value in row]
        out.write((b",\n" if number else b"\n") + json.dumps(plain, allow_nan=False).encode())
    out.write(b'],\n"overflow": ' + json.dumps(result.overflow).encode() + b"}\n")


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
        cells = "".join(f"<td>{'' if v is None else escape(str(v))}</td>" for v in row)
        out.write(f"<tr>{cells}</tr>\n".encode("utf-8", "replace"))
        count += 1
    more = ", and there are more" if result.overflow else ""
    out.write(f"</tbody></table><p>{count} rows{more}.</p></body></html>\n".encode())


def _fits(result: Result, out: IO[bytes]) -> None:
    # Here, because astropy takes memory that a portal without FITS requests need not spend.
    import numpy as np
    from astropy.io import fits

    rows = list(_typed(result))
    names = _distinct([column.name for column in result.columns])
    columns = []
    for index, column in enumerate(result.columns):
        values = [row[index] for row in rows]
        common = {"name": names[index], "unit": column.unit}
        if column.is_text or column.arraysize is not None:
            texts = [("" if v is None else str(v)).encode("ascii", "replace") for v in values]
            width = max([len(t) for t in texts], default=1) or 1
            columns.append(
                fits.Column(format=f"{width}A", array=np.array(texts, f"S{width}"), **common)
            )
        elif column.is_integer:
            null = -(1 << {"short": 15, "int": 31, "long": 63}[column.datatype])
            filled = np.array([null if v is None else v for v in values], dtype=np.int64)
            columns.append(
                fits.Column(
                    format=_FITS_CODES[column.datatype],
                    array=filled,
                    null=null if None in values else None,
                    **common,
                )
            )
        elif column.datatype == "boolean":
            columns.append(fits.Column(format="L", array=np.array(values, dtype=bool), **common))
        else:
            filled = np.array([np.nan if v is None else v for v in values], dtype=np.float64)
            columns.append(fits.Column(format=_FITS_CODES[column.datatype], array=filled, **common))
    table = fits.BinTableHDU.from_columns(columns, nrows=len(rows))
    for index, column in enumerate(result.columns, 1):
        if column.ucd:
            table.header[f"TUCD{index}"] = column.ucd
    table.header["QSTATUS"] = ("OVERFLOW" if result.overflow else "OK", "TAP query status")
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(buffer)
    out.write(buffer.getvalue())


def _distinct(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    out = []
    for name in names:
        plain = name.encode("ascii", "replace").decode()[:60] or "col"
        seen[plain.lower()] = seen.get(plain.lower(), 0) + 1
        count = seen[plain.lower()]
        out.append(plain if count == 1 else f"{plain}_{count}")
    return out


def _text(result: Result, out: IO[bytes]) -> None:
    rows = [["" if v is None else str(v) for v in row] for row in _typed(result)]
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
    Format("json", "application/json", "json", _json),
    Format("html", "text/html", "html", _html),
    Format("text", "text/plain", "txt", _text),
)


def find_format(name: str | None) -> Format:
    """Give the format of a name or media type, VOTable where none is given.

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
        f"the format {name[:80]!r} is not known; there are {', '.join(f.name for f in FORMATS)}",
    )
