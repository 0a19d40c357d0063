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
from nugamma.neutrino.equalpixels import on_equal_pixels, turned
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

#: Finest resolution (0.11 deg) at which maps with several pixel sizes are given on equal pixels.
FINEST_NSIDE = 512


class Region(Protocol):
    """A region of the sky."""

    @property
    def solid_angle(self) -> u.Quantity:
        """Solid angle of the region."""

    def contains(self, longitude: Floats, latitude: Floats) -> Booleans:
        """Returns which ICRS directions (deg, any shape) are inside."""

    def share(self, longitude: Floats, latitude: Floats, turn: float) -> Floats:
        """Returns the fraction of a rotation of the sky that directions spend inside.

        The rotation by ``turn`` deg starts at ``longitude`` and increases it.
        """

    def declinations(self) -> tuple[u.Quantity, Floats]:
        """Returns declinations inside, and the solid angle (sr) of the region at each."""


@dataclass(frozen=True)
class Circle:
    """All directions within a radius of a centre."""

    centre: SkyCoord
    radius: u.Quantity

    def __post_init__(self) -> None:
        """Refuses an invalid radius or centre."""
        size = u.Quantity(self.radius)
        if not size.isscalar or not size.unit.is_equivalent(u.deg):
            raise FollowUpError(
                f"the radius of a circle must be one angle with a unit, not {self.radius}"
            )
        if not 0 < size.to_value(u.deg) <= 180:
            raise FollowUpError(
                f"the radius of a circle must be above 0 and up to 180 deg, not {self.radius}"
            )
        centre = self.centre.icrs
        if not self.centre.isscalar or not np.isfinite(centre.ra.deg + centre.dec.deg):
            raise FollowUpError(
                f"the centre of a circle must be one position on the sky, not {centre}"
            )

    @property
    def solid_angle(self) -> u.Quantity:
        """Solid angle of the region."""
        return 4 * np.pi * np.sin(self.radius / 2) ** 2 * u.sr

    def contains(self, longitude: Floats, latitude: Floats) -> Booleans:
        """Returns which ICRS directions (deg, any shape) are inside."""
        lon, lat = np.radians(longitude), np.radians(latitude)
        centre = self.centre.icrs
        # The half-angle formula is also exact for small distances.
        half = (
            np.sin((lat - centre.dec.rad) / 2) ** 2
            + np.cos(lat) * np.cos(centre.dec.rad) * np.sin((lon - centre.ra.rad) / 2) ** 2
        )
        return np.asarray(half < np.sin(self.radius.to_value(u.rad) / 2) ** 2)

    def share(self, longitude: Floats, latitude: Floats, turn: float) -> Floats:
        """Returns the exact fraction of a rotation of the sky that directions spend inside."""
        centre = self.centre.icrs
        # Half of the circle's width at each declination.
        above = _half_width(latitude, float(centre.dec.rad), self.radius.to_value(u.rad))
        start = longitude - float(centre.ra.deg) + above

        def passed(angle: Floats) -> Floats:
            whole, rest = np.divmod(angle, 360)
            return np.asarray(2 * above * whole + np.minimum(rest, 2 * above))

        return (passed(start + turn) - passed(start)) / turn

    def declinations(self) -> tuple[u.Quantity, Floats]:
        """Returns the declination of the centre, and the solid angle (sr) of the circle."""
        return np.atleast_1d(self.centre.icrs.dec), np.atleast_1d(self.solid_angle.to_value(u.sr))


class SkyMap:
    """Probability of a position on the sky, in HEALPix pixels.

    Parameters
    ----------
    probability : ndarray, shape (12 nside**2,)
        Probability of each pixel in ring order, ICRS; sums to 1; masked pixels count as 0. Maps in
        other orders and frames, or with pixels of several sizes, are read from files (`read`) or
        made from cells (`of_cells`).

    Attributes
    ----------
    cells : Cells
        The original pixels.
    nside : int
        Resolution of `probability`.
    """

    def __init__(self, probability: Floats) -> None:
        """Refuses invalid maps."""
        import healpy  # type: ignore[import-untyped]

        p = _plain(probability)
        if p.ndim != 1 or not healpy.isnpixok(p.size):
            raise FollowUpError(
                f"a HEALPix map must have 12 nside^2 pixels, not the shape {p.shape}"
            )
        nside = int(healpy.npix2nside(p.size))
        if not healpy.isnsideok(nside, nest=True):
            raise FollowUpError(
                f"nside {nside} is not a power of two; convert the map with healpy.ud_grade"
            )
        if not np.all(np.isfinite(p)) or np.any(p < 0):
            raise FollowUpError("the sky map has negative or non-finite probabilities")
        p = normalised(p, "the sky map")
        some = np.flatnonzero(p > 0)
        uniq = 4 * nside**2 + healpy.ring2nest(nside, some)
        self._hold(Cells(uniq.astype(np.int64), p[some]), nside)
        self.__dict__["probability"] = p

    @classmethod
    def of_cells(cls, cells: Cells, nside: int | None = None) -> SkyMap:
        """Returns a map made from cells of any size, in any frame.

        ``nside`` is the resolution of `probability`, by default that of the finest cell, but at
        most 512 (0.11 deg); credible regions use the cells themselves.
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
        """Reads a FITS sky map from a gravitational-wave or neutrino observatory.

        The map may cover the whole sky in ring or nested order, or be a list of pixels (INDXSCHM
        EXPLICIT) or a multi-order map (UNIQ), in equatorial, galactic or ecliptic coordinates. The
        probability is per pixel or per solid angle, depending on the unit of the column (per sr for
        a column PROBDENSITY without unit). Pixels that are missing, masked or UNSEEN count as 0.

        Parameters
        ----------
        path : str or Path
        column : str, optional
            Column with the probability; by default PROB or PROBDENSITY, or the only one.
        frame : str, optional
            ``"C"``, ``"G"`` or ``"E"``, or astropy's name, instead of the frame in the file.
        normalise : bool
            Whether to scale to 1 a map that does not sum to 1; otherwise it is refused.

        Raises
        ------
        FollowUpError
            If the file is not an unambiguous HEALPix map of probabilities.
        """
        cells = read_cells(path, column=column, frame=frame, normalise=normalise)
        flat = cells.frame == "icrs" and len(np.unique(cells.order)) == 1
        return cls.of_cells(cells, 2 ** int(cells.order[0]) if flat else None)

    @cached_property
    def probability(self) -> Floats:
        """Probability of each pixel, shape (12 nside**2,), ring order, ICRS; sums to 1.

        Finer cells are summed, coarser ones spread evenly; a map in another frame is sampled at 16
        points in each pixel.
        """
        return on_equal_pixels(self.cells, self.nside)

    def credible_region(self, level: float = 0.9) -> CredibleRegion:
        """Returns the smallest region that contains the position with probability ``level``."""
        if not 0 < level < 1:
            raise FollowUpError(f"the credible level must be between 0 and 1, not {level}")
        order, p = self.cells.order, self.cells.probability
        # The densest cells first.
        ranked = np.argsort(-p * 4.0**order, kind="stable")
        total = np.cumsum(p[ranked])
        chosen = ranked[: int(np.searchsorted(total, level * total[-1])) + 1]
        pixel, depth = pixels(self.cells.uniq[chosen]), order[chosen]
        moc = MOC.from_healpix_cells(pixel.astype(np.uint64), depth.astype(np.uint8), DEEPEST)
        return CredibleRegion(moc, self.cells.frame, self.nside)


def _plain(probability: Any) -> Floats:
    """Returns the numbers of an array or quantity such as a percentage, 0 where masked."""
    try:
        if getattr(probability, "unit", None) is not None:
            probability = u.Quantity(probability).to_value(u.one)
        values = np.array(np.ma.getdata(probability), dtype=float)
    except (TypeError, ValueError) as error:
        raise FollowUpError(f"the sky map does not contain probabilities: {error}") from None
    values[np.broadcast_to(np.ma.getmaskarray(np.ma.asarray(probability)), values.shape)] = 0.0
    return values


@dataclass(frozen=True, eq=False)
class CredibleRegion:
    """A region of HEALPix cells: a coverage map (MOC).

    Parameters
    ----------
    moc : mocpy.MOC
        The cells.
    frame : str
        Frame of the cells, under its name in astropy.
    nside : int
        Resolution of `inside`.
    """

    moc: MOC
    frame: str = "icrs"
    nside: int = FINEST_NSIDE

    def __post_init__(self) -> None:
        """Refuses an empty region."""
        if self.moc.empty():
            raise FollowUpError("the region is empty: it contains no pixel")

    @classmethod
    def read(cls, path: str | Path, *, frame: str | None = None) -> CredibleRegion:
        """Reads a coverage map (MOC) from a FITS file, for example a 90 % credible region.

        Raises
        ------
        FollowUpError
            If the file is not a coverage map, or its frame is unknown.
        """
        try:
            header = fits.getheader(path, 1)
            names = [str(header[key]).upper() for key in header["TTYPE*"]]
            if len(names) != 1:
                raise FollowUpError(
                    f"{path}: a table with the columns {', '.join(names)} is not a coverage map; "
                    "read a map of probabilities with SkyMap.read and use its credible_region"
                )
            moc = MOC.load(path, format="fits")
        except FollowUpError:
            raise
        except Exception as error:  # mocpy raises whatever its parsers do
            raise FollowUpError(
                f"{path}: cannot be read as a coverage map (MOC): {error}"
            ) from error
        # The standard allows ICRS only (MOC 2.0, section 4.2.2), so the frame may be missing.
        named = frame or header.get("COORDSYS")
        return cls(moc, frame_of(path, header, named or "C"))

    @property
    def inside(self) -> Booleans:
        """Which pixels (ring order, ICRS, at `nside`) have their centre inside."""
        import healpy

        return self.contains(
            *healpy.pix2ang(self.nside, np.arange(12 * self.nside**2), lonlat=True)
        )

    @property
    def solid_angle(self) -> u.Quantity:
        """Solid angle of the region."""
        return 4 * np.pi * self.moc.sky_fraction * u.sr

    def contains(self, longitude: Floats, latitude: Floats) -> Booleans:
        """Returns which ICRS directions (deg, any shape) are inside."""
        lon, lat = np.broadcast_arrays(np.asarray(longitude, float), np.asarray(latitude, float))
        shape = lon.shape
        lon, lat = np.ravel(lon), np.ravel(lat)
        if not lon.size:
            return np.zeros(shape, dtype=bool)
        if self.frame != "icrs":
            lon, lat = turned(axes_of(self.frame), lon, lat)
        found = self.moc.contains_lonlat(lon % 360 * u.deg, lat * u.deg)
        return np.asarray(found).reshape(shape)

    def share(self, longitude: Floats, latitude: Floats, turn: float) -> Floats:
        """Returns the fraction of a rotation spent inside, in steps of half a pixel."""
        import healpy

        finest = 2 ** min(int(self.moc.max_order), int(orders(self.moc.uniq_hpx).max()))
        pixel = float(np.degrees(healpy.nside2resol(finest)))
        steps = int(np.clip(np.ceil(2 * turn / pixel), 1, 1440))
        angles = (np.arange(steps) + 0.5) / steps * turn
        # Most directions are always too far north or south.
        reach, margin = self.declinations()[0].to_value(u.deg), 1.0
        near = (latitude > reach.min() - margin) & (latitude < reach.max() + margin)
        shares = np.zeros(len(longitude))
        for angle in angles:
            shares[near] += self.contains((longitude[near] + angle) % 360, latitude[near])
        return shares / steps

    def declinations(self) -> tuple[u.Quantity, Floats]:
        """Returns declinations inside, and the solid angle (sr) of the region at each."""
        import healpy

        uniq = np.asarray(self.moc.uniq_hpx, dtype=np.int64)
        depth, pixel = orders(uniq), pixels(uniq)
        # Large cells cover many declinations: they are cut into pieces of 0.9 deg.
        pieces = 4 ** np.maximum(_COARSEST - depth, 0)
        first = np.repeat(pixel * pieces, pieces)
        count = np.arange(len(first)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        nside = 2 ** np.repeat(np.maximum(depth, _COARSEST), pieces)
        lon, lat = healpy.pix2ang(nside, first + count, nest=True, lonlat=True)
        if self.frame != "icrs":
            lat = turned(axes_of(self.frame).T, lon, lat)[1]
        rings, where = np.unique(np.round(lat, 6), return_inverse=True)
        areas = 4 * np.pi / (12 * nside.astype(float) ** 2)
        return rings * u.deg, np.asarray(np.bincount(where, areas), dtype=float)


#: Order of the coarsest cells (0.9 deg) that represent the declinations of a region.
_COARSEST = 6


def _half_width(latitude: Floats, centre: float, radius: float) -> Floats:
    """Returns half of the range of longitudes (deg) that a circle covers at latitudes (deg)."""
    lat = np.radians(latitude)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = (np.cos(radius) - np.sin(lat) * np.sin(centre)) / (np.cos(lat) * np.cos(centre))
    # At a pole, all longitudes have the same distance.
    distance = np.abs(lat - centre)
    cosine = np.where(np.isfinite(cosine), cosine, np.where(distance < radius, -1.0, 1.0))
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
