"""The systems of times and coordinates that a VOTable declares (TIMESYS, COOSYS)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from .columns import ColumnData
from .references import scale_at, with_equinox

_JD_OF_MJD_0 = Decimal("2400000.5")
_ORIGINS = {"MJD-origin": "2400000.5", "JD-origin": "0"}
_FRAMES = {"eq_fk5": "fk5", "eq_fk4": "fk4", "galactic": "galactic", "icrs": "icrs"}
#: How VOTable 1.4 spells the frames and time scales (3.3 and 3.4; vocabulary ``timescale``).
_SYSTEMS = {"fk5": "eq_FK5", "fk4": "eq_FK4", "galactic": "galactic", "icrs": "ICRS"}
_TIMESCALES = frozenset({"tt", "tai", "utc", "tdb", "tcb", "tcg", "ut1", "ut", "gps"})


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


def declare(resource: Any, fields: Iterable[tuple[Any, ColumnData]]) -> None:
    """Declare the systems of a table's columns in its resource, and have its fields refer to them.

    Other readers would take times of another scale for UTC, and positions of another frame for
    ICRS. A scale or frame for which VOTable has no word is not declared.

    Parameters
    ----------
    resource : astropy.io.votable.tree.Resource
        The resource of the table.
    fields : iterable of tuple
        Each field with its column.
    """
    from astropy.io.votable.tree import CooSys, TimeSys

    declared: dict[tuple[str, ...], str] = {}
    for field, data in fields:
        time, frame = _time_system(data), _coordinate_system(data)
        key = time or frame
        if not key:
            continue
        if key not in declared:
            kind = "times" if time else "positions"
            taken = len(resource.time_systems) + len(resource.coordinate_systems)
            declared[key] = f"{kind}_{taken + 1}"
            if time:
                scale, place, origin = time
                resource.time_systems.append(
                    TimeSys(
                        ID=declared[key],
                        timescale=scale,
                        refposition=place,
                        timeorigin=float(origin) if origin else None,
                        config={"version_1_4_or_later": True},
                    )
                )
            else:
                system, equinox = frame
                resource.coordinate_systems.append(
                    CooSys(ID=declared[key], system=system, equinox=equinox or None)
                )
        field.ref = declared[key]


def _time_system(data: ColumnData) -> tuple[str, ...]:
    """Return time scale, reference position and origin (JD), empty if there is none to declare."""
    meaning = data.meaning
    if not (meaning.timescale or meaning.mjdref):
        return ()
    scale, _, place = meaning.timescale.partition(" at ")
    scale = scale.partition("(")[0].strip() or "utc"
    if scale not in _TIMESCALES:
        return ()
    origin = ""
    if data.kind in "iuf":
        if not meaning.mjdref:
            return ()  # VOTable demands the origin of numbers
        origin = format(Decimal(meaning.mjdref) + _JD_OF_MJD_0, "f")
    where = {"BARYC": "BARYCENTER", "SOLARSYS": "BARYCENTER", "HELIOC": "HELIOCENTER"}
    places = [word for start, word in where.items() if place.startswith(start)]
    return scale.upper(), places[0] if places else "UNKNOWN", origin


def _coordinate_system(data: ColumnData) -> tuple[str, ...]:
    """Return system and equinox, empty if there is none to declare."""
    name, _, equinox = data.meaning.frame.partition(" ")
    return (_SYSTEMS[name], equinox) if name in _SYSTEMS else ()


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
