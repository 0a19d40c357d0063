"""Columns of energies in any unit, also as logarithms."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from .columns import Array, ColumnData

_LOG_UNIT = re.compile(r"\[?(?:log10|dex)\s*\(\s*(\w+)\s*\)\]?", re.IGNORECASE)
_LOG_NAME = re.compile(r"(?:log(?:10)?(?![a-z])|lg(?=[_\W])|log(?:10)?_?e(?:n|$))", re.IGNORECASE)


class NoEnergy(ValueError):
    """A column cannot be read as energies; the message says why."""


def energies(name: str, data: ColumnData, unit: str | None = None) -> Array:
    """Return a column in TeV; missing values are NaN.

    Parameters
    ----------
    name : str
        The column's name; if it names a logarithm, the unit must too.
    data : ColumnData
        Numbers with a unit of energy, or ``dex(GeV)`` or ``log10(GeV)``.
    unit : str, optional
        The unit, if the user chose it.

    Raises
    ------
    NoEnergy
        If the unit is missing, is not one of energy, or contradicts the name.
    """
    from astropy import units

    if data.kind not in "iuf" or data.values.ndim != 1:
        raise NoEnergy(f"{name!r} is not a column of numbers")
    text = unit or (str(data.unit) if data.unit is not None else "")
    if not text:
        raise NoEnergy(f"{name!r} has no unit")
    numbers = data.numbers()
    if match := _LOG_UNIT.fullmatch(text.strip()):
        text = match[1]
        with np.errstate(over="ignore"):
            numbers = 10**numbers
    elif _LOG_NAME.match(name) and unit is None:
        raise NoEnergy(f"{name!r} is named as a logarithm, but its unit is {text}, not dex({text})")
    try:
        factor = float(units.Unit(text).to("TeV"))
    except (ValueError, TypeError, units.UnitConversionError):
        raise NoEnergy(f"{name!r} is in {text}, which is not a unit of energy") from None
    return np.asarray(numbers * factor)


def is_energy_like(name: str, data: ColumnData) -> bool:
    """Return whether a column looks like energies, by name or unit."""
    if data.values.ndim != 1 or data.kind not in "iuf":
        return False
    if re.search(r"energy|^e$|^e[_.-]?(reco|rec|nu|mu|est|true|mc)|(reco|rec)[_.-]?e$", name, re.I):
        return True
    if _LOG_NAME.match(name) and re.search(r"e(nergy|\b|\d|_|$)", name[2:], re.I):
        return True
    return has_unit_of_energy(data)


def has_unit_of_energy(data: ColumnData) -> bool:
    """Return whether the unit is one of energy or of its logarithm."""
    physical: Any = getattr(data.unit, "physical_type", "")
    if "energy" in str(physical).split("/"):
        return True
    match = _LOG_UNIT.fullmatch(str(data.unit or "").strip())
    return match is not None and has_unit_of_energy(ColumnData.make(np.zeros(1), unit=match[1]))
