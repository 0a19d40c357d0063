"""Columns of times: their epoch and scale, and their conversion to astropy's Time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from .columns import ColumnData, instants

if TYPE_CHECKING:
    from astropy.time import Time

#: Formats of numbers that are times, for ``--column TIME=NAME:FORMAT``.
COUNTS = ("mjd", "jd", "unix", "gps")

_NAMES = ("time", "t", "date", "datetime", "epoch", "timestamp", "event_time", "trigger_time")
_MJD = re.compile(
    r"(time|date|obs)?[ _.-]?mjd([ _.-]?(obs|utc|utc_obs|tt|tai|tdb))?", re.IGNORECASE
)
_JD = re.compile(r"(time|date|obs)?[ _.-]?jd([ _.-]?(obs|utc|tt|tai|tdb))?", re.IGNORECASE)
_UNIX = re.compile(r"(time[ _.-]?)?unix([ _.-]?(time|timestamp))?", re.IGNORECASE)
# A unit and an epoch, as in the CF conventions (Climate and Forecast).
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
# 1970 to 2100, the era of neutrino telescopes: days in this range are MJD or JD.
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
    """A column cannot be read as times; the message says why."""


def times(name: str, data: ColumnData, count: str | None = None) -> Time:
    """Return a column as times.

    Parameters
    ----------
    name : str
        The column's name, which determines the format if it is ``mjd``, ``jd`` or ``unix``.
    data : ColumnData
        Times, ISO 8601 texts, or numbers whose unit, epoch or name determines their format.
    count : str, optional
        One of :data:`COUNTS`, if the user chose the format.

    Returns
    -------
    astropy.time.Time
        In the column's scale; masked where a value is missing.

    Raises
    ------
    NoTime
        If the format of the numbers or texts is not known.
    """
    scale = _scale(name, data)
    if data.kind in "MU":
        if count is not None:
            raise NoTime(f"{name!r} holds {'times' if data.kind == 'M' else 'text'}, not {count}")
        return _of_texts(name, data, scale)
    if data.kind not in "iuf" or data.values.ndim != 1:
        raise NoTime(f"{name!r} is not a column of numbers or text")
    days, factor, reference = _count(name, data, count)
    result = _counted(data, factor, reference, days, scale)
    _check_range(name, data, result)
    return result


def _scale(name: str, data: ColumnData) -> str:
    """Return the time scale: from the file, otherwise the column's name (``mjd_tt``), else UTC."""
    # FITS appends the realisation of a scale: TT(TAI).
    named = data.meaning.timescale.partition("(")[0].strip()
    if not named:
        words = re.split(r"[\W_]+", name.lower())
        named = next((word for word in words if word in _SCALES and len(word) > 1), "")
    if named.lower() not in _SCALES:
        raise NoTime(f"{name!r} has the time scale {named}, which is not supported")
    return _SCALES[named.lower()]


def _check_range(name: str, data: ColumnData, result: Time) -> None:
    """Refuse times outside 1970 to 2100: marks for missing values, or another epoch or unit.

    So -999 does not become a day in 1856, nor do milliseconds since 1970 become the year 55000.
    """
    days = np.ma.getdata(np.ma.asarray(result.jd)) - _JD_OF_MJD_0
    known = np.isfinite(data.numbers())
    odd = known & ((days < _MJD_RANGE[0]) | (days > _MJD_RANGE[1]))
    if odd.any():
        raise NoTime(
            f"{np.count_nonzero(odd)} of {odd.size} values of {name!r} are not between 1970 and "
            f"2100, such as {data.values[odd][0]}: its epoch or unit is different, or these values "
            "are missing and must be masked"
        )


def is_time_like(name: str, data: ColumnData) -> bool:
    """Return whether a column looks like event times, by name, UCD, unit or type."""
    if data.values.ndim != 1 or data.kind not in "iufMU":
        return False
    named = re.split(r"[ _.-](?:obs|utc|tt|tai|tdb)$", name.lower())[0] in _NAMES or any(
        pattern.fullmatch(name) for pattern in (_MJD, _JD, _UNIX)
    )
    marked = data.meaning.ucd.lower().startswith("time.epoch") or bool(data.meaning.mjdref)
    if data.kind in "MU":
        return named or marked or data.kind == "M" or _all_iso(data)
    # A duration has a unit of time too, but days in this range are not a duration.
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
        # astropy parses the text, since numpy would drop its zone and cannot hold all times.
        result = Time(texts, format=None if data.kind == "U" else "isot", scale=scale)
    except ValueError:
        first = next((text for text in texts.tolist() if not _is_iso(text)), str(shown[0]))
        raise NoTime(f"{name!r} has the text {first!r}, which is not ISO 8601 in UTC") from None
    if gone.any():
        result[gone] = np.ma.masked
    return result


def _count(name: str, data: ColumnData, count: str | None) -> tuple[bool, float, Any]:
    """Return whether numbers are days, their factor to days or seconds, and their epoch."""
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
    raise NoTime(f"{name!r} is in {data.unit} since an unknown epoch")


def _as_days(data: ColumnData) -> str | None:
    """Return ``mjd`` or ``jd`` for days between 1970 and 2100, otherwise None."""
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
    """Return times as pairs of doubles, so that large numbers and small units lose no digits."""
    from astropy.time import Time, TimeDelta

    gone = ~np.isfinite(data.numbers())
    values = np.where(gone, 0, data.values)
    # 64-bit integers have more digits than a double.
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
        # "Seconds since" an epoch has days of 86400 s, like Unix time.
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
