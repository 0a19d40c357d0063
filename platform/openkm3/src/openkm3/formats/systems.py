"""The systems of times and coordinates that a VOTable declares (TIMESYS, COOSYS)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from .columns import ColumnData
from .references import scale_at, with_equinox

_JD_OF_MJD_0 = Decimal("2400000.5")
_ORIGINS = {"MJD-origin": "2400000.5", "JD-origin": "0"}
_FRAMES = {"eq_fk5": "fk5", "eq_fk4": "fk4", "galactic": "galactic", "icrs": "icrs"}


@dataclass(frozen=True)
class Systems:
    """The systems of a document, by their identifiers.

    Attributes
    ----------
    times : dict of str to tuple of str
        Time scale and reference MJD (empty if it is not given).
    frames : dict of str to str
        Coordinate frame.
    """

    times: dict[str, tuple[str, str]]
    frames: dict[str, str]

    @classmethod
    def of(cls, document: Any) -> Systems:
        """Return the systems declared anywhere in a document."""
        times, frames = {}, {}
        for holder in (document, *_resources(document)):
            for each in getattr(holder, "time_systems", []):
                scale = scale_at(_scale(each.timescale), str(each.refposition or ""))
                times[str(each.ID)] = (scale, _mjd(each.timeorigin))
            for each in getattr(holder, "coordinate_systems", []):
                system = str(each.system or "").lower()
                frames[str(each.ID)] = with_equinox(
                    _FRAMES.get(system, system), _equinox(system, str(each.equinox or ""))
                )
        return cls(times, frames)

    def applied(self, data: ColumnData, ref: str) -> ColumnData:
        """Return a column with the time scale and frame of the system that it refers to."""
        meaning = data.meaning
        if ref in self.times:
            scale, start = self.times[ref]
            meaning = replace(meaning, timescale=scale, mjdref=start if data.kind in "iuf" else "")
        if ref in self.frames:
            meaning = replace(meaning, frame=self.frames[ref])
        return replace(data, meaning=meaning)


def _resources(holder: Any) -> Iterator[Any]:
    for resource in holder.resources:
        yield resource
        yield from _resources(resource)


def _equinox(system: str, text: str) -> str:
    """Return an equinox with its letter, which documents of VOTable 1.1 omit."""
    letter = "B" if system == "eq_fk4" else "J"
    return f"{letter}{text}" if text[:1].isdigit() else text.upper()


def _scale(text: Any) -> str:
    scale = str(text or "").lower()
    return "" if scale in ("utc", "unknown", "") else scale


def _mjd(origin: Any) -> str:
    text = _ORIGINS.get(str(origin), str(origin if origin is not None else ""))
    try:
        return format(Decimal(text) - _JD_OF_MJD_0, "f") if text else ""
    except InvalidOperation:
        return ""
