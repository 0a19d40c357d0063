"""Columns of times: what they are counted from, and as astropy's times."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from .columns import ColumnData, instants

if TYPE_CHECKING:
    from astropy.time import Time

#: How numbers may be counted, for ``--column TIME=NAME:FORMAT``.
COUNTS = ("mjd", "jd", "unix", "gps")

_NAMES = ("time", "t", "date", "datetime", "epoch", "timestamp", "event_time", "trigger_time")
_MJD = re.compile(
    r"(time|date|obs)?[ _.-]?mjd([ _.-]?(obs|utc|utc_obs|tt|tai|tdb))?", re.IGNORECASE
)
_JD = re.compile(r"(time|date|obs)?[ _.-]?jd([ _.-]?(obs|utc|tt|tai|tdb))?", re.IGNORECASE)
_UNIX = re.compile(r"(time[ _.-]?)?unix([ _.-]?(time|timestamp))?", re.IGNORECASE)
# As in the conventions for climate and forecast: a unit and an epoch.
_SINCE = re.compile(r"(\w+) since (\d{4}-\d{2}-\d{2}\S*(?: \d{2}:\S+)?)", re.IGNORECASE)
_WORDS = {
    "second": "s",
    "sec": "s",
    "millisecond": "ms",
    "microsecond": "us",
    "nanosecond": "ns",
    "minute": "min",
    "hour": "h",
    "day": "d",
}
# 1970 to 2100, where neutrino telescopes have been and will be: days in it are MJD or JD.
_MJD_RANGE = (40587.0, 88069.0)
_JD_OF_MJD_0 = 2400000.5
# Other names of time scales: FITS standard 4.0, table 30.
_SCALES = {scale: scale for scale in ("utc", "tt", "tai", "tdb", "tcb", "tcg", "ut1")} | {
    "": "utc",
    "ut": "utc",
    "z": "utc",
    "tdt": "tt",
    "et": "tt",
    "iat": "tai",
}


class NoTime(ValueError):
    """A column cannot be read as times; the message says what is not known of it."""


def times(name: str, data: ColumnData, count: str | None = None) -> Time:
    """Return a column as times; NaN seconds where there is none.

    Parameters
    ----------
    name : str
        The column's name, which says how it is counted if it is ``mjd``, ``jd`` or ``unix``.
    data : ColumnData
        Times, ISO 8601 texts, or numbers with a unit, an epoch or a name that says what they are.
    count : str, optional
        One of :data:`COUNTS`, if the user says what the numbers are.

    Returns
    -------
    astropy.time.Time
        Of the column's scale; masked where it has no value.

    Raises
    ------
    NoTime
        If it is not known what the numbers or texts are.
    """
    scale = _scale(name, data)
    if data.kind in "MU":
        if count is not None:
            raise NoTime(f"{name!r} holds {'times' if data.kind == 'M' else 'text'}, no {count}")
        return _of_texts(name, data, scale)
    if data.kind not in "iuf" or data.values.ndim != 1:
        raise NoTime(f"{name!r} is not a column of numbers or text")
    days, factor, reference = _count(name, data, count)
    result = _counted(data, factor, reference, days, scale)
    _check_range(name, data, result)
    return result


def _scale(name: str, data: ColumnData) -> str:
    """Return the time scale: what the file says, else the column's name (``mjd_tt``), else UTC."""
    # FITS names the realisation of a scale behind it: TT(TAI).
    told = data.meaning.timescale.partition("(")[0].strip()
    if not told:
        words = re.split(r"[\W_]+", name.lower())
        told = next((word for word in words if word in _SCALES and len(word) > 1), "")
    if told.lower() not in _SCALES:
        raise NoTime(f"{name!r} is of the time scale {told}, which is not understood")
    return _SCALES[told.lower()]


def _check_range(name: str, data: ColumnData, result: Time) -> None:
    """Refuse times at which there was no neutrino telescope: a mark for no value, or another count.

    So -999 does not become a day in 1856, nor milliseconds since 1970 the year 55000.
    """
    days = np.ma.getdata(np.ma.asarray(result.jd)) - _JD_OF_MJD_0
    known = np.isfinite(data.numbers())
    odd = known & ((days < _MJD_RANGE[0]) | (days > _MJD_RANGE[1]))
    if odd.any():
        raise NoTime(
            f"{name!r} has {np.count_nonzero(odd)} of {odd.size} values that are not between 1970 "
            f"and 2100, such as {data.values[odd][0]}: it counts otherwise, or they mean no time "
            "and have to be masked"
        )


def is_time_like(name: str, data: ColumnData) -> bool:
    """Return whether a column looks like one of times of events, by name, UCD, unit or type."""
    if data.values.ndim != 1 or data.kind not in "iufMU":
        return False
    named = re.split(r"[ _.-](?:obs|utc|tt|tai|tdb)$", name.lower())[0] in _NAMES or any(
        pattern.fullmatch(name) for pattern in (_MJD, _JD, _UNIX)
    )
    marked = data.meaning.ucd.lower().startswith("time.epoch") or bool(data.meaning.mjdref)
    if data.kind in "MU":
        return named or marked or data.kind == "M" or _all_iso(data)
    # A duration has a unit of time as well; days like these are no duration.
    return (
        named
        or marked
        or _SINCE.fullmatch(str(data.unit or "")) is not None
        or bool(_as_days(data))
    )


def _of_texts(name: str, data: ColumnData, scale: str) -> Time:
    from astropy.time import Time

    gone = data.missing | (data.values == "") if data.kind == "U" else data.missing
    shown = data.values if data.kind == "U" else np.datetime_as_string(data.values)
    texts = np.where(gone, "2000-01-01T00:00:00", np.char.rstrip(np.char.strip(shown), "Z"))
    if data.kind == "U" and (other := [t for t in texts.tolist() if not re.match(r"\d{4}-\d", t)]):
        raise NoTime(f"{name!r} has the text {other[0]!r}, which is not ISO 8601 in UTC")
    try:
        # The zone of a text must not be dropped; what numpy's times cannot hold is astropy's.
        result = Time(texts, format=None if data.kind == "U" else "isot", scale=scale)
    except ValueError:
        first = next((text for text in texts.tolist() if not _is_iso(text)), str(shown[0]))
        raise NoTime(f"{name!r} has the text {first!r}, which is not ISO 8601 in UTC") from None
    if gone.any():
        result[gone] = np.ma.masked
    return result


def _count(name: str, data: ColumnData, count: str | None) -> tuple[bool, float, Any]:
    """Return whether numbers are days, their factor to seconds or days, and what they start at."""
    if count == "mjd" or (count is None and _MJD.fullmatch(name)):
        return True, _factor(name, data, "d"), ("mjd", "0")
    if count == "jd" or (count is None and _JD.fullmatch(name)):
        return True, _factor(name, data, "d"), ("jd", "0")
    if count in ("unix", "gps") or (count is None and _UNIX.fullmatch(name)):
        return False, _factor(name, data, "s"), (count or "unix", "0")
    if data.meaning.mjdref:
        if data.unit is None:
            raise NoTime(f"{name!r} has no unit")
        return False, _factor(name, data, "s"), ("mjd", data.meaning.mjdref)
    if match := _SINCE.fullmatch(str(data.unit or "")):
        word = match[1].lower()
        unit = _WORDS.get(word.removesuffix("s") if len(word) > 2 else word, word)
        return False, _scale_of(name, unit, "s"), ("iso", match[2])
    if data.unit is None:
        raise NoTime(f"{name!r} has neither a unit nor an epoch")
    if (kind := _as_days(data)) is not None:
        return True, 1.0, (kind, "0")
    raise NoTime(f"{name!r} is in {data.unit} since an epoch that nothing says")


def _as_days(data: ColumnData) -> str | None:
    """Return whether days are MJD or JD, which only those of this century and the last can be."""
    if str(data.unit) != "d":
        return None
    numbers = data.numbers()
    known = numbers[np.isfinite(numbers)]
    if not known.size:
        return None
    for kind, shift in (("mjd", 0.0), ("jd", _JD_OF_MJD_0)):
        if known.min() - shift >= _MJD_RANGE[0] and known.max() - shift <= _MJD_RANGE[1]:
            return kind
    return None


def _factor(name: str, data: ColumnData, wanted: str) -> float:
    return 1.0 if data.unit is None else _scale_of(name, data.unit, wanted)


def _scale_of(name: str, unit: Any, wanted: str) -> float:
    from astropy import units

    try:
        return float(units.Unit(unit).to(wanted))
    except (ValueError, TypeError, units.UnitConversionError):
        raise NoTime(f"{name!r} is in {unit}, which is not a unit of time") from None


def _counted(
    data: ColumnData, factor: float, reference: tuple[str, str], days: bool, scale: str
) -> Time:
    """Return times of two doubles: nothing is lost by large numbers or small units."""
    from astropy.time import Time, TimeDelta

    gone = ~np.isfinite(data.numbers())
    values = np.where(gone, 0, data.values)
    # Integers of 64 bits have more digits than a double.
    whole = values // 1 if values.dtype.kind == "f" else (values // 2**20) * 2**20
    rest = (values - whole).astype(float)
    kind, start = reference
    high, low = whole.astype(float) * factor, rest * factor
    if days:
        result = Time(high, low, format=kind, scale=scale)
    elif kind in ("unix", "gps"):
        result = Time(high, low, format=kind)
    elif kind == "mjd":
        result = Time(start, format="mjd", scale=scale) + TimeDelta(high, low, format="sec")
    else:
        # "Seconds since" an epoch counts days of 86400 s, as Unix does.
        epoch = _epoch(start, scale)
        result = Time(
            epoch.jd1 + high // 86400,
            epoch.jd2 + (high % 86400 + low) / 86400,
            format="jd",
            scale=scale,
        )
    if gone.any():
        result[gone] = np.ma.masked
    return result


def _epoch(text: str, scale: str) -> Time:
    from astropy.time import Time

    try:
        return Time(text.strip().removesuffix("Z"), scale=scale)
    except ValueError:
        raise NoTime(f"the epoch {text!r} is not ISO 8601") from None


def _all_iso(data: ColumnData) -> bool:
    texts = data.filled("")
    known = texts[texts != ""]
    return bool(known.size) and all(_is_iso(text) for text in known[:100].tolist())


def _is_iso(text: str) -> bool:
    if not re.match(r"\d{4}-\d{2}-\d{2}", text.strip()):
        return False
    try:
        return instants(np.array([text.strip()])) is not None
    except ValueError:
        return False
