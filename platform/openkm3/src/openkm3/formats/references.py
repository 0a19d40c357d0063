"""What the header of a file says of its columns of times and positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from .columns import ColumnData

_TIMES = ("time", "tstart", "tstop", "start", "stop")
_POSITIONS = ("ra", "dec")


def referred(content: dict[str, ColumnData], header: Mapping[str, Any]) -> dict[str, ColumnData]:
    """Return columns with the epoch, time scale and frame that a FITS header (or meta) gives."""
    start = reference_of(header)
    scale = str(header.get("TIMESYS", "")).strip().lower()
    frame = str(header.get("RADECSYS", header.get("RADESYS", ""))).strip().lower()
    result = dict(content)
    for name, data in content.items():
        if name.lower() in _TIMES and data.kind in "iuf" and start and not data.meaning.mjdref:
            meaning = replace(data.meaning, mjdref=start, timescale=data.meaning.timescale or scale)
            result[name] = replace(data, meaning=meaning)
        if name.lower() in _POSITIONS and frame and not data.meaning.frame:
            result[name] = replace(data, meaning=replace(data.meaning, frame=frame))
    return result


def reference_of(header: Mapping[str, Any]) -> str:
    """Return the MJD from which a FITS header counts times, as decimal text; empty without."""
    try:
        if "MJDREFI" in header or "MJDREFF" in header:
            total = Decimal(str(header.get("MJDREFI", 0))) + Decimal(str(header.get("MJDREFF", 0)))
        elif "MJDREF" in header:
            total = Decimal(str(header["MJDREF"]))
        else:
            return ""
    except InvalidOperation:
        return ""
    return format(total, "f") if total.is_finite() else ""
