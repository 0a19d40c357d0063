"""Directions in a detector's frame."""

from __future__ import annotations

from dataclasses import dataclass

import astropy.units as u
import numpy as np
from astropy.coordinates import AltAz, Angle, SkyCoord
from numpy.typing import ArrayLike

from openkm3.sky.interpolation import interpolated
from openkm3.sky.offline import offline, utc
from openkm3.sky.sites import Site, site

_RIGHT_ANGLE = 90 * u.deg


def _angle(value: u.Quantity | ArrayLike, name: str) -> Angle:
    if not hasattr(value, "unit"):
        msg = f"{name} needs a unit, for example {name}=1.2 * u.rad (astropy.units)"
        raise TypeError(msg)
    return Angle(value)


@dataclass(frozen=True)
class LocalDirection:
    """The direction of a source in a detector's frame.

    Angles are scalars or arrays of the same shape.

    Parameters
    ----------
    zenith : astropy.coordinates.Angle or Quantity
        Angle of the **source** from the upward z axis, 0 to 180 deg: 0 is straight above (the
        particle flies down), more than 90 deg is below the horizon (it flies up).
    azimuth : astropy.coordinates.Angle or Quantity
        Angle of the **source** in the x-y plane from x (grid east) towards y (grid north).
    """

    zenith: Angle
    azimuth: Angle

    def __post_init__(self) -> None:
        zenith = _angle(self.zenith, "zenith")
        azimuth = _angle(self.azimuth, "azimuth")
        # The tolerance allows for arccos of a rounded cosine.
        if np.any((zenith < -1e-9 * u.deg) | (zenith > (180 + 1e-9) * u.deg)):
            msg = "zenith must be between 0 and 180 deg; for an angle of flight use theta"
            raise ValueError(msg)
        object.__setattr__(self, "zenith", zenith)
        object.__setattr__(self, "azimuth", azimuth.wrap_at(360 * u.deg))

    @classmethod
    def from_flight(cls, theta: u.Quantity, phi: u.Quantity) -> LocalDirection:
        """Return the direction of the source of a particle that **flies** along ``theta, phi``.

        ``theta`` is measured from z: 0 is straight up-going, 180 deg straight down-going.
        """
        theta, phi = _angle(theta, "theta"), _angle(phi, "phi")
        return cls(180 * u.deg - theta, phi + 180 * u.deg)

    @classmethod
    def from_flight_vector(
        cls, dir_x: ArrayLike, dir_y: ArrayLike, dir_z: ArrayLike
    ) -> LocalDirection:
        """Return the direction of the source of a particle with this direction of **flight**.

        The components are those of KM3NeT's tracks (``dir_x, dir_y, dir_z``); their length does
        not matter.

        Raises
        ------
        ValueError
            If a vector has length zero.
        """
        x, y, z = (np.asarray(part, dtype=float) for part in (dir_x, dir_y, dir_z))
        across = np.hypot(x, y)
        if np.any((across == 0) & (z == 0)):
            msg = "a direction of flight is (0, 0, 0): remove tracks without a direction"
            raise ValueError(msg)
        theta = np.arctan2(across, z) * u.rad
        return cls.from_flight(theta, np.arctan2(y, x) * u.rad)

    @property
    def theta(self) -> Angle:
        """Angle of the direction of **flight** from z: 0 is straight up-going."""
        return Angle(180 * u.deg - self.zenith)

    @property
    def phi(self) -> Angle:
        """Angle of the direction of **flight** from x towards y, 0 to 360 deg."""
        return Angle(self.azimuth + 180 * u.deg).wrap_at(360 * u.deg)

    @property
    def flight_vector(self) -> np.ndarray:
        """Unit vectors of **flight**, the components on the last axis."""
        sine = np.sin(self.theta)
        parts = (sine * np.cos(self.phi), sine * np.sin(self.phi), np.cos(self.theta))
        return np.stack([np.asarray(part.to_value("")) for part in parts], axis=-1)

    def to_horizontal(self, time: object, detector: str | Site) -> SkyCoord:
        """Return altitude and azimuth (from true north through east) of the source.

        Parameters as in `to_sky`.
        """
        place = site(detector)
        frame = AltAz(obstime=utc(time), location=place.location)
        azimuth = _RIGHT_ANGLE - self.azimuth + place.grid_north * u.deg
        return SkyCoord(alt=_RIGHT_ANGLE - self.zenith, az=azimuth, frame=frame)

    def to_sky(self, time: object, detector: str | Site) -> SkyCoord:
        """Return the source's position on the sky, ICRS.

        Parameters
        ----------
        time : astropy.time.Time, str or datetime
            Times; text and datetimes are UTC. A scalar, or an array of the directions' shape.
        detector : str or Site
            The detector: ``"ORCA"``, ``"ARCA021"``, ``openkm3.sky.ANTARES``, ...

        Returns
        -------
        astropy.coordinates.SkyCoord
            Right ascension and declination; ``.galactic`` gives galactic coordinates.
        """
        with offline():
            when = utc(time)
            with interpolated(when):
                return self.to_horizontal(when, detector).icrs

    @classmethod
    def from_horizontal(cls, horizontal: SkyCoord, detector: str | Site) -> LocalDirection:
        """Return the local direction of a source at an altitude and azimuth."""
        grid_north = site(detector).grid_north * u.deg
        return cls(_RIGHT_ANGLE - horizontal.alt, _RIGHT_ANGLE - horizontal.az + grid_north)

    @classmethod
    def from_sky(cls, source: SkyCoord, time: object, detector: str | Site) -> LocalDirection:
        """Return the local direction of a source on the sky.

        The inverse of `to_sky`; ``source`` may be in any frame.
        """
        with offline():
            when = utc(time)
            frame = AltAz(obstime=when, location=site(detector).location)
            with interpolated(when):
                return cls.from_horizontal(source.transform_to(frame), detector)
