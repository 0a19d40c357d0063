"""Columns of sky positions in any unit and frame, converted to ICRS degrees."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..messages import log
from .columns import Array, ColumnData

_FRAMES = {"": "icrs", "icrs": "icrs", "fk5": "fk5", "fk4": "fk4", "galactic": "galactic"}

# Degrees by which single precision can exceed a pole or the full circle.
_ROUNDING = 1e-4


class NoPosition(ValueError):
    """Columns cannot be read as positions; the message says why."""


def icrs(
    longitude: tuple[str, ColumnData], latitude: tuple[str, ColumnData], frame: str
) -> tuple[Array, Array]:
    """Return right ascension and declination in degrees; NaN where a position is missing.

    Parameters
    ----------
    longitude, latitude : tuple of str and ColumnData
        Names and contents of the columns.
    frame : str
        ``galactic``, or empty for equatorial coordinates in the frame that the columns name, by
        default ICRS.

    Raises
    ------
    NoPosition
        If a unit is not one of angle, or a value is beyond the poles or the full circle.
    """
    from astropy.coordinates import SkyCoord

    lon, lat = _degrees(*longitude, turns=True), _degrees(*latitude, turns=False)
    known = np.isfinite(lon) & np.isfinite(lat)
    if beyond := int(np.count_nonzero(np.abs(lat[known]) > 90 + _ROUNDING)):
        raise NoPosition(f"{latitude[0]!r} has {beyond} values beyond 90 degrees")
    if beyond := int(
        np.count_nonzero((lon[known] < -180 - _ROUNDING) | (lon[known] > 360 + _ROUNDING))
    ):
        raise NoPosition(f"{longitude[0]!r} has {beyond} values beyond -180 to 360 degrees")
    lat = np.clip(lat, -90, 90)
    named, _, equinox = (frame or latitude[1].meaning.frame).partition(" ")
    named = named.lower()
    if named not in _FRAMES:
        raise NoPosition(f"{latitude[0]!r} is in the frame {named}, which is not supported")
    if _FRAMES[named] == "icrs":
        return np.where(known, lon, np.nan), np.where(known, lat, np.nan)
    here = np.where(known, lon, 0), np.where(known, lat, 0)
    options = {"equinox": equinox} if equinox else {}
    try:
        sky = SkyCoord(*here, unit="deg", frame=_FRAMES[named], **options).icrs
    except ValueError:
        raise NoPosition(f"{latitude[0]!r} has the unknown equinox {equinox}") from None
    return np.where(known, sky.ra.deg, np.nan), np.where(known, sky.dec.deg, np.nan)


def _degrees(name: str, data: ColumnData, *, turns: bool) -> Array:
    from astropy import units
    from astropy.coordinates import Angle

    if data.values.ndim != 1 or data.kind not in "iufU":
        raise NoPosition(f"{name!r} is not a column of angles")
    if data.kind == "U":
        gone = data.missing | (data.values == "")
        texts = np.where(gone, "0d", data.values).tolist()
        hours = turns and str(data.unit) in ("h", "hourangle")
        try:
            angles = (
                Angle(texts) if _have_units(texts) else Angle(texts, "h" if hours else data.unit)
            )
        except (ValueError, TypeError, units.UnitsError):
            raise NoPosition(f"{name!r} has text that is not an angle with a unit") from None
        return np.where(gone, np.nan, angles.deg)
    if data.unit is None:
        log.warning("Column %r has no unit; degrees are assumed.", name)
        return data.numbers()
    # A right ascension in h is an hour angle, not a duration.
    unit: Any = "hourangle" if turns and str(data.unit) == "h" else data.unit
    try:
        return np.asarray((data.numbers() * units.Unit(unit)).to_value("deg"))
    except (ValueError, TypeError, units.UnitConversionError):
        raise NoPosition(f"{name!r} is in {data.unit}, which is not a unit of angle") from None


def _have_units(texts: list[str]) -> bool:
    return all(any(mark in text for mark in "hd°") for text in texts)
