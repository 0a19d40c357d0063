"""Moon, Sun and planets in a detector's frame."""

from __future__ import annotations

from astropy.coordinates import AltAz, Angle, get_body

from openkm3.sky.local import LocalDirection
from openkm3.sky.offline import offline, utc
from openkm3.sky.sites import Site, site


def body(name: str, time: object, detector: str | Site) -> LocalDirection:
    """Return the direction of a body of the solar system in the frame of a detector.

    Parameters
    ----------
    name : str
        ``"moon"``, ``"sun"``, ``"jupiter"``, ...
    time, detector
        As in `LocalDirection.to_sky`.
    """
    place = site(detector)
    with offline():
        when = utc(time)
        seen = get_body(name.lower(), when, place.location, ephemeris="builtin")
        horizontal = seen.transform_to(AltAz(obstime=when, location=place.location))
        return LocalDirection.from_horizontal(horizontal, place)


def separation(direction: LocalDirection, name: str, time: object, detector: str | Site) -> Angle:
    """Return the angle between a local direction and a body (for shadows of Moon and Sun)."""
    place = site(detector)
    with offline():
        when = utc(time)
        ours = direction.to_horizontal(when, place)
        return ours.separation(body(name, when, place).to_horizontal(when, place))
