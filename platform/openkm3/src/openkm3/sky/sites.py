"""The positions of the detectors."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from openkm3.sky.convergence import grid_convergence, km3net_convergence

if TYPE_CHECKING:
    from astropy.coordinates import EarthLocation


class UnknownSiteError(ValueError):
    """The name is not that of a known site."""


@dataclass(frozen=True)
class Site:
    """The position of a detector and the orientation of its frame.

    Parameters
    ----------
    name : str
        Name of the detector, such as ``"ORCA"``.
    latitude, longitude : float
        Geodetic, WGS 84, degrees; north and east are positive.
    height : float
        Metres above the ellipsoid; negative below sea level.
    utm_zone : int
        Zone whose grid gives x (east) and y (north) of the detector's frame.
    convergence : float, optional
        Azimuth of grid north in degrees. By default the value of KM3NeT's software; see
        `openkm3.sky.km3net_convergence`.
    """

    name: str
    latitude: float
    longitude: float
    height: float
    utm_zone: int
    convergence: float | None = None

    @property
    def grid_north(self) -> float:
        """Azimuth of grid north from true north through east, in degrees."""
        if self.convergence is not None:
            return self.convergence
        return km3net_convergence(self.latitude, self.longitude, self.utm_zone)

    def exact(self) -> Site:
        """Return this site with the exact grid convergence (`openkm3.sky.grid_convergence`)."""
        angle = grid_convergence(self.latitude, self.longitude, self.utm_zone)
        return replace(self, convergence=angle)

    @property
    def location(self) -> EarthLocation:
        """The position as astropy's EarthLocation."""
        # Only transformations need astropy; alerts need just the numbers.
        from astropy.coordinates import EarthLocation

        return EarthLocation.from_geodetic(
            lon=self.longitude, lat=self.latitude, height=self.height
        )


# Positions as in KM3NeT's km3astro (reference points of the detectors' UTM grids).
ORCA = Site("ORCA", 42.80083964, 6.02228058, -2440.0, 32)
ARCA = Site("ARCA", 36.29220052, 15.97555240, -3450.0, 33)
ANTARES = Site("ANTARES", 42.79891663, 6.16570050, -2500.0, 32)

_SITES = {place.name: place for place in (ORCA, ARCA, ANTARES)}


def site(name: str | Site) -> Site:
    """Return the site of a detector.

    Parameters
    ----------
    name : str or Site
        ``"ORCA"``, ``"arca"``, or the name of a configuration: ``"ARCA021"``, ``"ORCA6"``.

    Raises
    ------
    UnknownSiteError
        If the site is not known.
    """
    if isinstance(name, Site):
        return name
    found = re.fullmatch(r"([A-Za-z]+?)[-_ ]?\d*", name.strip())
    if found is None or found[1].upper() not in _SITES:
        msg = f"unknown detector {name!r}; use one of {', '.join(_SITES)}, also as ORCA6 or ARCA021"
        raise UnknownSiteError(msg)
    return _SITES[found[1].upper()]
