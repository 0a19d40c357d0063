"""Recognises the columns with the time, position and energy of events."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .columns import Array, ColumnData, kept_unit
from .energies import NoEnergy, energies, has_unit_of_energy, is_energy_like
from .positions import NoPosition, icrs
from .times import COUNTS, NoTime, is_time_like, times

if TYPE_CHECKING:
    from astropy.time import Time

#: Roles for which a user may choose columns.
ROLES = ("TIME", "RA", "DEC", "ENERGY", "GLON", "GLAT", "EVENT_ID")
#: Roles that an event list may lack if the user confirms it.
OPTIONAL = ("TIME", "ENERGY")

_EQUATORIAL = (
    ("ra", "raj2000", "ra_deg", "ra_icrs", "right_ascension", "ra2000", "ra_reco", "reco_ra"),
    ("dec", "decl", "dej2000", "decj2000", "dec_deg", "de_icrs", "dec_icrs", "declination", "de"),
)
_GALACTIC = (
    ("glon", "gal_lon", "gal_l", "galactic_longitude", "l", "lii"),
    ("glat", "gal_lat", "gal_b", "galactic_latitude", "b", "bii"),
)
_ENERGY = ("energy", "e_reco", "energy_reco", "reco_energy", "e_rec", "energy_rec", "e")
_TIME = ("mjd", "time", "time_mjd", "mjd_obs", "jd", "time_utc", "datetime", "utc", "t", "date")
_TRUE = ("true", "mc", "sim")
# Properties of an energy: its error, limits, threshold, loss, ...
_ABOUT = re.compile(
    r"(?:^|[\W_])(?:std|unc|res|min|max|lo|hi|low|high|lower|upper|up|down|thr|cut|bins?|width|loss"
    r"|delta|diff|scale|ratio|pull|bias|range|step)(?:[\W_\d]|$)|err|sigma|uncert|resol|thresh",
    re.IGNORECASE,
)


class Unidentified(ValueError):
    """The column of the time, energy or position is not recognised."""


@dataclass(frozen=True)
class Choice:
    """A column that the user chose for a role: its name, and the format or unit of its numbers."""

    name: str
    count: str | None = None

    @classmethod
    def parse(cls, text: str, content: Mapping[str, ColumnData]) -> Choice:
        """Return the choice of ``NAME`` or ``NAME:COUNT`` (``t:mjd``, ``E:GeV``).

        Raises
        ------
        Unidentified
            If there is no such column.
        """
        name, colon, count = text.rpartition(":")
        if text in content:
            return cls(text)
        if colon and name in content:
            return cls(name, count)
        known = ", ".join(repr(each) for each in list(content)[:20])
        raise Unidentified(f"there is no column {text!r}; the columns are {known}")


def has_choice(text: str, content: Mapping[str, ColumnData]) -> bool:
    """Return whether a table has the column that the user chose."""
    return text in content or text.rpartition(":")[0] in content


def position(
    content: Mapping[str, ColumnData], chosen: Mapping[str, Choice]
) -> tuple[Array, Array] | None:
    """Return right ascension and declination in degrees (ICRS), None without positions.

    Raises
    ------
    Unidentified
        If there are positions, but they cannot be converted.
    """
    frame = "galactic" if chosen.keys() & {"GLON", "GLAT"} else ""
    pairs = (("RA", "DEC"), ("GLON", "GLAT"))
    if chosen.keys() & {"RA", "DEC", "GLON", "GLAT"}:
        asked = pairs[1] if frame else pairs[0]
        named = [chosen[role].name if role in chosen else _named(content, role) for role in asked]
        if None in named:
            raise Unidentified(
                f"no column is recognised as {asked[named.index(None)]}; {_advice(asked[0])}"
            )
    else:
        named, frame = _found_position(content)
        if not named:
            return None
    longitude, latitude = (
        _with_unit(content[str(name)], chosen.get(role))
        for name, role in zip(named, pairs[1] if frame else pairs[0], strict=True)
    )
    try:
        return icrs((str(named[0]), longitude), (str(named[1]), latitude), frame)
    except NoPosition as error:
        raise Unidentified(f"the positions cannot be converted: {error}") from None


def _found_position(content: Mapping[str, ColumnData]) -> tuple[list[str | None], str]:
    for frame, roles in (("", ("RA", "DEC")), ("galactic", ("GLON", "GLAT"))):
        found = [_named(content, role) for role in roles]
        if all(name is not None for name in found):
            return found, frame
    return [], ""


def _named(content: Mapping[str, ColumnData], role: str) -> str | None:
    """Return the column of a coordinate: by main UCD, then by name, then by UCD."""
    words = {
        "RA": ("pos.eq.ra", "pos_eq_ra", _EQUATORIAL[0]),
        "DEC": ("pos.eq.dec", "pos_eq_dec", _EQUATORIAL[1]),
        "GLON": ("pos.galactic.lon", "pos_gal_lon", _GALACTIC[0]),
        "GLAT": ("pos.galactic.lat", "pos_gal_lat", _GALACTIC[1]),
    }
    modern, old, names = words[role]
    fitting = {
        key: data for key, data in content.items() if data.values.ndim == 1 and data.kind in "iufU"
    }
    marked = [
        key
        for key, data in fitting.items()
        if (ucd := data.meaning.ucd.lower()) == modern or ucd.startswith((f"{modern};", old))
    ]
    main = [key for key in marked if "main" in fitting[key].meaning.ucd.lower()]
    if len(main) == 1:
        return main[0]
    for name in names:
        for key, data in fitting.items():
            plain = key.lower().rpartition(".")[2]
            # A single letter is ambiguous, so the unit must be one of angle.
            if plain == name and (len(name) > 1 or _is_angle(data)):
                return key
    return marked[0] if len(marked) == 1 else None


def _is_angle(data: ColumnData) -> bool:
    return "angle" in str(getattr(data.unit, "physical_type", ""))


def time(content: Mapping[str, ColumnData], chosen: Mapping[str, Choice]) -> Time | None:
    """Return the times of the events, None if no column looks like times.

    Raises
    ------
    Unidentified
        If one or more columns do, but it is not known which is right or what its numbers mean; the
        message names them.
    """

    def made(name: str, count: str | None) -> Time:
        if count is not None and count not in COUNTS:
            raise NoTime(f"{count!r} is not one of {', '.join(COUNTS)}")
        return times(name, content[name], count)

    return _Search(
        role="TIME",
        like=[key for key, data in content.items() if is_time_like(key, data)],
        made=made,
        ranks=[
            lambda name: name.lower() in _TIME,
            lambda name: content[name].meaning.ucd.lower().startswith("time.epoch"),
            lambda _: True,
        ],
        same=_same_times,
    ).result(chosen.get("TIME"))


def energy(content: Mapping[str, ColumnData], chosen: Mapping[str, Choice]) -> Array | None:
    """Return the energies in TeV, None if no column looks like energies; errors as for `time`."""
    like = [
        key
        for key, data in content.items()
        if is_energy_like(key, data) and not _is_of_another(key, data)
    ]
    found: Array | None = _Search(
        role="ENERGY",
        like=like,
        made=lambda name, unit: energies(name, content[name], unit),
        ranks=[
            lambda name: name.lower() in _ENERGY[:-1],
            lambda name: name.lower() == _ENERGY[-1],
            lambda name: content[name].meaning.ucd.lower().startswith(("em.", "phys.energy")),
            lambda name: has_unit_of_energy(content[name]),
            lambda _: True,
        ],
        same=lambda a, b: bool(np.allclose(a, b, rtol=1e-6, atol=0, equal_nan=True)),
    ).result(chosen.get("ENERGY"))
    return found


def _is_of_another(name: str, data: ColumnData) -> bool:
    """Return whether a column holds true energies, or errors, limits, ... of energies."""
    if any(word in name.lower() for word in _TRUE) or _ABOUT.search(name):
        return True
    return data.meaning.ucd.lower().startswith(("stat.", "error"))


def nothing_found(role: str, content: Mapping[str, ColumnData]) -> Unidentified:
    """Return the error that no column has a role, with the names of the columns."""
    names = ", ".join(repr(name) for name in list(content)[:20])
    more = f" and {len(content) - 20} more" if len(content) > 20 else ""
    without = f", or --without {role} if the data have none" if role in OPTIONAL else ""
    return Unidentified(
        f"no column is recognised as {role}, among {names}{more}; {_advice(role)}{without}"
    )


@dataclass(frozen=True)
class _Search:
    """A search for the column that has a role; columns with equal contents count as one.

    Attributes
    ----------
    role : str
        ``TIME`` or ``ENERGY``.
    like : list of str
        The candidate columns.
    made : callable
        Returns the content for a column's name and the user's choice of format or unit.
    ranks : list of callable
        Tests for a column, from the most to the least reliable.
    same : callable
        Whether two contents are equal.
    """

    role: str
    like: list[str]
    made: Callable[[str, str | None], Any]
    ranks: list[Callable[[str], bool]]
    same: Callable[[Any, Any], bool]

    def result(self, choice: Choice | None) -> Any:
        """Return the content, None if there is no candidate."""
        if choice is not None:
            try:
                return self.made(choice.name, choice.count)
            except (NoTime, NoEnergy) as error:
                raise Unidentified(f"{self.role}: {error}; {_advice(self.role)}") from None
        understood, reasons = self._understood()
        for fits in self.ranks:
            best = [name for name in self.like if fits(name)]
            if not best:
                continue
            known = [understood[name] for name in best if name in understood]
            if known and all(self.same(known[0], other) for other in known[1:]):
                return known[0]
            if known or _is_named(best, self.role) or not understood:
                raise self._unclear(reasons)
        return None

    def _understood(self) -> tuple[dict[str, Any], list[str]]:
        result, reasons = {}, []
        for name in self.like:
            try:
                result[name] = self.made(name, None)
            except (NoTime, NoEnergy) as error:
                reasons.append(str(error))
        return result, reasons

    def _unclear(self, reasons: list[str]) -> Unidentified:
        names = ", ".join(repr(name) for name in self.like)
        reason = "; ".join(reasons) or "their values differ"
        return Unidentified(f"{self.role} may be {names}: {reason}; {_advice(self.role)}")


def _is_named(names: list[str], role: str) -> bool:
    return any(name.lower() in (_TIME if role == "TIME" else _ENERGY) for name in names)


def _same_times(first: Time, second: Time) -> bool:
    gone = np.asarray(first.mask) | np.asarray(second.mask)
    return bool(np.all(np.abs((first - second).to_value("s")[~gone]) < 1e-3))


def _with_unit(data: ColumnData, choice: Choice | None) -> ColumnData:
    if choice is None or choice.count is None:
        return data
    return replace(data, unit=kept_unit(choice.count))


def _advice(role: str) -> str:
    examples = {
        "TIME": "choose one with --column TIME=NAME or TIME=NAME:mjd (jd, unix, gps)",
        "ENERGY": "choose one with --column ENERGY=NAME or ENERGY=NAME:GeV",
        "RA": "choose them with --column RA=NAME --column DEC=NAME",
        "GLON": "choose them with --column GLON=NAME --column GLAT=NAME",
    }
    return examples[role]
