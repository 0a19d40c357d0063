"""Regions of the sky to search: circles, and credible regions of HEALPix maps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table

from nugamma.errors import FollowUpError

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

#: Multi-order maps are drawn on pixels no finer than this (0.11 deg).
FINEST_NSIDE = 512


class Region(Protocol):
    """A part of the sky."""

    @property
    def solid_angle(self) -> u.Quantity:
        """Its size."""

    def contains(self, longitude: Floats, latitude: Floats) -> Booleans:
        """Which ICRS directions (deg, any shape) lie in it."""

    def share(self, longitude: Floats, latitude: Floats, turn: float) -> Floats:
        """Share of a turn of the sky by ``turn`` deg that directions spend in it.

        ``longitude`` is the one at the start of the turn, which makes it grow.
        """

    def declinations(self) -> tuple[u.Quantity, Floats]:
        """Declinations in it, and the solid angle (sr) of the region at each."""


@dataclass(frozen=True)
class Circle:
    """Everything within a radius of a centre."""

    centre: SkyCoord
    radius: u.Quantity

    def __post_init__(self) -> None:
        """Refuse radii that make no circle."""
        if not 0 < self.radius.to_value(u.deg) <= 180:
            raise FollowUpError(f"a circle's radius is 0 to 180 deg, here it is {self.radius}")

    @property
    def solid_angle(self) -> u.Quantity:
        """Its size."""
        return 4 * np.pi * np.sin(self.radius / 2) ** 2 * u.sr

    def contains(self, longitude: Floats, latitude: Floats) -> Booleans:
        """Which ICRS directions (deg, any shape) lie in it."""
        lon, lat = np.radians(longitude), np.radians(latitude)
        centre = self.centre.icrs
        # Half-angle formula: exact for small distances too.
        half = (
            np.sin((lat - centre.dec.rad) / 2) ** 2
            + np.cos(lat) * np.cos(centre.dec.rad) * np.sin((lon - centre.ra.rad) / 2) ** 2
        )
        return np.asarray(half < np.sin(self.radius.to_value(u.rad) / 2) ** 2)

    def share(self, longitude: Floats, latitude: Floats, turn: float) -> Floats:
        """Share of a turn of the sky that directions spend in it, exact."""
        centre = self.centre.icrs
        # At a declination the circle is as wide as this, to both sides of its centre.
        above = _half_width(latitude, float(centre.dec.rad), self.radius.to_value(u.rad))
        start = longitude - float(centre.ra.deg) + above

        def passed(angle: Floats) -> Floats:
            whole, rest = np.divmod(angle, 360)
            return np.asarray(2 * above * whole + np.minimum(rest, 2 * above))

        return (passed(start + turn) - passed(start)) / turn

    def declinations(self) -> tuple[u.Quantity, Floats]:
        """Declinations in it, and the solid angle (sr) of the region at each: just the centre."""
        return np.atleast_1d(self.centre.icrs.dec), np.atleast_1d(self.solid_angle.to_value(u.sr))


@dataclass(frozen=True, eq=False)
class SkyMap:
    """Probability of a position on the sky, in HEALPix pixels (ring order, ICRS).

    Parameters
    ----------
    probability : ndarray, shape (12 nside**2,)
        Of each pixel; sums to 1.
    """

    probability: Floats

    def __post_init__(self) -> None:
        """Refuse what is no probability, with words for who made the map."""
        import healpy  # type: ignore[import-untyped]

        p = self.probability
        if p.ndim != 1 or not healpy.isnpixok(p.size):
            raise FollowUpError(f"a HEALPix map has 12 nside^2 pixels, not {p.shape}")
        if not np.all(np.isfinite(p)) or np.any(p < 0):
            raise FollowUpError("the sky map has NaN or negative probabilities")
        if abs(p.sum() - 1) > 0.02:
            raise FollowUpError(
                f"the sky map sums to {p.sum():.4g} instead of 1: it holds no probabilities, or "
                "was cut"
            )

    @classmethod
    def read(cls, path: str | Path) -> SkyMap:
        """Read a FITS sky map as observatories of gravitational waves and neutrinos send it.

        Flat maps (column PROB or the first one) and multi-order maps (UNIQ and PROBDENSITY).

        Raises
        ------
        FollowUpError
            It is no HEALPix map in equatorial coordinates.
        """
        try:
            with fits.open(path) as file:
                header, columns = file[1].header, Table(file[1].data)
        except (OSError, IndexError, TypeError, ValueError) as error:
            raise FollowUpError(f"{path}: no FITS file with a table ({error})") from error
        system = str(header.get("COORDSYS", "C")).strip().upper()
        if header.get("PIXTYPE", "HEALPIX") != "HEALPIX" or system[:1] not in {"C", "I", "E"}:
            raise FollowUpError(f"{path}: no HEALPix map in equatorial coordinates")
        if "UNIQ" in columns.colnames and "PROBDENSITY" in columns.colnames:
            return cls(_flattened(np.asarray(columns["UNIQ"]), columns["PROBDENSITY"]))
        return cls(_flat(columns, str(header.get("ORDERING", "RING")).strip().upper()))

    @property
    def nside(self) -> int:
        """Resolution parameter of the pixels."""
        return int(np.sqrt(self.probability.size / 12))

    def credible_region(self, level: float = 0.9) -> CredibleRegion:
        """Smallest region that holds the position with a probability of ``level``."""
        if not 0 < level < 1:
            raise FollowUpError(f"a credible level is between 0 and 1, here it is {level}")
        order = np.argsort(-self.probability, kind="stable")
        total = np.cumsum(self.probability[order])
        inside = np.zeros(self.probability.size, dtype=bool)
        inside[order[: int(np.searchsorted(total, level * total[-1])) + 1]] = True
        return CredibleRegion(inside)


@dataclass(frozen=True, eq=False)
class CredibleRegion:
    """Pixels of a sky map (ring order, ICRS)."""

    inside: Booleans

    @property
    def solid_angle(self) -> u.Quantity:
        """Its size."""
        return 4 * np.pi * self.inside.mean() * u.sr

    def contains(self, longitude: Floats, latitude: Floats) -> Booleans:
        """Which ICRS directions (deg, any shape) lie in it."""
        import healpy

        nside = healpy.npix2nside(self.inside.size)
        return np.asarray(self.inside[healpy.ang2pix(nside, longitude, latitude, lonlat=True)])

    def share(self, longitude: Floats, latitude: Floats, turn: float) -> Floats:
        """Share of a turn of the sky that directions spend in it, in steps of half a pixel."""
        import healpy

        nside = healpy.npix2nside(self.inside.size)
        pixel = np.degrees(healpy.nside2resol(nside))
        steps = int(np.clip(np.ceil(2 * turn / pixel), 1, 1440))
        angles = (np.arange(steps) + 0.5) / steps * turn
        # Most directions are too far north or south at any time.
        reach = self.declinations()[0].to_value(u.deg)
        near = (latitude > reach.min() - pixel) & (latitude < reach.max() + pixel)
        shares = np.zeros(len(longitude))
        for angle in angles:
            shares[near] += self.contains((longitude[near] + angle) % 360, latitude[near])
        return shares / steps

    def declinations(self) -> tuple[u.Quantity, Floats]:
        """Declinations in it, and the solid angle (sr) of the region at each."""
        import healpy

        nside = healpy.npix2nside(self.inside.size)
        _, latitude = healpy.pix2ang(nside, np.flatnonzero(self.inside), lonlat=True)
        rings, pixels = np.unique(np.round(latitude, 6), return_counts=True)
        return rings * u.deg, pixels * healpy.nside2pixarea(nside)


def _half_width(latitude: Floats, centre: float, radius: float) -> Floats:
    """Half of the longitudes (deg) that a circle covers at latitudes (deg)."""
    lat = np.radians(latitude)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = (np.cos(radius) - np.sin(lat) * np.sin(centre)) / (np.cos(lat) * np.cos(centre))
    # At a pole all longitudes are as far away.
    distance = np.abs(lat - centre)
    cosine = np.where(np.isfinite(cosine), cosine, np.where(distance < radius, -1.0, 1.0))
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _flat(columns: Table, ordering: str) -> Floats:
    import healpy

    name = "PROB" if "PROB" in columns.colnames else columns.colnames[0]
    values = np.asarray(columns[name], dtype=float).ravel()
    if not healpy.isnpixok(values.size):
        raise FollowUpError(
            f"a HEALPix map has 12 nside^2 pixels, column {name} has {values.size}: the file is "
            "cut short, or holds a part of the sky only"
        )
    values = np.where(values == healpy.UNSEEN, 0.0, values)
    return np.asarray(healpy.reorder(values, n2r=True) if ordering == "NESTED" else values)


def _flattened(uniq: npt.NDArray[Any], density: npt.ArrayLike) -> Floats:
    """Multi-order pixels drawn on equal ones: 4 nside^2 + pixel in nested order is UNIQ."""
    import healpy

    order = (np.log2(uniq // 4) // 2).astype(int)
    pixel = uniq - 4 * 4**order
    finest = int(np.log2(FINEST_NSIDE))
    top = min(int(order.max()), finest)
    values = np.asarray(density, dtype=float)
    found = np.zeros(12 * 4**top)
    for level in np.unique(order):
        chosen = order == level
        if level <= top:
            # One coarse pixel is a run of fine ones.
            width = 4 ** (top - level)
            runs = pixel[chosen][:, np.newaxis] * width + np.arange(width)
            found[runs] = values[chosen][:, np.newaxis]
        else:
            np.add.at(
                found, pixel[chosen] // 4 ** (level - top), values[chosen] / 4.0 ** (level - top)
            )
    area = healpy.nside2pixarea(2**top)
    return np.asarray(healpy.reorder(found * area, n2r=True))
