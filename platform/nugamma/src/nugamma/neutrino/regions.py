"""Regions of the sky to search: circles, and credible regions of HEALPix maps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from mocpy import MOC  # type: ignore[import-untyped]

from nugamma.errors import FollowUpError
from nugamma.neutrino.healpixels import (
    DEEPEST,
    Cells,
    axes_of,
    frame_of,
    normalised,
    orders,
    pixels,
    read_cells,
)

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

#: Maps of several pixel sizes are drawn on equal ones no finer than this (0.11 deg).
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
        size = u.Quantity(self.radius)
        if not size.isscalar or not size.unit.is_equivalent(u.deg):
            raise FollowUpError(f"a circle's radius is one angle with a unit, not {self.radius}")
        if not 0 < size.to_value(u.deg) <= 180:
            raise FollowUpError(f"a circle's radius is 0 to 180 deg, here it is {self.radius}")
        centre = self.centre.icrs
        if not self.centre.isscalar or not np.isfinite(centre.ra.deg + centre.dec.deg):
            raise FollowUpError(f"a circle's centre is one place on the sky, here it is {centre}")

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


class SkyMap:
    """Probability of a position on the sky, in HEALPix pixels.

    Parameters
    ----------
    probability : ndarray, shape (12 nside**2,)
        Of each pixel in ring order, ICRS; sums to 1; masked pixels have none. Maps in other orders
        and frames and with pixels of several sizes are read from files (`read`) or made of cells
        (`of_cells`).

    Attributes
    ----------
    cells : Cells
        The pixels as they were given, none of them split, joined or turned.
    nside : int
        Resolution of `probability`.
    """

    def __init__(self, probability: Floats) -> None:
        """Refuse what is no probability, with words for who made the map."""
        import healpy  # type: ignore[import-untyped]

        p = _plain(probability)
        if p.ndim != 1 or not healpy.isnpixok(p.size):
            raise FollowUpError(f"a HEALPix map has 12 nside^2 pixels, not {p.shape}")
        nside = int(healpy.npix2nside(p.size))
        if not healpy.isnsideok(nside, nest=True):
            raise FollowUpError(
                f"nside {nside} is not a power of two; draw the map on one that is, with "
                "healpy.ud_grade"
            )
        if not np.all(np.isfinite(p)) or np.any(p < 0):
            raise FollowUpError("the sky map has NaN or negative probabilities")
        p = normalised(p, "the sky map")
        some = np.flatnonzero(p > 0)
        uniq = 4 * nside**2 + healpy.ring2nest(nside, some)
        self._hold(Cells(uniq.astype(np.int64), p[some]), nside)
        self.__dict__["probability"] = p

    @classmethod
    def of_cells(cls, cells: Cells, nside: int | None = None) -> SkyMap:
        """Make a map of cells of any size, in any frame.

        ``nside`` is the resolution of `probability`, by default that of the finest cell, at most
        512 (0.11 deg); credible regions are made of the cells themselves.
        """
        made = cls.__new__(cls)
        made._hold(cells, nside or min(2 ** int(cells.order.max()), FINEST_NSIDE))
        return made

    def _hold(self, cells: Cells, nside: int) -> None:
        self.cells, self.nside = cells, nside

    @classmethod
    def read(
        cls,
        path: str | Path,
        *,
        column: str | None = None,
        frame: str | None = None,
        normalise: bool = False,
    ) -> SkyMap:
        """Read a FITS sky map as observatories of gravitational waves and neutrinos send it.

        Whole-sky maps in ring or nested order, lists of pixels (INDXSCHM EXPLICIT) in any order
        and multi-order maps (UNIQ), in equatorial, galactic or ecliptic coordinates, with a
        probability per pixel or per solid angle as the unit of the column says (per sr where a
        column called PROBDENSITY has none). Pixels that are not listed, masked or UNSEEN have no
        probability.

        Parameters
        ----------
        path : str or Path
        column : str, optional
            Holds the probability; by default PROB or PROBDENSITY, or the only one.
        frame : str, optional
            ``"C"``, ``"G"`` or ``"E"`` or astropy's name, instead of what the file says.
        normalise : bool
            Scale to 1 what does not sum to 1, which is refused otherwise.

        Raises
        ------
        FollowUpError
            It is no HEALPix map of probabilities, or leaves open which one; the message says why.
        """
        cells = read_cells(path, column=column, frame=frame, normalise=normalise)
        flat = cells.frame == "icrs" and len(np.unique(cells.order)) == 1
        return cls.of_cells(cells, 2 ** int(cells.order[0]) if flat else None)

    @cached_property
    def probability(self) -> Floats:
        """Of each pixel, shape (12 nside**2,), ring order, ICRS; sums to 1.

        Finer cells are summed, coarser ones spread evenly; a map in another frame is looked up at
        16 places in each pixel.
        """
        return drawn(self.cells, self.nside)

    def credible_region(self, level: float = 0.9) -> CredibleRegion:
        """Smallest region that holds the position with a probability of ``level``."""
        if not 0 < level < 1:
            raise FollowUpError(f"a credible level is between 0 and 1, here it is {level}")
        order, p = self.cells.order, self.cells.probability
        # The densest cells first.
        ranked = np.argsort(-p * 4.0**order, kind="stable")
        total = np.cumsum(p[ranked])
        chosen = ranked[: int(np.searchsorted(total, level * total[-1])) + 1]
        pixel, depth = pixels(self.cells.uniq[chosen]), order[chosen]
        moc = MOC.from_healpix_cells(pixel.astype(np.uint64), depth.astype(np.uint8), DEEPEST)
        return CredibleRegion(moc, self.cells.frame, self.nside)


def _plain(probability: Any) -> Floats:
    """Numbers of an array, 0 where they are masked; a percentage is one too."""
    try:
        if getattr(probability, "unit", None) is not None:
            probability = u.Quantity(probability).to_value(u.one)
        values = np.array(np.ma.getdata(probability), dtype=float)
    except (TypeError, ValueError) as error:
        raise FollowUpError(f"the sky map does not hold probabilities: {error}") from None
    values[np.broadcast_to(np.ma.getmaskarray(np.ma.asarray(probability)), values.shape)] = 0.0
    return values


@dataclass(frozen=True, eq=False)
class CredibleRegion:
    """A part of the sky made of HEALPix cells: a coverage map (MOC).

    Parameters
    ----------
    moc : mocpy.MOC
        The cells.
    frame : str
        Of the cells, as astropy calls it.
    nside : int
        Resolution of `inside`.
    """

    moc: MOC
    frame: str = "icrs"
    nside: int = FINEST_NSIDE

    def __post_init__(self) -> None:
        """Refuse a region of nothing."""
        if self.moc.empty():
            raise FollowUpError("the region holds no pixel at all")

    @classmethod
    def read(cls, path: str | Path, *, frame: str | None = None) -> CredibleRegion:
        """Read a coverage map (MOC) from a FITS file, for example of a 90 % credible region.

        Raises
        ------
        FollowUpError
            It is no coverage map, or its frame is not known.
        """
        try:
            header = fits.getheader(path, 1)
            names = [str(header[key]).upper() for key in header["TTYPE*"]]
            if len(names) != 1:
                raise FollowUpError(
                    f"{path}: a table with the columns {', '.join(names)} is no coverage map; read "
                    "a map of probabilities with SkyMap.read and take its credible_region"
                )
            moc = MOC.load(path, format="fits")
        except FollowUpError:
            raise
        except Exception as error:  # mocpy raises whatever its parsers do
            raise FollowUpError(f"{path}: no coverage map (MOC) in FITS: {error}") from error
        # The standard allows ICRS only (MOC 2.0, section 4.2.2), so none has to be named.
        named = frame or header.get("COORDSYS")
        return cls(moc, frame_of(path, header, named or "C"))

    @property
    def inside(self) -> Booleans:
        """Which pixels (ring order, ICRS, of `nside`) have their centre in it."""
        import healpy

        return self.contains(
            *healpy.pix2ang(self.nside, np.arange(12 * self.nside**2), lonlat=True)
        )

    @property
    def solid_angle(self) -> u.Quantity:
        """Its size."""
        return 4 * np.pi * self.moc.sky_fraction * u.sr

    def contains(self, longitude: Floats, latitude: Floats) -> Booleans:
        """Which ICRS directions (deg, any shape) lie in it."""
        lon, lat = np.broadcast_arrays(np.asarray(longitude, float), np.asarray(latitude, float))
        shape = lon.shape
        lon, lat = np.ravel(lon), np.ravel(lat)
        if not lon.size:
            return np.zeros(shape, dtype=bool)
        if self.frame != "icrs":
            lon, lat = _turned(axes_of(self.frame), lon, lat)
        found = self.moc.contains_lonlat(lon % 360 * u.deg, lat * u.deg)
        return np.asarray(found).reshape(shape)

    def share(self, longitude: Floats, latitude: Floats, turn: float) -> Floats:
        """Share of a turn of the sky that directions spend in it, in steps of half a pixel."""
        import healpy

        finest = 2 ** min(int(self.moc.max_order), int(orders(self.moc.uniq_hpx).max()))
        pixel = float(np.degrees(healpy.nside2resol(finest)))
        steps = int(np.clip(np.ceil(2 * turn / pixel), 1, 1440))
        angles = (np.arange(steps) + 0.5) / steps * turn
        # Most directions are too far north or south at any time.
        reach, margin = self.declinations()[0].to_value(u.deg), 1.0
        near = (latitude > reach.min() - margin) & (latitude < reach.max() + margin)
        shares = np.zeros(len(longitude))
        for angle in angles:
            shares[near] += self.contains((longitude[near] + angle) % 360, latitude[near])
        return shares / steps

    def declinations(self) -> tuple[u.Quantity, Floats]:
        """Declinations in it, and the solid angle (sr) of the region at each."""
        import healpy

        uniq = np.asarray(self.moc.uniq_hpx, dtype=np.int64)
        depth, pixel = orders(uniq), pixels(uniq)
        # Large cells reach over many declinations: cut into pieces of 0.9 deg.
        pieces = 4 ** np.maximum(_COARSEST - depth, 0)
        first = np.repeat(pixel * pieces, pieces)
        count = np.arange(len(first)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        nside = 2 ** np.repeat(np.maximum(depth, _COARSEST), pieces)
        lon, lat = healpy.pix2ang(nside, first + count, nest=True, lonlat=True)
        if self.frame != "icrs":
            lat = _turned(axes_of(self.frame).T, lon, lat)[1]
        rings, where = np.unique(np.round(lat, 6), return_inverse=True)
        areas = 4 * np.pi / (12 * nside.astype(float) ** 2)
        return rings * u.deg, np.asarray(np.bincount(where, areas), dtype=float)


#: Depth of the coarsest cells (0.9 deg) by which the declinations of a region are told.
_COARSEST = 6


def drawn(cells: Cells, nside: int) -> Floats:
    """Probability of cells in pixels of one size (ring order, ICRS)."""
    import healpy

    order, depth, pixel = int(np.log2(nside)), cells.order, pixels(cells.uniq)
    found = np.zeros(12 * nside**2)
    fine = depth >= order
    np.add.at(found, pixel[fine] // 4 ** (depth[fine] - order), cells.probability[fine])
    for level in np.unique(depth[~fine]):
        # A coarse cell is a run of pixels.
        chosen, width = depth == level, 4 ** (order - level)
        runs = pixel[chosen][:, np.newaxis] * width + np.arange(width)
        found[runs] = cells.probability[chosen][:, np.newaxis] / width
    if cells.frame != "icrs":
        found = _in_icrs(found, cells.frame)
    return np.asarray(healpy.reorder(found, n2r=True))


def _in_icrs(values: Floats, frame: str) -> Floats:
    """A map in nested order on the pixels of ICRS: the mean of each at 16 places in it."""
    import healpy

    nside, matrix = healpy.npix2nside(values.size), axes_of(frame)
    found = np.empty_like(values)
    for start in range(0, values.size, TOGETHER):
        stop = min(start + TOGETHER, values.size)
        places = healpy.pix2ang(4 * nside, np.arange(16 * start, 16 * stop), nest=True, lonlat=True)
        where = healpy.ang2pix(nside, *_turned(matrix, *places), nest=True, lonlat=True)
        found[start:stop] = values[where].reshape(-1, 16).mean(axis=1)
    # Pixels of the two frames do not match, so the mean is not exact for single bright ones.
    return np.asarray(found / found.sum())


#: Pixels that are turned into another frame at a time.
TOGETHER = 250_000


def _turned(matrix: Floats, longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Directions (deg) in another frame."""
    import healpy

    return healpy.vec2ang(  # type: ignore[no-any-return]
        (matrix @ healpy.ang2vec(longitude, latitude, lonlat=True).T).T, lonlat=True
    )


def _half_width(latitude: Floats, centre: float, radius: float) -> Floats:
    """Half of the longitudes (deg) that a circle covers at latitudes (deg)."""
    lat = np.radians(latitude)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = (np.cos(radius) - np.sin(lat) * np.sin(centre)) / (np.cos(lat) * np.cos(centre))
    # At a pole all longitudes are as far away.
    distance = np.abs(lat - centre)
    cosine = np.where(np.isfinite(cosine), cosine, np.where(distance < radius, -1.0, 1.0))
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
