"""The sources of the published analysis, by name."""

from __future__ import annotations

import difflib
import re
from functools import cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from astropy.coordinates import SkyCoord
from astropy.table import QTable

from nugamma.errors import SourceError
from nugamma.sources import flux_points
from nugamma.sources.source import Source

if TYPE_CHECKING:
    from astropy.table import Row

_DATA = files("nugamma.sources") / "data"


def published_sources() -> list[str]:
    """Returns the names of the sources in this package."""
    return [str(name) for name in _catalogue()["name"]]


def published_source(name: str) -> Source:
    """Returns a source in this package.

    Parameters
    ----------
    name : str
        Its name, title or an alias, such as ``VelaX``, ``Vela X`` or ``HESS J0835-455``; case,
        spaces,
        dots and underscores are ignored.

    Raises
    ------
    SourceError
        If there is no source with this name.
    """
    names = _names()
    try:
        return _read(_catalogue()[names[_plain(name)]])
    except KeyError:
        close = difflib.get_close_matches(_plain(name), names, n=1)
        hint = f"; did you mean {_catalogue()['name'][names[close[0]]]}?" if close else "."
        raise SourceError(
            f"unknown source {name!r}{hint} Published sources are "
            f"{', '.join(published_sources())}; for your own, give the path of a YAML file"
        ) from None


def _plain(name: str) -> str:
    return re.sub(r"[\s._]", "", name.lower())


@cache
def _catalogue() -> QTable:
    with as_file(_DATA / "sources.ecsv") as path:
        return QTable.read(path)


@cache
def _names() -> dict[str, int]:
    names: dict[str, int] = {}
    for index, row in enumerate(_catalogue()):
        for name in (row["name"], row["title"], *str(row["aliases"]).split(";")):
            names[_plain(str(name))] = index
    return names


def _read(row: Row) -> Source:
    name = str(row["name"])
    with as_file(_DATA / str(row["flux_points"])) as path:
        points = flux_points.read(path, name)
    return Source(
        name=name,
        title=str(row["title"]),
        position=SkyCoord(row["ra"], row["dec"], frame="icrs"),
        distance=row["distance"],
        morphology=str(row["morphology"]),  # type: ignore[arg-type]
        radius=row["radius"],
        flux_points=points,
        citation=str(_catalogue().meta["citation"]),
    )
