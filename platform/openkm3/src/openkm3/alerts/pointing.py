"""Checks the cosine of the zenith of an alert against its position on the sky.

Two sign conventions are in use: +1 is up-going in GCN's notices and down-going in response files.
The position, the time and the location of the detector show which one was used.
"""

from __future__ import annotations

import math

from openkm3.alerts.errors import AlertError
from openkm3.alerts.model import NeutrinoEvent
from openkm3.alerts.times import parsed_time


def expected_cos_zenith(event: NeutrinoEvent, instrument: str) -> float:
    """Return the cos_zenith that follows from position, time and detector: +1 is up-going.

    Parameters
    ----------
    event : NeutrinoEvent
        An event, or an `Alert`, with ``ra``, ``dec`` and ``trigger_time``.
    instrument : str
        The detector, such as ``"ARCA021"``.

    Raises
    ------
    AlertError
        If one of these values is missing.
    """
    # Only this check needs astropy.
    from astropy.coordinates import SkyCoord

    from openkm3.sky.local import LocalDirection

    for name in ("ra", "dec", "trigger_time"):
        if getattr(event, name) is None:
            raise AlertError.single("is required to compute the direction of the source", name)
    place = SkyCoord(event.ra, event.dec, unit="deg")
    moment = parsed_time(event.trigger_time or "").replace(tzinfo=None)
    return -math.cos(LocalDirection.from_sky(place, moment, instrument).zenith.rad)
