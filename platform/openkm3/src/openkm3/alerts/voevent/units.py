"""Numbers of a packet in the unit of the field that they fill.

astropy is imported only where a unit differs, so that a server which reads KM3NeT's own packets
does without its weight.
"""

from __future__ import annotations

import re

#: How packets say that a number has no unit ("dn" is GCN's data number).
WITHOUT = frozenset({"", "dn", "1"})
#: Spellings of GCN that astropy does not have.
_SPELLINGS = {"sec": "s", "days": "d", "degrees": "deg", "hr": "h", "years": "yr"}


def converted(value: float, unit: str, wanted: str) -> float:
    """Return a value in the unit that is wanted.

    Parameters
    ----------
    value : float
        In ``unit``; one that is empty counts as ``wanted``.
    unit : str
        As the packet writes it: ``yr^-1``, ``arcmin``, ``TeV``. Hours of angle are ``hr`` or ``h``.
    wanted : str
        A unit of astropy; empty for a number without one.

    Raises
    ------
    ValueError
        astropy does not know the unit, or it measures something else.
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
        # Of logarithmic units (dex, mag) there are no plain quantities; their units convert.
        return float(given.to(units.Unit(wanted), value))
    except (units.UnitConversionError, units.UnitTypeError):
        what = f"cannot be converted to {wanted}" if wanted else "is not expected here"
        msg = f"unit {unit[:40]!r} {what}"
        raise ValueError(msg) from None
