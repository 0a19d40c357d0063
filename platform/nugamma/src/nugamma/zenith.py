"""Zenith angle of a source through a sidereal day.

A source at declination d and hour angle h has the zenith angle z at latitude p:

    cos z = sin p sin d + cos p cos d cos h

and h increases uniformly through a sidereal day, so the fraction of time between two zenith angles
is a range of hour angles: exact, without sampling. There is no refraction for neutrinos.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from astropy import units as u

from nugamma.errors import VisibilityError
from openkm3.sky import Site, site

Floats = npt.NDArray[np.float64]

HORIZON = 90 * u.deg
NADIR = 180 * u.deg


def cos_zenith(
    declination: u.Quantity, hour_angle: u.Quantity, detector: str | Site = "ARCA"
) -> Floats:
    """Returns the cosine of a source's zenith angle: 1 overhead, -1 straight below."""
    sine, cosine = _latitude(detector)
    d = _declination(declination)
    h = u.Quantity(hour_angle).to_value(u.rad)
    return np.asarray(sine * np.sin(d) + cosine * np.cos(d) * np.cos(h))


def fraction_above(
    declination: u.Quantity, cos_zenith_min: npt.ArrayLike, detector: str | Site = "ARCA"
) -> Floats:
    """Returns the fraction of time that a source's cos(zenith) exceeds a value.

    Parameters
    ----------
    declination : Quantity
        Any shape; broadcast with ``cos_zenith_min``.
    cos_zenith_min : array_like
        Cosine of a zenith angle, -1 (straight below) to 1 (overhead).
    detector : str or openkm3.sky.Site
        ``"ARCA"``, ``"ORCA"``, ``"ANTARES"`` or a site of your own.

    Returns
    -------
    ndarray
        0 to 1, of the broadcast shape.
    """
    sine, cosine = _latitude(detector)
    d, c = np.broadcast_arrays(_declination(declination), np.asarray(cos_zenith_min, dtype=float))
    if np.any(np.abs(c) > 1 + 1e-12) or not np.all(np.isfinite(c)):
        raise VisibilityError("cosines of zenith angles must be between -1 and 1")
    # At a pole the zenith angle is constant, and the ratio below is +-infinity or 0/0.
    reach = cosine * np.cos(d)
    need = c - sine * np.sin(d)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(reach > 1e-12, need / reach, np.where(need < 0, -1.0, 1.0))
    # Rounding must not move a source beyond the zenith.
    ratio = np.where(c >= 1, 1.0, np.where(c <= -1, -1.0, ratio))
    return np.asarray(np.arccos(np.clip(ratio, -1, 1)) / np.pi)


def time_fractions(
    declination: u.Quantity, cos_zenith_edges: npt.ArrayLike, detector: str | Site = "ARCA"
) -> Floats:
    """Returns the fraction of time in bins of cos(zenith).

    Parameters
    ----------
    declination : Quantity
        Of any shape.
    cos_zenith_edges : array_like, shape (n + 1,)
        Ascending edges between -1 and 1.
    detector : str or openkm3.sky.Site

    Returns
    -------
    ndarray, shape (..., n)
        Sums to 1 if the edges span -1 to 1.
    """
    edges = np.asarray(cos_zenith_edges, dtype=float)
    if edges.ndim != 1 or len(edges) < 2 or np.any(np.diff(edges) <= 0):
        raise VisibilityError("edges of cos(zenith) must be at least two ascending numbers")
    above = fraction_above(u.Quantity(declination)[..., np.newaxis], edges, detector)
    return np.asarray(-np.diff(above, axis=-1))


def fraction_of_time(
    declination: u.Quantity,
    zenith_min: u.Quantity = HORIZON,
    zenith_max: u.Quantity = NADIR,
    detector: str | Site = "ARCA",
) -> Floats:
    """Returns the fraction of time that a source is between two zenith angles.

    The default is the time below the horizon, where the Earth absorbs atmospheric muons.
    """
    low, high = (u.Quantity(angle).to_value(u.rad) for angle in (zenith_min, zenith_max))
    if not 0 <= low <= high <= np.pi:
        raise VisibilityError("zenith angles must satisfy 0 <= zenith_min <= zenith_max <= 180 deg")
    below_low, below_high = (
        fraction_above(declination, np.cos(angle), detector) for angle in (low, high)
    )
    return below_high - below_low


def _latitude(detector: str | Site) -> tuple[float, float]:
    latitude = np.radians(site(detector).latitude)
    return float(np.sin(latitude)), float(np.cos(latitude))


def _declination(declination: u.Quantity) -> Floats:
    if not hasattr(declination, "unit"):
        raise VisibilityError("the declination needs a unit, for example -45.2 * u.deg")
    if np.any(getattr(declination, "mask", False)):
        raise VisibilityError("some declinations are masked; remove them")
    try:
        d = np.asarray(u.Quantity(declination).to_value(u.rad), dtype=float)
    except (u.UnitConversionError, TypeError) as error:
        raise VisibilityError(f"the declination needs a unit of angle: {error}") from None
    if np.any(np.abs(d) > np.pi / 2 + 1e-12) or not np.all(np.isfinite(d)):
        raise VisibilityError("declinations must be between -90 and 90 deg")
    return d
