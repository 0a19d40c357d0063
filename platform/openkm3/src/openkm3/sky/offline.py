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
    """Use the installed Earth orientation tables, however old they are.

    After the end of the tables the rotation of the Earth is extrapolated. The error is some
    arcseconds, negligible for a neutrino telescope, so astropy's warning is not shown.
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
    """Return times given as `~astropy.time.Time`, ISO text, datetime, or arrays of them."""
    if isinstance(time, Time):
        return time
    return Time(time, scale="utc")
