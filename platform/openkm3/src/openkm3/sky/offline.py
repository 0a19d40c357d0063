"""astropy without downloads."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from astropy.time import Time
from astropy.utils import iers
from astropy.utils.exceptions import AstropyWarning


@contextmanager
def offline() -> Iterator[None]:
    """Use the Earth orientation tables that are installed, however old.

    Past their end the rotation of the Earth is extrapolated, which costs some seconds of arc:
    nothing for a neutrino telescope, so astropy's warning about it is not shown.
    """
    with (
        iers.conf.set_temp("auto_download", False),
        iers.conf.set_temp("auto_max_age", None),
        iers.conf.set_temp("iers_degraded_accuracy", "warn"),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", message=".*polar motions", category=AstropyWarning)
        warnings.filterwarnings("ignore", message=".*IERS", category=AstropyWarning)
        warnings.filterwarnings("ignore", message=".*dubious year", category=UserWarning)
        yield


def utc(time: Time | str | object) -> Time:
    """Return ``time`` (a `~astropy.time.Time`, an ISO text, a datetime, or arrays of them)."""
    if isinstance(time, Time):
        return time
    return Time(time, scale="utc")
