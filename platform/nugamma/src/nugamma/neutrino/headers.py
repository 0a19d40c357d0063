"""Times and positions in FITS headers: reference, scale and unit of time, celestial frame.

Sources: FITS standard 4.0, sections 8.3 (RADESYS, EQUINOX), 9.2 (TIMESYS, MJDREF, JDREF, DATEREF),
9.3 (TIMEUNIT) and 9.4.1 (TIMEOFFS); OGIP/93-003 (TIMEZERO).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import FK4, FK5, BaseCoordinateFrame, SkyCoord
from astropy.time import Time, TimeDelta

from nugamma.errors import FollowUpError

#: Names of time scales (table 30 of the standard) and what astropy calls them.
SCALES = {
    **{name: name for name in ("tt", "tai", "utc", "ut1", "tcg", "tcb", "tdb")},
    **dict.fromkeys(("tdt", "et"), "tt"),
    "iat": "tai",
    **dict.fromkeys(("ut", "gmt"), "utc"),
}
#: TAI minus GPS time, s; constant (IS-GPS-200).
_TAI_MINUS_GPS = 19.0
_FRAMES = {"l": "galactic", "glon": "galactic", "elon": "barycentricmeanecliptic"}


def scale_of(header: Mapping[str, Any]) -> str:
    """Returns the time scale in lower case, including ``gps``; UTC if the header has none.

    Raises
    ------
    FollowUpError
        If its relation to UTC is unknown, as for LOCAL.
    """
    given = str(header.get("TIMESYS") or "utc").strip()
    # The realisation in parentheses, as in TT(TAI), matters by microseconds only.
    name = re.sub(r"\(.*\)$", "", given).strip().lower()
    if name != "gps" and name not in SCALES:
        raise FollowUpError(
            f"unknown time scale {given} in the header (TIMESYS); known are "
            f"{', '.join(sorted(SCALES))} and gps"
        )
    return SCALES.get(name, name)


def in_scale(whole: Any, part: Any, form: str, scale: str) -> Time:
    """Returns times from numbers in two parts, in a scale from `scale_of`."""
    if scale != "gps":
        return Time(whole, part, format=form, scale=scale)
    offset = TimeDelta(_TAI_MINUS_GPS, format="sec", scale="tai")
    return Time(whole, part, format=form, scale="tai") + offset


def has_reference(header: Mapping[str, Any]) -> bool:
    """Returns whether a header has a reference time."""
    names = ("MJDREF", "MJDREFI", "MJDREFF", "JDREF", "JDREFI", "JDREFF", "DATEREF")
    return any(name in header for name in names)


def unit_of_time(header: Mapping[str, Any]) -> u.UnitBase:
    """Returns the unit of times whose column has none: TIMEUNIT, else seconds."""
    given = str(header.get("TIMEUNIT") or "s").strip()
    try:
        unit = u.Unit(given)
    except ValueError:
        unit = None
    if unit is None or not unit.is_equivalent(u.s):
        raise FollowUpError(f"TIMEUNIT in the header is {given}, which is not a unit of time")
    return unit


def reference_time(header: Mapping[str, Any]) -> Time:
    """Returns the reference time of the header, including TIMEOFFS and TIMEZERO.

    Raises
    ------
    FollowUpError
        If a keyword has an invalid value.
    """
    scale = scale_of(header)
    try:
        for kind in ("MJD", "JD"):
            whole = header.get(f"{kind}REFI", header.get(f"{kind}REF"))
            part = header.get(f"{kind}REFF", 0)
            if whole is not None or f"{kind}REFF" in header:
                start = in_scale(float(whole or 0), float(part), kind.lower(), scale)
                break
        else:
            text = Time(str(header["DATEREF"]))
            start = in_scale(text.jd1, text.jd2, "jd", scale)
        offset = float(header.get("TIMEOFFS", 0)) + float(header.get("TIMEZERO", 0))
    except (ValueError, TypeError) as error:
        raise FollowUpError(f"the reference time in the header cannot be read: {error}") from None
    if not np.isfinite(offset):
        raise FollowUpError("TIMEOFFS or TIMEZERO in the header is not a number")
    return start + offset * unit_of_time(header)


def frame_of_places(header: Mapping[str, Any], names: tuple[str, str]) -> BaseCoordinateFrame:
    """Returns the frame of two columns: by their names, else by RADESYS and EQUINOX, else ICRS.

    Raises
    ------
    FollowUpError
        If the header names an unknown frame.
    """
    named = _FRAMES.get(names[0].lower())
    if named is not None:
        return SkyCoord(0, 0, unit="deg", frame=named).frame.replicate_without_data()
    frame = str(header.get("RADESYS") or header.get("RADECSYS") or "").strip().upper()
    try:
        equinox = float(str(header["EQUINOX"]).strip(" JB")) if "EQUINOX" in header else None
    except ValueError:
        raise FollowUpError(f"EQUINOX in the header is {header['EQUINOX']}, not a year") from None
    if not frame:
        frame = "ICRS" if equinox is None else "FK4" if equinox < 1984 else "FK5"
    if frame == "ICRS":
        return SkyCoord(0, 0, unit="deg").frame.replicate_without_data()
    if frame == "FK4":
        return FK4(equinox=Time(equinox or 1950.0, format="byear"))
    if frame == "FK5":
        return FK5(equinox=Time(equinox or 2000.0, format="jyear"))
    raise FollowUpError(
        f"unknown celestial frame {frame} in the header (RADESYS); use ICRS, FK5 or FK4"
    )
