"""Units as KM3NeT's metadata writes them, and the quantities that they measure."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astropy.units import UnitBase

#: First word of a UCD, or name of a column, and the quantity that its unit must measure.
_BY_UCD = {
    "pos.eq.ra": "angle",
    "pos.eq.dec": "angle",
    "pos.az": "angle",
    "pos.angDistance": "angle",
    "phys.energy": "energy",
    "time.duration": "time",
}
_BY_NAME = {
    "ra": "angle",
    "dec": "angle",
    "decl": "angle",
    "declination": "angle",
    "zenith": "angle",
    "azimuth": "angle",
    "angular_error": "angle",
    "beta": "angle",
    "energy": "energy",
}


@functools.lru_cache(maxsize=512)
def parse_unit(text: str) -> UnitBase | None:
    """Return the unit, None if the text is not a unit.

    Braces around exponents (``cm^{2}``), which published metadata contains for typesetting, are
    accepted.
    """
    from astropy import units

    try:
        return units.Unit(re.sub(r"\^\{([^{}]*)\}", r"^\1", text.strip()))
    except (ValueError, TypeError):
        return None


def dimension(unit: UnitBase) -> str:
    """Return the quantity that a unit measures, e.g. ``angle`` or ``energy``."""
    return str(unit.physical_type).split("/", maxsplit=1)[0]


def expected_dimension(name: str, ucd: str | None) -> str | None:
    """Return the quantity that a parameter of this name or UCD measures, None if unknown."""
    word = (ucd or "").split(";")[0]
    if word in _BY_UCD:
        # The published cone search marks the number of hits with phys.energy.
        return None if word == "phys.energy" and name.lower() == "nhit" else _BY_UCD[word]
    return _BY_NAME.get(name.lower())
