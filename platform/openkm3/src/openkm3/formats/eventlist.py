"""The columns and keywords that GADF and VODF require of an event list.

Nothing is guessed: a table whose time or energy column is not recognised is refused. Data without
times or energies become an event list only if the caller confirms that they have none; the required
column is NaN then.

Standards: gamma-astro-data-formats.readthedocs.io (GADF), vodf.readthedocs.io (VODF, draft).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..messages import log
from ..metadata import Annotation
from . import roles
from .columns import Array, ColumnData, Meaning, kept_unit
from .eventids import event_numbers
from .roles import Choice, Unidentified, nothing_found

if TYPE_CHECKING:
    from astropy.time import Time

Profile = Literal["gadf", "vodf"]

#: Times are counted from here (2000-01-01, TT).
MJDREF = 51544

_ID = ("id", "event_id", "internalid")
_CLASSES = {
    "gadf": {
        "HDUCLASS": "GADF",
        "HDUDOC": "https://github.com/open-gamma-ray-astro/gamma-astro-data-formats",
        "HDUVERS": "0.3",
    },
    "vodf": {
        "HDUCLASS": "VODF",
        "HDUDOC": "https://vodf.readthedocs.io",
        "HDUVERS": "0.1",
    },
}


@dataclass(frozen=True)
class Request:
    """The caller's request for an event list.

    Attributes
    ----------
    profile : {"gadf", "vodf"}
        The standard.
    chosen : mapping of str to str
        The user's choice of columns for roles, e.g. ``{"TIME": "t:mjd"}``.
    without : collection of str
        ``TIME``, ``ENERGY`` or both, if the user confirmed that the data have none.
    is_main : bool
        Whether the table is the main one of the data. Another table without times or energies,
        such as a list of sources, is not an event list.
    """

    profile: Profile = "gadf"
    chosen: Mapping[str, str] = field(default_factory=dict)
    without: Collection[str] = ()
    is_main: bool = True


def standard(
    name: str,
    content: Mapping[str, ColumnData],
    annotation: Annotation,
    request: Request,
) -> tuple[dict[str, ColumnData], dict[str, Any]]:
    """Return the columns and the header that the standard requires; empty for other tables.

    Parameters
    ----------
    name : str
        The table's name, for messages.
    content : mapping of str to ColumnData
        Its columns.
    annotation : Annotation
        Its ``paraminfo`` has the units of columns without one.
    request : Request
        The standard, and the user's choices of columns.

    Raises
    ------
    Unidentified
        If the columns of time, energy or position, or their units, are not recognised; or if there
        is no such column and the request does not confirm that.
    """
    known = _described(content, annotation)
    choices = {role: Choice.parse(text, known) for role, text in request.chosen.items()}
    where = roles.position(known, choices)
    rows = len(next(iter(known.values())).values) if known else 0
    if where is None and choices:
        raise nothing_found("RA", known)
    if where is None or not rows:
        return {}, {}
    without = request.without
    times = None if "TIME" in without else roles.time(known, choices)
    energies = None if "ENERGY" in without else roles.energy(known, choices)
    for role, values in (("TIME", times), ("ENERGY", energies)):
        if values is None and role not in without:
            if not request.is_main:
                return {}, {}
            raise nothing_found(role, known)
    seconds = np.full(rows, np.nan) if times is None else _seconds(times)
    energies = np.full(rows, np.nan) if energies is None else energies
    for what, values in (("position", where[0]), ("time", seconds), ("energy", energies)):
        if count := int(np.count_nonzero(~np.isfinite(values))):
            log.warning(
                "%s: %d of %d events have no %s; it is NaN in the event list.",
                *(name, count, rows, what),
            )
    columns = {
        "EVENT_ID": ColumnData(_identifiers(known, choices, rows), meaning=Meaning()),
        "TIME": ColumnData(seconds, unit=kept_unit("s")),
        "RA": ColumnData(where[0], unit=kept_unit("deg")),
        "DEC": ColumnData(where[1], unit=kept_unit("deg")),
        "ENERGY": ColumnData(energies, unit=kept_unit("TeV")),
    }
    return columns, _header(annotation, request.profile, seconds)


def _described(content: Mapping[str, ColumnData], annotation: Annotation) -> dict[str, ColumnData]:
    """Return columns with units and UCDs from the metadata if they have none themselves."""
    result = dict(content)
    for key, parameter in annotation.paraminfo.items():
        name = parameter.columnname or key
        if name not in result:
            continue
        data = result[name]
        ucd = data.meaning.ucd or parameter.ucd or ""
        unit = data.unit if data.unit is not None else kept_unit(parameter.unit)
        meaning = Meaning(**(vars(data.meaning) | {"ucd": ucd}))
        result[name] = ColumnData(data.values, data.mask, unit, meaning)
    return result


def _seconds(times: Time) -> Array:
    from astropy.time import Time as AstropyTime

    gone = np.broadcast_to(np.asarray(times.mask, dtype=bool), times.shape)
    elapsed = times.tt - AstropyTime(MJDREF, format="mjd", scale="tt")
    return np.where(gone, np.nan, np.ma.getdata(np.ma.asarray(elapsed.to_value("s"))))


def _identifiers(
    content: Mapping[str, ColumnData], chosen: Mapping[str, Choice], rows: int
) -> Array:
    """Return the identifiers as numbers; the row numbers if no identifiers can be converted.

    Raises
    ------
    Unidentified
        If the user chose a column that cannot be converted.
    """
    key = chosen["EVENT_ID"].name if "EVENT_ID" in chosen else None
    for name in content:
        key = name if key is None and name.lower() in _ID else key
    numbers = None if key is None else _numbered(content[key], rows)
    if numbers is not None:
        return numbers
    if "EVENT_ID" in chosen:
        raise Unidentified(
            f"EVENT_ID: {key!r} holds neither a different 64-bit number for each event nor "
            "identifiers of KM3NeT or ANTARES; without --column EVENT_ID the rows are numbered"
        )
    if key is not None:
        log.warning("Column %r cannot be EVENT_ID; the rows are numbered from 1.", key)
    return np.arange(1, rows + 1)


def _numbered(data: ColumnData, rows: int) -> Array | None:
    """Return identifiers as 64-bit numbers, None if they cannot be converted or are not unique."""
    values = data.values
    if data.missing.any() or values.ndim != 1:
        return None
    if values.dtype.kind in "iu":
        fits = len(np.unique(values)) == rows and values.max() < 2**63
        return values.astype(np.int64) if fits else None
    return event_numbers(str(value) for value in values)


def _header(annotation: Annotation, profile: Profile, seconds: Array) -> dict[str, Any]:
    instrument = annotation.header.instrument or "unknown"
    span: dict[str, float] = {}
    if np.isfinite(seconds).any():
        span = {"TSTART": float(np.nanmin(seconds)), "TSTOP": float(np.nanmax(seconds))}
    return _CLASSES[profile] | {
        "HDUCLAS1": "EVENTS",
        "TELESCOP": "ANTARES" if "ANTARES" in instrument.upper() else "KM3NeT",
        "INSTRUME": instrument[:60].encode("ascii", "replace").decode(),
        "OBS_ID": 1,
        "MJDREFI": MJDREF,
        "MJDREFF": 0.0,
        "TIMEUNIT": "s",
        "TIMESYS": "TT",
        "TIMEREF": "LOCAL",
        **span,
        "RADECSYS": "ICRS",
        "EQUINOX": 2000.0,
        "EV_CLASS": "unknown",
    }
