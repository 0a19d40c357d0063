"""Results in the formats that clients ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from adqlite.errors import VOError
from adqlite.formats.text import separated, write_html, write_json, write_text
from adqlite.formats.votable import write_votable
from adqlite.limits import Limits
from adqlite.queries.engine import Result


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
        File name extension.
    aliases : tuple of str
        Other names and media types of the format.
    ivoid : str or None
        Identifier in TAPRegExt.
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


def _fits(result: Result, out: IO[bytes]) -> None:
    # Imported here, since a server without FITS requests can save the memory of astropy.
    from adqlite.formats.fits import write_fits

    write_fits(result, out)


def _parquet(result: Result, out: IO[bytes]) -> None:
    # Imported here, for the same reason.
    from adqlite.formats.parquet import write_parquet

    write_parquet(result, out)


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
        separated(","),
        ("text/csv", "text/csv;header=present"),
    ),
    Format("tsv", "text/tab-separated-values", "tsv", separated("\t")),
    Format("fits", "application/fits", "fits", _fits, ("image/fits",)),
    Format(
        "parquet",
        "application/vnd.apache.parquet",
        "parquet",
        _parquet,
        ("application/x-parquet", "application/parquet"),
    ),
    Format("json", "application/json", "json", write_json),
    Format("html", "text/html", "html", write_html),
    Format("text", "text/plain", "txt", write_text),
)


def find_format(name: str | None) -> Format:
    """Returns the format of a name or media type; VOTable by default.

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
