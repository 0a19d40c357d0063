"""Lists of neutrino candidates: arrival times and directions, read from published tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import Angle, SkyCoord
from astropy.table import Table
from astropy.time import Time

from nugamma.errors import FollowUpError
from nugamma.neutrino.headers import (
    frame_of_places,
    has_reference,
    in_scale,
    reference_time,
    scale_of,
    unit_of_time,
)
from nugamma.neutrino.times import moments

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
TimeFormat = Literal["mjd", "jd", "unix"]

#: Numbers for the years 1950 to 2100 in each format; the ranges do not overlap.
_YEARS = {
    "mjd": (33282.0, 88069.0),
    "jd": (2433282.5, 2488069.5),
    "unix": (-631152000.0, 4102444800.0),
}
#: Units for right ascension in hours, as tables write them; astropy's hour is a unit of time.
_HOURS = {"h", "hr", "hour", "hours", "h:m:s", '"h:m:s"', "hms"}
_MISSING_TEXT = {"", "nan", "nat", "none", "null", "--", "n/a"}
_DEGREES = {"d:m:s", '"d:m:s"', "dms", "degrees", "degree"}


@dataclass(frozen=True, eq=False)
class EventList:
    """Arrival times and directions of neutrino candidates.

    Parameters
    ----------
    time : Time, shape (n,)
    position : SkyCoord, shape (n,)
    livetime : Quantity
        How long the detector took data for this list.
    dropped : int
        Number of events that were left out, because their time or position is missing.
    """

    time: Time
    position: SkyCoord
    livetime: u.Quantity
    dropped: int = 0

    def __post_init__(self) -> None:
        """Refuses invalid lists."""
        if self.time.shape != self.position.shape or self.time.ndim != 1:
            raise FollowUpError(
                f"the event list has {self.time.shape} times for {self.position.shape} positions; "
                "give one of each per event"
            )
        if np.any(missing_time(self.time)):
            raise FollowUpError(
                "the event list has missing or non-finite times; remove these events"
            )
        places = self.position.icrs
        if np.any(_missing(places.ra) | _missing(places.dec)):
            raise FollowUpError(
                "the event list has missing or non-finite positions; remove these events"
            )
        try:
            days = u.Quantity(self.livetime).to_value(u.day)
        except u.UnitConversionError:
            raise FollowUpError(
                f"the livetime needs a unit of time, as in 100 * u.day, not {self.livetime}"
            ) from None
        if not (np.ndim(days) == 0 and 0 < days < np.inf):
            raise FollowUpError(f"the livetime must be positive, not {self.livetime}")

    @classmethod
    def from_table(
        cls,
        table: Table,
        livetime: u.Quantity,
        names: tuple[str, str, str] = ("mjd", "ra", "decl"),
        *,
        time_format: TimeFormat | None = None,
        missing: Literal["refuse", "drop"] = "refuse",
    ) -> EventList:
        """Reads times and positions from a table.

        Parameters
        ----------
        table : Table or QTable
            Units of columns are used. Angles without a unit are in degrees; text may be
            sexagesimal, with right ascension in hours, as usual. Times are astropy's Time, text
            (ISO 8601), numbers as in ``time_format``, or counted from the reference in the table's
            header (MJDREF, JDREF or DATEREF, TIMEUNIT, TIMESYS) as in FITS event lists. Positions
            are ICRS, or in the frame given by RADESYS and EQUINOX; columns called l and b, or GLON
            and GLAT, are galactic.
        livetime : Quantity
            How long the detector took data for this list.
        names : tuple of str
            Names of the columns with time, right ascension and declination.
        time_format : "mjd", "jd" or "unix", optional
            Format of numbers; by default taken from the column's name, else MJD. They are UTC, or
            in the scale of the column's name (mjd_tt) or of the header (TIMESYS).
        missing : "refuse" or "drop"
            What to do with events whose time or position is masked, NaN or infinite. ``dropped``
            of the list counts the events left out.

        Raises
        ------
        FollowUpError
            If a column is missing, has a wrong unit or invalid values.
        """
        absent = [name for name in names if name not in table.colnames]
        if absent:
            raise FollowUpError(
                f"the event list has no column {', '.join(absent)}; its columns are "
                f"{', '.join(table.colnames)}"
            )
        time, no_time = _times(table, names[0], time_format)
        frame = frame_of_places(_header(table), names[1:])
        ra = _degrees(table[names[1]], names[1], hours=frame.name in {"icrs", "fk5", "fk4"})
        dec = _degrees(table[names[2]], names[2], hours=False)
        gone = {
            names[0]: no_time,
            names[1]: ~np.isfinite(ra),
            names[2]: ~np.isfinite(dec),
        }
        bad = np.any(list(gone.values()), axis=0)
        if bad.any() and missing != "drop":
            what = ", ".join(f"{name} ({n.sum()})" for name, n in gone.items() if n.any())
            raise FollowUpError(
                f"{bad.sum()} of {len(bad)} events have no time or position: missing values in "
                f"{what}, first in row {int(np.argmax(bad)) + 1}; missing='drop' leaves them out"
            )
        ra, dec, time = ra[~bad], dec[~bad], time[~bad]
        for name, values, low, high in ((names[1], ra, -180, 360), (names[2], dec, -90, 90)):
            if np.any((values < low) | (values > high)):
                worst = float(values[np.argmax(np.abs(values))])
                raise FollowUpError(
                    f"the event list has an invalid {name} of {worst:g} deg; it must be between "
                    f"{low} and {high} deg"
                )
        places = SkyCoord(ra, dec, unit="deg", frame=frame).icrs
        return cls(time, places, livetime, int(bad.sum()))


def missing_time(time: Time) -> Booleans:
    """Returns which times are masked or not finite."""
    with np.errstate(invalid="ignore"):
        numbers = np.asarray(np.ma.getdata(time.jd1)) + np.asarray(np.ma.getdata(time.jd2))
    return np.asarray(time.mask | ~np.isfinite(numbers))


def _missing(values: Any) -> Booleans:
    """Returns which values of a column, quantity or angle are masked or not finite."""
    mask = np.asarray(getattr(values, "mask", False))
    plain = getattr(values, "unmasked", values)
    numbers = np.asarray(np.ma.getdata(getattr(plain, "value", plain)), dtype=float)
    return np.asarray(mask | ~np.isfinite(numbers))


def _texts(column: Any) -> list[str] | None:
    """Returns the content of a text column, empty where missing; None for other columns."""
    data = np.ma.getdata(column)
    kind = getattr(data, "dtype", np.dtype(float)).kind
    if kind == "O" and all(isinstance(value, str | bytes | None) for value in data):
        kind = "U"
    if kind not in "US":
        return None
    gone = np.ma.getmaskarray(np.ma.asarray(column)) | (np.asarray(data, dtype=object) == None)  # noqa: E711
    texts = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in data]
    return ["" if g else text.strip() for g, text in zip(gone, texts, strict=True)]


def _degrees(column: Any, name: str, *, hours: bool) -> Floats:
    """Returns angles in degrees, NaN where missing."""
    unit_text = str(getattr(column, "unit", None) or "").strip()
    texts = _texts(column)
    if texts is not None:
        return np.array([_sexagesimal(text, name, unit_text, hours=hours) for text in texts])
    if unit_text.lower() in _HOURS and hours:
        unit: Any = u.hourangle
    elif not unit_text or unit_text.lower() in _DEGREES:
        unit = u.deg
    else:
        unit = _angular(unit_text, name)
    values, gone = _numbers(column, name)
    return np.where(gone, np.nan, values * unit.to(u.deg))


def _numbers(column: Any, name: str) -> tuple[Floats, Booleans]:
    """Returns the values of a column, and which of them are missing (these are set to 0)."""
    plain = getattr(column, "unmasked", column)
    values = np.asarray(np.ma.getdata(getattr(plain, "value", plain)))
    try:
        if values.dtype.kind in "cb" or values.ndim != 1:
            raise TypeError
        gone = _missing(column)
        values = values.astype(float)
    except (TypeError, ValueError):
        raise FollowUpError(f"column {name} of the event list does not contain numbers") from None
    return np.where(gone, 0.0, values), gone


def _angular(unit_text: str, name: str) -> u.UnitBase:
    try:
        unit = u.Unit(unit_text)
    except ValueError:
        unit = None
    if unit is None or not unit.is_equivalent(u.deg):
        raise FollowUpError(
            f"column {name} of the event list has the unit {unit_text}, which is not a unit of "
            "angle; use deg, rad or hourangle"
        )
    return unit


def _sexagesimal(text: str, name: str, unit_text: str, *, hours: bool) -> float:
    """Returns the degrees of an angle in text, NaN if it is empty."""
    if text.lower() in _MISSING_TEXT:
        return float("nan")
    number = re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text) is not None
    if unit_text.lower() in _HOURS and hours:
        unit: Any = u.hourangle
    elif unit_text and unit_text.lower() not in _DEGREES:
        unit = _angular(unit_text, name)
    else:
        # By convention a plain number is in degrees, and sexagesimal right ascension in hours.
        unit = u.hourangle if hours and not unit_text and not number else u.deg
    try:
        return float(Angle(text, unit=unit).deg)
    except (ValueError, TypeError, u.UnitsError):
        raise FollowUpError(
            f"column {name} of the event list has {text!r}, which is not an angle"
        ) from None


def _times(table: Table, name: str, given: TimeFormat | None) -> tuple[Time, Booleans]:
    """Returns the times of a column, and which are missing (these are set to any time)."""
    column = table[name]
    if isinstance(column, Time):
        gone = missing_time(column)
        return _filled(column, gone), gone
    texts = _texts(column)
    if texts is not None:
        gone = np.array([text.lower() in _MISSING_TEXT for text in texts])
        try:
            found = moments([_ANY if g else t for g, t in zip(gone, texts, strict=True)])
        except ValueError as error:
            raise FollowUpError(f"column {name} of the event list: {error}") from None
        if any(re.search(r":.*(Z|[+-]\d\d:?\d\d)$", text, re.IGNORECASE) for text in texts):
            return found, gone
        return in_scale(found.jd1, found.jd2, "jd", _scale(table, name)), gone
    data = np.ma.getdata(column)
    if getattr(data, "dtype", np.dtype(float)).kind == "M":
        gone = np.ma.getmaskarray(np.ma.asarray(column)) | np.isnat(data)
        return Time(np.where(gone, np.datetime64("2000-01-01"), data), scale="utc"), gone
    return _numbered(table, name, given)


_ANY = "2000-01-01T00:00:00"


def _filled(time: Time, gone: Booleans) -> Time:
    """Returns the same times, with the missing ones set to any time."""
    parts = [np.asarray(np.ma.getdata(getattr(p, "unmasked", p))) for p in (time.jd1, time.jd2)]
    first, second = (np.where(gone, n, part) for n, part in zip((2451544.5, 0), parts, strict=True))
    return Time(first, second, format="jd", scale=time.scale)


def _numbered(table: Table, name: str, given: TimeFormat | None) -> tuple[Time, Booleans]:
    """Returns times from numbers: days or seconds since the origin of format or header."""
    column = table[name]
    values, gone = _numbers(column, name)
    unit = _duration(str(getattr(column, "unit", None) or "").strip(), name)
    header = _header(table)
    called = re.search(r"(?<![a-z])(unix|mjd|jd)(?![a-su-z])", name.lower())
    if given is None and called is None and has_reference(header):
        return _since_reference(header, values * (unit or unit_of_time(header))), gone
    form = given or (called.group(1) if called else "mjd")
    if form not in _YEARS:
        raise FollowUpError(f"unknown time format {form!r}: use mjd, jd or unix")
    if unit is not None:
        values = values * unit.to(u.s if form == "unix" else u.day)
    low, high = _YEARS[form]
    outside = ~gone & ((values < low) | (values > high))
    if outside.any():
        found = float(values[outside][0])
        like = [other for other, (a, b) in _YEARS.items() if a <= found <= b and other != form]
        hint = f"; if it is {like[0]}, give time_format={like[0]!r}" if like else ""
        raise FollowUpError(
            f"column {name} of the event list has {found:g} as {form}, which is not between 1950 "
            f"and 2100{hint}"
        )
    values = np.where(gone, low, values)
    whole = np.floor(values)
    if form == "unix":
        return Time(whole, values - whole, format=form, scale="utc"), gone
    return in_scale(whole, values - whole, form, _scale(table, name)), gone


def _scale(table: Table, name: str) -> str:
    """Returns the time scale of a column: from its name, as in mjd_tt, else from the header."""
    scale = re.search(r"[^a-z](tt|tdb|tai|tcb|utc|ut1|gps)$", name.lower())
    return scale.group(1) if scale else scale_of(_header(table))


def _header(table: Table) -> dict[str, Any]:
    return {str(key).upper(): value for key, value in table.meta.items()}


def _since_reference(header: dict[str, Any], offset: u.Quantity) -> Time:
    """Returns times relative to a FITS header's reference (FITS 4.0, section 9.2.2; GADF)."""
    time = reference_time(header) + offset.to(u.day)
    low, high = _YEARS["mjd"]
    if np.any((time.mjd < low) | (time.mjd > high)):
        raise FollowUpError(
            "the event list's times, counted from the reference in the header, are not between "
            "1950 "
            "and 2100; if they are MJD, JD or unix times, give time_format"
        )
    return time


def _duration(unit_text: str, name: str) -> u.UnitBase | None:
    if not unit_text:
        return None
    # Some tables give the format as the unit.
    if unit_text.lower() in _YEARS:
        return u.s if unit_text.lower() == "unix" else u.day
    try:
        unit = u.Unit(unit_text)
    except ValueError:
        unit = None
    if unit is None or not unit.is_equivalent(u.s):
        raise FollowUpError(
            f"column {name} of the event list has the unit {unit_text}, which is not a unit of time"
        )
    return unit


__all__ = ["EventList", "TimeFormat"]
