"""Positions of an event list on the sky."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.units import Unit

from openkm3.metadata import Annotation

from .cells import parameter_of, plain

if TYPE_CHECKING:
    from astropy.table import Table

#: More points than these are not told apart on a screen; of longer lists every n-th is shown.
MOST_POINTS = 10_000

_NAMES = {
    "ra": {"ra", "right_ascension", "raj2000"},
    "dec": {"dec", "decl", "declination", "dej2000"},
}

#: UCDs and names of columns that a person wants to read of a point on the map.
_TELLING: tuple[tuple[tuple[str, ...], set[str]], ...] = (
    (("meta.id",), {"id", "name", "event", "internalid"}),
    (("phys.energy", "phot.count"), {"energy", "e", "nhit", "nhits"}),
    (("time.epoch",), {"mjd", "time"}),
)


def position_columns(table: Table, annotation: Annotation) -> tuple[str, ...]:
    """Return the names of the columns with right ascension and declination, none if one lacks."""
    result = []
    for axis, names in _NAMES.items():
        found = [
            name
            for name in table.colnames
            if (
                annotation.paraminfo[name].ucd or "" if name in annotation.paraminfo else ""
            ).startswith(f"pos.eq.{axis}")
        ] or [name for name in table.colnames if name.lower().rpartition(".")[2] in names]
        if not found or table[found[0]].dtype.kind not in "iuf" or table[found[0]].ndim != 1:
            return ()
        result.append(found[0])
    return tuple(result)


def sky_of(table: Table, annotation: Annotation) -> dict[str, Any] | None:
    """Return right ascension and declination of the rows in degrees, None if there are none."""
    found = position_columns(table, annotation)
    if not found:
        return None
    ra, dec = (_degrees(table, name) for name in found)
    good = np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90)
    ra, dec = ra[good] % 360, dec[good]
    if len(ra) == 0:
        return None
    step = -(-len(ra) // MOST_POINTS)
    return {
        "rows": len(ra),
        "step": step,
        "ra": [round(float(value), 1) for value in ra[::step]],
        "dec": [round(float(value), 1) for value in dec[::step]],
        "info": [
            {
                "name": parameter_of(annotation, name).name or name,
                "unit": str(table[name].unit or ""),
                "values": [plain(value) for value in table[name][good][::step]],
            }
            for name in _telling(table, annotation, found)
        ],
    }


def _telling(table: Table, annotation: Annotation, known: tuple[str, ...]) -> list[str]:
    """Return the columns that tell events apart: name, energy or hits, time."""
    result: list[str] = []
    for ucds, names in _TELLING:
        for name in table.colnames:
            ucd = parameter_of(annotation, name).ucd or ""
            if (
                table[name].ndim == 1
                and name not in (*known, *result)
                and (ucd.startswith(ucds) or name.lower() in names)
            ):
                result.append(name)
                break
    return result


def _degrees(table: Table, name: str) -> np.ndarray[Any, Any]:
    """Return angles in degrees, NaN where one is missing or the unit is none of an angle."""
    column = table[name]
    values: np.ndarray[Any, Any] = np.ma.filled(np.ma.asarray(column, dtype=float), np.nan)
    if column.unit is None:
        return values
    try:
        # A right ascension in hours means the angle, not the duration.
        unit = "hourangle" if str(column.unit) == "h" else column.unit
        return np.asarray((values * Unit(unit)).to_value("deg"))
    except (TypeError, ValueError):
        return np.full(len(values), np.nan)
