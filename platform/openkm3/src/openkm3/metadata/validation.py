"""The validator: what is wrong with metadata and data, and how to correct it.

It does not raise errors: each problem is a :class:`Finding`. Level ``error`` means that the data
set would mislead its users, ``warning`` that it is hard to use, ``hint`` that its form could be
better.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .ktypes import KTYPES
from .model import Annotation, Parameter, TimeRange, ValueRange
from .units import dimension, expected_dimension, parse_unit

if TYPE_CHECKING:
    from astropy.table import Table

Level = Literal["error", "warning", "hint"]

#: Header keys without which data cannot be cited or used, and what to write in them.
REQUIRED = {
    "name": "a short, readable name",
    "description": "one sentence that describes the data",
    "contact": "an address that is read, e.g. opendata@km3net.de",
    "instrument": "ORCA, ARCA or ANTARES, with the number of lines if it matters",
    "license": "an SPDX identifier, e.g. CC-BY-4.0",
    "reference": "the DOI or address of a description of the data",
}

#: Header keys that help, but that KM3NeT's first published files do not have.
RECOMMENDED = {"version": "e.g. 1.0", "created": "the date, e.g. 2020-10-01"}

_LICENSE_NAMES = {
    "creative commons 4.0 international": "CC-BY-4.0",
    "creative commons attribution 4.0 international": "CC-BY-4.0",
    "cc by 4.0": "CC-BY-4.0",
    "cc-by 4.0": "CC-BY-4.0",
    "cc0": "CC0-1.0",
    "bsd": "BSD-3-Clause",
}
_SPDX = re.compile(r"[A-Za-z0-9.]+(-[A-Za-z0-9.]+)*\+?")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|https?://\S+")
_REFERENCE = re.compile(r"(https?://\S+)|((doi:)?10\.\d{4,9}/\S+)|(arXiv:\S+)", re.IGNORECASE)


@dataclass(frozen=True)
class Finding:
    """One problem of a data set."""

    level: Level
    where: str
    problem: str
    advice: str

    def __str__(self) -> str:
        return f"{self.level}: {self.where}: {self.problem} ({self.advice})"


def validate(annotation: Annotation, tables: Mapping[str, Table] | None = None) -> list[Finding]:
    """Check metadata, and data against it.

    Parameters
    ----------
    annotation : Annotation
        The metadata.
    tables : mapping of str to astropy.table.Table, optional
        The data. If given, its columns and values are compared with the metadata.

    Returns
    -------
    list of Finding
        Errors first; empty if no problem was found.
    """
    findings = [
        *_header(annotation),
        *_identity(annotation),
        *_times(annotation),
        *_ranges(annotation),
        *_parameters(annotation),
    ]
    if tables is not None:
        findings += _columns(annotation, tables)
    order = {"error": 0, "warning": 1, "hint": 2}
    return sorted(findings, key=lambda finding: order[finding.level])


def instant(text: str) -> np.datetime64 | None:
    """Return a UTC time with nanosecond precision, None if the text is not an ISO 8601 time.

    Published files have nine decimals, more than :class:`datetime.datetime` can hold. numpy's times
    of that precision end in 2262 and silently wrap around, so years outside 1900 to 2199 are
    refused.
    """
    text = re.sub(r"(Z|\+00:?00)$", "", text.strip())
    if not re.match(r"(19|20|21)\d{2}-\d{2}-\d{2}", text):
        return None
    try:
        return np.datetime64(text, "ns")
    except ValueError:
        return None


def _header(annotation: Annotation) -> Iterator[Finding]:
    header = annotation.header.plain()
    for key, advice in REQUIRED.items():
        if not header.get(key):
            yield Finding("error", f"header.{key}", "is missing", f"write {advice}")
    for key, advice in RECOMMENDED.items():
        if not header.get(key):
            yield Finding("hint", f"header.{key}", "is missing", f"write {advice}")
    if (text := header.get("license")) and not _SPDX.fullmatch(text):
        better = _LICENSE_NAMES.get(text.lower())
        yield Finding(
            "warning",
            "header.license",
            f"{text!r} is not an SPDX identifier, so programs cannot interpret it",
            f"write {better} if that is the licence"
            if better
            else "look it up at spdx.org/licenses",
        )
    if (text := header.get("contact")) and not _ADDRESS.search(text):
        yield Finding(
            "warning",
            "header.contact",
            f"{text!r} is not an address",
            "write a mail or web address",
        )
    for key in ("reference", "doi"):
        if (text := header.get(key)) and not _REFERENCE.search(text):
            yield Finding(
                "warning",
                f"header.{key}",
                f"{text!r} is neither a DOI nor an address",
                "write e.g. 10.3847/2041-8213/aad8c0",
            )


def _identity(annotation: Annotation) -> Iterator[Finding]:
    if annotation.kid:
        try:
            uuid.UUID(annotation.kid)
        except ValueError:
            yield Finding("error", "kid", f"{annotation.kid!r} is not a UUID", "leave it out")
    if not annotation.ktype:
        yield Finding(
            "warning",
            "ktype",
            "is missing",
            "write the type of the content, e.g. km3.data.l3.events.hdf5",
        )
    blocks: list[tuple[str, str | None]] = [("ktype", annotation.ktype)]
    blocks += [(f"origin.range.{key}.ktype", r.ktype) for key, r in annotation.origin.range.items()]
    blocks += [(f"paraminfo.{key}.ktype", p.ktype) for key, p in annotation.paraminfo.items()]
    for where, word in blocks:
        if word and word not in KTYPES:
            yield Finding(
                "warning",
                where,
                f"{word!r} is not in the vocabulary",
                "openkm3.metadata.KTYPES lists the words",
            )


def _times(annotation: Annotation) -> Iterator[Finding]:
    header = annotation.header
    spans: dict[str, tuple[str | None, str | None]] = {
        "header": (header.measurement_start, header.measurement_stop)
    }
    for key, span in annotation.origin.range.items():
        if isinstance(span, TimeRange):
            spans[f"origin.range.{key}"] = (span.measurement_start, span.measurement_stop)
    known: dict[str, tuple[np.datetime64, np.datetime64]] = {}
    for where, texts in spans.items():
        times = []
        for key, text in zip(("measurement_start", "measurement_stop"), texts, strict=True):
            if text is None:
                if any(texts):
                    yield Finding(
                        "warning",
                        f"{where}.{key}",
                        "is missing, but the other end of the range is given",
                        "write both, in UTC",
                    )
                continue
            if (time := instant(text)) is None:
                yield Finding(
                    "error",
                    f"{where}.{key}",
                    f"{text!r} is not a UTC time",
                    "write ISO 8601, e.g. 2019-10-03T06:00:00.544",
                )
                continue
            if time > np.datetime64(datetime.now(UTC).replace(tzinfo=None), "ns"):
                yield Finding(
                    "warning", f"{where}.{key}", f"{text} is in the future", "check the year"
                )
            times.append(time)
        if len(times) == 2:
            known[where] = (times[0], times[1])
            yield from _order(where, texts, times)
    if len(known) > 1 and len(set(known.values())) > 1:
        yield Finding(
            "warning",
            "header.measurement_start",
            "the times of the header differ from those of origin.range",
            "remove them from the header",
        )


def _order(
    where: str, texts: tuple[str | None, str | None], times: list[np.datetime64]
) -> Iterator[Finding]:
    start, stop = times
    if stop < start:
        days = (start - stop) / np.timedelta64(1, "D")
        yield Finding(
            "error",
            f"{where}.measurement_stop",
            f"the stop {texts[1]} is {days:.1f} days before the start {texts[0]}",
            "correct one of them, or swap them",
        )
    elif stop == start:
        yield Finding(
            "warning", f"{where}.measurement_stop", "start and stop are equal", "check both"
        )


def _ranges(annotation: Annotation) -> Iterator[Finding]:
    for key, span in annotation.origin.range.items():
        if isinstance(span, TimeRange):
            continue
        where = f"origin.range.{key}"
        yield from _minmax(where, span.min, span.max)
        yield from _unit(where, key, span.unit, None)
        yield from _zenith(where, key, span)


def _zenith(where: str, key: str, span: ValueRange) -> Iterator[Finding]:
    if key != "zenith":
        return
    unit = parse_unit(span.unit or "deg")
    if unit is None or dimension(unit) != "angle":
        return
    degree = parse_unit("deg")
    assert degree is not None  # noqa: S101 - for the type checker
    half_turn = float(degree.to(unit, 180))
    if span.min < 0 or span.max > half_turn * (1 + 1e-9):
        yield Finding(
            "error",
            where,
            f"zenith from {span.min} to {span.max} {span.unit or 'deg'} is outside 0 to 180 deg",
            "measure zenith from the point overhead",
        )


def _minmax(where: str, low: float, high: float) -> Iterator[Finding]:
    if not (np.isfinite(low) and np.isfinite(high)):
        yield Finding(
            "error", where, "an end of the range is not a finite number", "write finite numbers"
        )
    elif low > high:
        yield Finding("error", where, f"min {low} is above max {high}", "swap them")


def _unit(where: str, name: str, text: str | None, ucd: str | None) -> Iterator[Finding]:
    expected = expected_dimension(name, ucd)
    if not text:
        if expected:
            yield Finding(
                "warning", f"{where}.unit", "is missing", f"write the unit of the {expected}"
            )
        return
    unit = parse_unit(text)
    if unit is None:
        yield Finding(
            "error",
            f"{where}.unit",
            f"{text!r} is not a unit",
            "write it as astropy and the VO do, e.g. deg, GeV, m2, GeV-1 cm-2 s-1",
        )
    elif expected and dimension(unit) != expected:
        yield Finding(
            "error",
            f"{where}.unit",
            f"{text!r} is a unit of {dimension(unit)}, but {name} needs a unit of {expected}",
            "correct the unit, or the name and UCD",
        )


def _parameters(annotation: Annotation) -> Iterator[Finding]:
    for key, parameter in annotation.paraminfo.items():
        where = f"paraminfo.{key}"
        if not parameter.description:
            yield Finding("warning", f"{where}.description", "is missing", "describe the parameter")
        yield from _unit(
            where, parameter.columnname or parameter.name or key, parameter.unit, parameter.ucd
        )
        if parameter.range:
            yield from _minmax(f"{where}.range", *parameter.range)


def _columns(annotation: Annotation, tables: Mapping[str, Table]) -> Iterator[Finding]:
    columns = {name: table[name] for table in tables.values() for name in table.colnames}
    described: set[str] = set()
    for key, parameter in annotation.paraminfo.items():
        name = parameter.columnname or (key if key in columns else None)
        if name is None:
            continue
        if name not in columns:
            yield Finding(
                "error",
                f"paraminfo.{key}.columnname",
                f"there is no column {name!r}",
                f"the columns are {', '.join(list(columns)[:12]) or 'none'}",
            )
            continue
        described.add(name)
        yield from _values(f"paraminfo.{key}", parameter, columns[name])
    for name in columns:
        if annotation.paraminfo and name not in described and name != "group_id":
            yield Finding("warning", f"column {name}", "has no paraminfo", "describe the column")


def _values(where: str, parameter: Parameter, column: Any) -> Iterator[Finding]:
    unit = getattr(column, "unit", None)
    stated = parse_unit(parameter.unit) if parameter.unit else None
    if unit is not None and stated is not None and not unit.is_equivalent(stated):
        yield Finding(
            "error",
            f"{where}.unit",
            f"is {parameter.unit}, but the column is in {unit}",
            "correct one of them",
        )
    values = _known(column)
    if values is None or not values.size or parameter.range is None:
        return
    if unit is not None and stated is not None and unit.is_equivalent(stated):
        values = values * unit.to(stated)
    low, high = parameter.range
    outside = int(np.count_nonzero((values < low) | (values > high)))
    if outside:
        yield Finding(
            "error",
            f"{where}.range",
            f"{outside} of {np.size(column)} values are outside {low} to {high}",
            "correct the range or the data",
        )


def _known(column: Any) -> np.ndarray[Any, Any] | None:
    """Return the present numbers of a column, None if it does not hold numbers."""
    values = np.ma.getdata(column)
    if values.dtype.kind not in "iuf":
        return None
    known: np.ndarray[Any, Any] = values[~np.ma.getmaskarray(column)]
    return known[~np.isnan(known)] if known.dtype.kind == "f" else known
