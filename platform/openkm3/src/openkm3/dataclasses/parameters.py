"""Values of a parameter: converted to its unit, checked against its range."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import OpenKM3Error
from ..messages import log
from ..metadata import Parameter


def in_unit_of(parameter: Parameter | None, value: Any) -> Any:
    """Return numbers in the unit of a parameter; masked ones become NaN.

    Raises
    ------
    OpenKM3Error
        If their unit cannot be converted to that of the parameter.
    """
    if value is np.ma.masked:
        return math.nan
    if hasattr(value, "mask"):
        gone = np.asarray(value.mask)
        plain = np.asarray(getattr(value, "unmasked", np.ma.getdata(value)), dtype=float)
        unit = getattr(value, "unit", None)
        value = np.where(gone, np.nan, plain)
    else:
        unit = getattr(value, "unit", None)
    if unit is None:
        return value
    from astropy.units import Quantity, UnitsError

    from ..metadata.units import parse_unit

    wanted = parse_unit(parameter.unit) if parameter and parameter.unit else None
    try:
        numbers = Quantity(value, unit).to_value(wanted or "")
    except (UnitsError, TypeError):
        known = (parameter.unit if parameter else None) or "a number without unit"
        raise OpenKM3Error(f"a value in {unit} was given, but {known} is expected") from None
    return float(numbers) if np.ndim(numbers) == 0 else numbers


def in_range(axis: str, value: float, limits: tuple[float, float]) -> bool:
    """Return whether a value is in a range, ends included; log a warning if not."""
    low, high = limits
    inside = low <= value <= high and not math.isnan(value)
    if not inside:
        log.warning("%s value %s out of range. Range is %s", axis, value, [low, high])
    return inside
