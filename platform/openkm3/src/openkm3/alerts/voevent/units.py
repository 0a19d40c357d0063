"""Converts numbers of a packet to the unit of a field.

astropy is imported only if a unit differs, since servers that read KM3NeT's own packets do not need
it.
"""

from __future__ import annotations

import re

#: Units of packets that mean "no unit" ("dn" is GCN's data number).
WITHOUT = frozenset({"", "dn", "1"})
#: GCN's spellings that astropy does not know.
_SPELLINGS = {"sec": "s", "days": "d", "degrees": "deg", "hr": "h", "years": "yr"}


def converted(value: float, unit: str, wanted: str) -> float:
    """Return a value in the wanted unit.

    Parameters
    ----------
    value : float
        In ``unit``, or in ``wanted`` if that is empty.
    unit : str
        As in the packet: ``yr^-1``, ``arcmin``, ``TeV``. Hour angles are ``hr`` or ``h``.
    wanted : str
        A unit of astropy; empty for a number without unit.

    Raises
    ------
    ValueError
        If astropy does not know the unit, or it has another dimension.
    """
    unit = unit.strip()
    if unit == wanted or unit in WITHOUT:
        return value
    from astropy import units

    spelling = re.sub(r"^per\s+", "1/", _SPELLINGS.get(unit, unit))
    try:
        given = units.Unit(spelling)
    except (ValueError, TypeError):
        msg = f"unit {unit[:40]!r} is unknown"
        raise ValueError(msg) from None
    if wanted == "deg" and given == units.hour:
        given = units.hourangle
    try:
        # Logarithmic units (dex, mag) have no plain quantities, but the units convert.
        return float(given.to(units.Unit(wanted), value))
    except (units.UnitConversionError, units.UnitTypeError):
        what = f"cannot be converted to {wanted}" if wanted else "is not expected here"
        msg = f"unit {unit[:40]!r} {what}"
        raise ValueError(msg) from None
