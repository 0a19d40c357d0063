"""Whether an alert's cosine of the zenith agrees with its position on the sky.

Two sign conventions are in use: GCN's notice counts +1 for up-going, response files count +1 for
down-going. The position, the time and the place of the detector tell which one was meant.
"""

from __future__ import annotations

import math

from openkm3.alerts.errors import AlertError
from openkm3.alerts.model import NeutrinoEvent
from openkm3.alerts.times import parsed_time


def expected_cos_zenith(event: NeutrinoEvent, instrument: str) -> float:
    """Return the cos_zenith that position, time and detector give: +1 is up-going.

    Parameters
    ----------
    event : NeutrinoEvent
        With ``ra``, ``dec`` and ``trigger_time``. An `Alert` serves too.
    instrument : str
        The detector, such as ``"ARCA021"``.

    Raises
    ------
    AlertError
        One of the three values is missing.
    """
    # Only this check needs astropy.
    from astropy.coordinates import SkyCoord

    from openkm3.sky.local import LocalDirection

    for name in ("ra", "dec", "trigger_time"):
        if getattr(event, name) is None:
            raise AlertError.single("is needed to know where the source stood", name)
    place = SkyCoord(event.ra, event.dec, unit="deg")
    moment = parsed_time(event.trigger_time or "").replace(tzinfo=None)
    return -math.cos(LocalDirection.from_sky(place, moment, instrument).zenith.rad)
