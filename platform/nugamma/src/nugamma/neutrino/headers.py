"""What FITS headers say of times and places: reference, scale and unit of time, celestial frame.

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
#: TAI less GPS time (s), the same at all times.
_GPS = 19.0
_FRAMES = {"l": "galactic", "glon": "galactic", "elon": "barycentricmeanecliptic"}


def scale_of(header: Mapping[str, Any]) -> str:
    """Time scale in lower case, UTC where the header does not say; ``gps`` is one of them.

    Raises
    ------
    FollowUpError
        Nobody knows how it relates to UTC, as of LOCAL.
    """
    noted = str(header.get("TIMESYS") or "utc").strip()
    # The realisation in parentheses, as in TT(TAI), changes some microseconds.
    name = re.sub(r"\(.*\)$", "", noted).strip().lower()
    if name != "gps" and name not in SCALES:
        raise FollowUpError(
            f"the header's TIMESYS is {noted}, a time scale that is not known; "
            f"{', '.join(sorted(SCALES))} and gps are"
        )
    return SCALES.get(name, name)


def in_scale(whole: Any, part: Any, form: str, scale: str) -> Time:
    """Times given as numbers in two parts, in a scale of `scale_of`."""
    if scale != "gps":
        return Time(whole, part, format=form, scale=scale)
    return Time(whole, part, format=form, scale="tai") + TimeDelta(_GPS, format="sec", scale="tai")


def has_reference(header: Mapping[str, Any]) -> bool:
    """Whether a header says since when times are counted."""
    names = ("MJDREF", "MJDREFI", "MJDREFF", "JDREF", "JDREFI", "JDREFF", "DATEREF")
    return any(name in header for name in names)


def unit_of_time(header: Mapping[str, Any]) -> u.UnitBase:
    """Unit of times whose column has none: TIMEUNIT, else the second."""
    noted = str(header.get("TIMEUNIT") or "s").strip()
    try:
        unit = u.Unit(noted)
    except ValueError:
        unit = None
    if unit is None or not unit.is_equivalent(u.s):
        raise FollowUpError(f"the header's TIMEUNIT is {noted}, no unit of time")
    return unit


def reference_time(header: Mapping[str, Any]) -> Time:
    """The time that the header counts from, TIMEOFFS and TIMEZERO included.

    Raises
    ------
    FollowUpError
        A keyword does not hold what it should.
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
        raise FollowUpError(f"the header's reference of times cannot be read: {error}") from None
    if not np.isfinite(offset):
        raise FollowUpError("the header's TIMEOFFS or TIMEZERO is not a number")
    return start + offset * unit_of_time(header)


def frame_of_places(header: Mapping[str, Any], names: tuple[str, str]) -> BaseCoordinateFrame:
    """Frame of two columns of a table: by their names, else by RADESYS and EQUINOX, else ICRS.

    Raises
    ------
    FollowUpError
        The header names a frame that is not known.
    """
    named = _FRAMES.get(names[0].lower())
    if named is not None:
        return SkyCoord(0, 0, unit="deg", frame=named).frame.replicate_without_data()
    noted = str(header.get("RADESYS") or header.get("RADECSYS") or "").strip().upper()
    try:
        equinox = float(str(header["EQUINOX"]).strip(" JB")) if "EQUINOX" in header else None
    except ValueError:
        raise FollowUpError(f"the header's EQUINOX is {header['EQUINOX']}, no year") from None
    if not noted:
        noted = "ICRS" if equinox is None else "FK4" if equinox < 1984 else "FK5"
    if noted == "ICRS":
        return SkyCoord(0, 0, unit="deg").frame.replicate_without_data()
    if noted == "FK4":
        return FK4(equinox=Time(equinox or 1950.0, format="byear"))
    if noted == "FK5":
        return FK5(equinox=Time(equinox or 2000.0, format="jyear"))
    raise FollowUpError(
        f"the header says that places are in the frame {noted} (RADESYS); ICRS, FK5 and FK4 are "
        "understood"
    )
