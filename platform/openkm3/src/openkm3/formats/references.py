"""Epochs, time scales and frames that the header of a file gives its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from .columns import ColumnData

_TIMES = ("time", "tstart", "tstop", "start", "stop")
_POSITIONS = ("ra", "dec")
_JD_OF_MJD_0 = Decimal("2400000.5")
_DAYS = {"s": 1 / Decimal(86400), "min": 1 / Decimal(1440), "h": 1 / Decimal(24), "d": Decimal(1)}
_FK5_SINCE = 1984.0
#: FITS standard 4.0, tables 30 and 24: a header can name these.
TIME_SCALES = frozenset({"tt", "tai", "utc", "tdb", "tcb", "tcg", "ut1", "gps"})
FITS_FRAMES = frozenset({"icrs", "fk5", "fk4", "fk4-no-e"})


def referred(content: dict[str, ColumnData], header: Mapping[str, Any]) -> dict[str, ColumnData]:
    """Return columns with the epoch, time scale and frame of a FITS header (or ``meta``)."""
    start = reference_of(header)
    scale = str(header.get("TIMESYS", "")).strip().lower()
    place = str(header.get("TREFPOS", header.get("TIMEREF", "")))
    scale = scale_at(scale, place)
    frame = frame_of(header)
    result = dict(content)
    for name, data in content.items():
        if name.lower() in _TIMES and data.kind in "iuf" and start and not data.meaning.mjdref:
            meaning = replace(data.meaning, mjdref=start, timescale=data.meaning.timescale or scale)
            result[name] = replace(data, meaning=meaning)
        if name.lower() in _POSITIONS and frame and not data.meaning.frame:
            result[name] = replace(data, meaning=replace(data.meaning, frame=frame))
    return result


def header_of(content: Mapping[str, ColumnData]) -> dict[str, Any]:
    """Return the keywords by which other readers know the times and positions of a FITS table.

    A header has one time scale, one epoch and one frame: what the columns do not share is left out.
    """
    meanings = [data.meaning for data in content.values()]
    times = {
        (data.meaning.timescale, data.meaning.mjdref)
        for data in content.values()
        if data.kind == "M" or data.meaning.timescale or data.meaning.mjdref
    }
    frames = {meaning.frame for meaning in meanings if meaning.frame}
    header: dict[str, Any] = {}
    if len(times) == 1:
        scale, start = times.pop()
        scale, _, place = scale.partition(" at ")
        if scale in TIME_SCALES:
            header["TIMESYS"] = scale.upper()
        if place:
            header["TREFPOS"] = place
        if start:
            whole = Decimal(start) // 1
            header |= {"MJDREFI": int(whole), "MJDREFF": float(Decimal(start) - whole)}
    if len(frames) == 1:
        frame, _, equinox = frames.pop().partition(" ")
        if frame in FITS_FRAMES:
            header["RADESYS"] = frame.upper()
            if equinox:
                header["EQUINOX"] = float(equinox.lstrip("BJ"))
    return header


def frame_of(header: Mapping[str, Any]) -> str:
    """Return the frame of a FITS header, with an unusual equinox (``fk5 J2015.5``), or empty.

    A frame that is not named follows from the equinox (FITS standard 4.0, section 8.3): FK4 before
    1984, FK5 from then on.
    """
    frame = str(header.get("RADECSYS", header.get("RADESYS", ""))).strip().lower()
    try:
        equinox = float(header.get("EQUINOX", header.get("EPOCH", "")))
    except (TypeError, ValueError):
        return frame
    frame = frame or ("fk4" if equinox < _FK5_SINCE else "fk5")
    return with_equinox(frame, f"{'B' if frame.startswith('fk4') else 'J'}{equinox}")


def scale_at(scale: str, place: str) -> str:
    """Return a time scale, with its place if times there differ by minutes from those on Earth."""
    where = place.strip().upper()
    far = where.startswith(("SOLARSYS", "BARYC", "HELIOC"))
    return f"{scale or 'utc'} at {where}" if far else scale


def with_equinox(frame: str, equinox: str) -> str:
    """Return the name of a frame, followed by its equinox unless that is the frame's own."""
    usual = {"fk4": "B1950", "fk5": "J2000"}.get(frame)
    named = equinox.rstrip("0").rstrip(".") if "." in equinox else equinox
    return frame if usual in (None, named) or not named else f"{frame} {named}"


def reference_of(header: Mapping[str, Any]) -> str:
    """Return the reference MJD of a FITS header as decimal text; empty if it has none."""
    try:
        if "MJDREFI" in header or "MJDREFF" in header:
            total = Decimal(str(header.get("MJDREFI", 0))) + Decimal(str(header.get("MJDREFF", 0)))
        elif "MJDREF" in header:
            total = Decimal(str(header["MJDREF"]))
        elif "JDREFI" in header or "JDREFF" in header:
            total = Decimal(str(header.get("JDREFI", 0))) + Decimal(str(header.get("JDREFF", 0)))
            total -= _JD_OF_MJD_0
        elif "JDREF" in header:
            total = Decimal(str(header["JDREF"])) - _JD_OF_MJD_0
        else:
            return ""
        # Both shift all times of the table, in its unit of time.
        for key in ("TIMEZERO", "TIMEOFFS"):
            unit = _DAYS.get(str(header.get("TIMEUNIT", "s")).strip().lower())
            if shift := Decimal(str(header.get(key, 0))):
                total += shift * unit if unit else Decimal("nan")
    except InvalidOperation:
        return ""
    return format(total, "f") if total.is_finite() else ""
