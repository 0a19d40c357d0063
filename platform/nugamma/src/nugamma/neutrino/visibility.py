"""Times at which a detector sees a position on the sky; the geometry is in `nugamma.zenith`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import TETE, SkyCoord
from astropy.time import Time

from nugamma.errors import VisibilityError
from nugamma.neutrino.times import moment
from nugamma.zenith import (
    HORIZON,
    NADIR,
    cos_zenith,
    fraction_above,
    fraction_of_time,
    time_fractions,
)
from openkm3.sky import Site
from openkm3.sky.offline import offline

__all__ = [
    "HORIZON",
    "NADIR",
    "cos_zenith",
    "declination_of_date",
    "fraction_above",
    "fraction_of_time",
    "time_fractions",
    "visibility_map",
]

Floats = npt.NDArray[np.float64]


def declination_of_date(position: SkyCoord, epoch: str | Time = "J2000.0") -> u.Quantity:
    """Returns the declination relative to the Earth's true axis at a time.

    The axis moves by up to 0.0056 deg per year, so this matters only for sources that hardly rise
    or set.

    Parameters
    ----------
    position : astropy.coordinates.SkyCoord
        One or several positions, in any frame.
    epoch : astropy.time.Time or str
        Time, or text that astropy reads: ``"J2030.0"`` or ``"2030-01-01"``.
    """
    with offline():
        return position.transform_to(TETE(obstime=moment(epoch, VisibilityError))).dec


def visibility_map(
    nside: int = 64,
    frame: str = "galactic",
    *,
    zenith_min: u.Quantity = HORIZON,
    zenith_max: u.Quantity = NADIR,
    detector: str | Site = "ARCA",
    epoch: str | Time = "J2000.0",
) -> Floats:
    """Returns a HEALPix map (ring order) of `fraction_of_time` over the whole sky.

    Parameters
    ----------
    nside : int
        Resolution of the map, a power of two; 64 gives pixels of 0.9 deg.
    frame : str
        Coordinates of the map: ``"galactic"`` or ``"icrs"``.
    epoch : astropy.time.Time or str
        Time, see `declination_of_date`.

    Returns
    -------
    ndarray, shape (12 nside**2,)
    """
    import healpy  # type: ignore[import-untyped]

    if nside < 1 or not healpy.isnsideok(nside, nest=True):
        raise VisibilityError(f"nside must be a power of two, not {nside}")
    pixels = np.arange(healpy.nside2npix(nside))
    longitude, latitude = healpy.pix2ang(nside, pixels, lonlat=True)
    places = SkyCoord(longitude, latitude, unit="deg", frame=frame)
    return fraction_of_time(declination_of_date(places, epoch), zenith_min, zenith_max, detector)
