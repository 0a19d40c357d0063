"""Position and time of a packet (WhereWhen), converted from any known frame and unit."""

from __future__ import annotations

import re
from typing import Any

from openkm3.alerts.errors import AlertError
from openkm3.alerts.times import gcn_time
from openkm3.alerts.voevent.units import converted
from openkm3.alerts.voevent.xml import child, etree, local_name, path_of, text

_RADII = {"": "ra_dec_error", "90": "ra_dec_error"} | {
    number: f"src_error_{number}" for number in ("50", "68", "99")
}
#: A radius that covers the whole sky is not a localization (SNEWS writes 360 deg at 0, 0).
_WHOLE_SKY = 180.0


def where_when(root: etree._Element, *, located: bool = True) -> dict[str, Any]:
    """Return trigger time (UTC), right ascension, declination and radii (deg) of a packet.

    Parameters
    ----------
    root : element
        The packet.
    located : bool
        Whether its position is that of a source.

    Raises
    ------
    AlertError
        If a value is not a time or number, or its frame is not supported.
    """
    coords = child(root, "WhereWhen", "ObsDataLocation", "ObservationLocation", "AstroCoords")
    if coords is None:
        return {}
    frame = coords.get("coord_system_id", "UTC-ICRS-TOPO")
    place = _position(coords, frame) if located else {}
    return _time(coords, frame, place) | place


def moment(element: etree._Element | None) -> str:
    """Return the time of an element as GCN writes it."""
    value = text(element) or ""
    try:
        return gcn_time(value)
    except ValueError:
        msg = f"must be a time such as 2023-02-13T01:16:47, not {value[:40]!r}"
        raise AlertError.single(msg, path_of(element) if element is not None else "") from None


def _number(element: etree._Element, unit: str, wanted: str = "deg") -> int | float:
    value = text(element) or ""
    try:
        number = int(value) if re.fullmatch(r"[+-]?\d{1,400}", value) else float(value)
    except ValueError:
        msg = f"must be a number, not {value[:40]!r}"
        raise AlertError.single(msg, path_of(element)) from None
    try:
        # An element's own unit takes precedence: pos_unit as in STC, or unit as in Params.
        own = element.get("pos_unit") or element.get("unit") or unit
        return converted(number, own, wanted)
    except ValueError as error:
        raise AlertError.single(str(error), path_of(element)) from None


def _time(coords: etree._Element, frame: str, place: dict[str, Any]) -> dict[str, Any]:
    element = child(coords, "Time", "TimeInstant", "ISOTime")
    if text(element) is None:
        return {}
    found: dict[str, Any] = {"trigger_time": moment(element)}
    scale = frame.partition("-")[0]
    if scale != "UTC" and not frame.startswith("FK5-UTC"):
        found["trigger_time"] = _utc(found["trigger_time"], frame, place, path_of(coords))
    time = child(coords, "Time")
    error = child(time, "Error")
    if time is not None and error is not None and text(error) is not None:
        found["trigger_time_error"] = _number(error, time.get("unit", "s"), "s")
    return found


def _utc(time: str, frame: str, place: dict[str, Any], path: str) -> str:
    """Convert a time in another scale (TT, GPS, TDB at the solar system's barycentre) to UTC."""
    from astropy import units
    from astropy.coordinates import EarthLocation, SkyCoord
    from astropy.time import Time

    from openkm3.sky.offline import offline

    scale, origin = frame.partition("-")[0], frame.rpartition("-")[2]
    plain = time.removesuffix("Z")
    with offline():
        if scale == "TT":
            given = Time(plain, scale="tt")
        elif scale == "GPS":
            # GPS time is 19 s behind TAI.
            given = Time(plain, scale="tai") + 19 * units.s
        elif scale == "TDB" and origin == "BARY" and "ra" in place:
            given = Time(plain, scale="tdb", location=EarthLocation.from_geocentric(0, 0, 0, "m"))
            source = SkyCoord(place["ra"], place["dec"], unit="deg")
            given = given - given.light_travel_time(source, "barycentric")
        elif scale == "TDB" and origin != "BARY":
            given = Time(plain, scale="tdb")
        else:
            need = " without a position" if scale == "TDB" else ""
            msg = f"times in {frame}{need} are not supported; use UTC, TT, GPS or TDB"
            raise AlertError.single(msg, path)
        found = given.utc
        found.precision = 6
        return f"{found.isot}Z"


def _position(coords: etree._Element, frame: str) -> dict[str, Any]:
    position, value = child(coords, "Position2D"), "Value2"
    if position is None:
        position, value = child(coords, "Position3D"), "Value3"
    if position is None:
        return {}
    if "ICRS" not in frame and "FK5" not in frame:
        msg = f"positions in {frame} are not supported; use ICRS or FK5"
        raise AlertError.single(msg, path_of(coords))
    first, second = _units(position)
    found: dict[str, Any] = {}
    names = [(text(child(position, f"Name{number}")) or "").lower() for number in (1, 2)]
    # The names determine the order; without names it is that of the standard.
    swapped = names[0].startswith("dec") or names[1].startswith("ra")
    for field, name, unit in zip(
        ("dec", "ra") if swapped else ("ra", "dec"), ("C1", "C2"), (first, second), strict=True
    ):
        element = child(position, value, name)
        if element is None:
            raise AlertError.single(f"has no {name} in {value}", path_of(position))
        found[field] = _number(element, unit)
    for element in position:
        radius = re.fullmatch(r"Error2Radius(50|68|90|99)?", local_name(element))
        if radius is not None:
            found[_RADII[radius[1] or ""]] = _number(element, second)
    if not found.get("ra_dec_error", 0) < _WHOLE_SKY:
        return {}
    return found


def _units(position: etree._Element) -> tuple[str, str]:
    """Return the units of both coordinates, from ``deg``, ``deg-deg``, ``h-deg`` or ``rad rad``."""
    unit = position.get("unit", "deg").strip() or "deg"
    parts = [part for part in re.split(r"[-,\s]+", unit) if part]
    if len(parts) < 2:
        return unit, unit
    return parts[0], parts[1]


__all__ = ["moment", "where_when"]
