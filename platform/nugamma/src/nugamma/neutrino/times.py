"""Times as people and programs write them."""

from __future__ import annotations

import re
from datetime import datetime

import numpy as np
from astropy import units as u
from astropy.time import Time

from nugamma.errors import FollowUpError

_ZONE = re.compile(r"(?<=\d)\s*(?:(Z)|([+-])(\d\d):?(\d\d))$", re.IGNORECASE)


def moment(given: Time | str | datetime, error: type[ValueError] = FollowUpError) -> Time:
    """Returns one time, in UTC unless it has a time zone or scale.

    Parameters
    ----------
    given : Time, datetime or str
        Text that astropy reads (``2024-09-01T01:16:47``, ``J2000.0``), or ISO 8601 with a time zone
        (``...Z``, ``...+02:00``).
    error : type
        Type of the exception.

    Raises
    ------
    FollowUpError
        Or ``error``: if it is not a single time.
    """
    try:
        found = _parsed(given)
    except (ValueError, TypeError, OverflowError):
        raise error(
            f"{given!r} is not a time; write it like 2024-09-01T01:16:47 (UTC), or with a zone "
            "like 2024-09-01T03:16:47+02:00"
        ) from None
    if not found.isscalar or np.any(found.mask) or not np.isfinite(found.jd1 + found.jd2):
        raise error(f"give one time, not {given!r}")
    return found


def moments(texts: list[str]) -> Time:
    """Returns times from texts; raises ValueError naming the first that is not a time."""
    if not any(_ZONE.search(text) for text in texts):
        try:
            return Time([text.replace(" ", "T", 1) for text in texts], format="isot", scale="utc")
        except ValueError:
            pass  # Several formats, or an invalid time: parse one by one.
    parsed = [moment(text, ValueError).utc for text in texts]
    return Time([t.jd1 for t in parsed], [t.jd2 for t in parsed], format="jd", scale="utc")


def _parsed(given: Time | str | datetime) -> Time:
    if isinstance(given, Time):
        return given
    if not isinstance(given, str):
        return Time(given)
    text = given.strip()
    zone = _ZONE.search(text) if ":" in text or "Z" in text.upper() else None
    # The end of a date alone, as in 2024-09-01, looks like a time zone.
    if zone is None or not re.match(r"\d{4}-\d\d-\d\d[T\s]\d", text):
        return Time(text)
    moved = 0 * u.min
    if zone.group(2):
        minutes = 60 * int(zone.group(3)) + int(zone.group(4))
        moved = (-minutes if zone.group(2) == "-" else minutes) * u.min
    return Time(text[: zone.start()], scale="utc") - moved
