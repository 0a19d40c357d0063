"""Positions of an event list on the sky."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from openkm3.metadata import Annotation, Parameter

from .cells import numbers, parameter_of, plain, ucd_of, unit_of

if TYPE_CHECKING:
    from astropy.table import Column, Table

#: More points than this cannot be distinguished; of longer lists every n-th is shown.
MOST_POINTS = 10_000

_NAMES = {
    "ra": {"ra", "right_ascension", "raj2000"},
    "dec": {"dec", "decl", "declination", "dej2000"},
}

#: UCDs and names of the columns shown for a point on the map.
_TELLING: tuple[tuple[tuple[str, ...], set[str]], ...] = (
    (("meta.id",), {"id", "name", "event", "internalid"}),
    (("phys.energy", "phot.count"), {"energy", "e", "nhit", "nhits"}),
    (("time.epoch",), {"mjd", "time"}),
)


def position_columns(table: Table, annotation: Annotation) -> tuple[str, ...]:
    """Returns the columns of right ascension and declination; empty if either is missing."""
    result = []
    for axis, names in _NAMES.items():
        found = [
            name
            for name in table.colnames
            if _is_position(ucd_of(table[name], parameter_of(annotation, name)), axis)
        ] or [name for name in table.colnames if name.lower().rpartition(".")[2] in names]
        kind = getattr(table[found[0]], "dtype", np.dtype("O")).kind if found else "O"
        if kind not in "iuf" or table[found[0]].ndim != 1:
            return ()
        result.append(found[0])
    return tuple(result)


def _is_position(ucd: str, axis: str) -> bool:
    """Returns whether a UCD is that of a coordinate, not of its error or another statistic."""
    words = ucd.split(";")
    return words[0] == f"pos.eq.{axis}" and not any(word.startswith("stat.") for word in words)


def sky_of(table: Table, annotation: Annotation) -> dict[str, Any] | None:
    """Returns right ascension and declination of the rows in degrees; None if there are none."""
    found = position_columns(table, annotation)
    if not found:
        return None
    ra, dec = (_degrees(table[name], parameter_of(annotation, name)) for name in found)
    if ra is None or dec is None:
        return None
    # Rows that are masked or out of range have no place on the sky.
    good = np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90)
    ra, dec = ra[good] % 360, dec[good]
    if len(ra) == 0:
        return None
    step = -(-len(ra) // MOST_POINTS)
    return {
        "rows": len(ra),
        "step": step,
        "missing": int((~good).sum()),
        "ra": [round(float(value), 5) for value in ra[::step]],
        "dec": [round(float(value), 5) for value in dec[::step]],
        "info": [
            {
                "name": parameter_of(annotation, name).name or name,
                "unit": unit_of(table[name], parameter_of(annotation, name)),
                "values": [plain(value) for value in table[name][good][::step]],
            }
            for name in _telling(table, annotation, found)
        ],
    }


def _telling(table: Table, annotation: Annotation, known: tuple[str, ...]) -> list[str]:
    """Returns the columns that distinguish events: name, energy or hits, time."""
    result: list[str] = []
    for ucds, names in _TELLING:
        for name in table.colnames:
            ucd = ucd_of(table[name], parameter_of(annotation, name))
            if (
                table[name].ndim == 1
                and name not in (*known, *result)
                and (ucd.startswith(ucds) or name.lower() in names)
            ):
                result.append(name)
                break
    return result


def _degrees(column: Column, parameter: Parameter) -> np.ndarray[Any, Any] | None:
    """Returns angles in degrees, NaN for missing ones; None if the unit is not one of angles."""
    from astropy import units

    values = numbers(column)
    name = unit_of(column, parameter)
    if not name:
        return values
    try:
        # A right ascension in hours is an angle, not a duration.
        unit = units.hourangle if name in ("h", "hr") else units.Unit(name)
        factor = unit.to(units.deg)
    except (ValueError, TypeError, units.UnitConversionError):
        return None
    return values if factor == 1 else values * factor
