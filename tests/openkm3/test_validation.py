"""The validator finds what is wrong with metadata, and explains it."""

from __future__ import annotations

import pytest

pytest.importorskip("pydantic", reason="needs pydantic: run it in the science environment")
pytest.importorskip("astropy", reason="needs astropy: run it in the science environment")

from datetime import datetime
from typing import Any

import numpy as np
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from openkm3.errors import MetadataError
from openkm3.metadata import KTYPES, Annotation, Finding, validate
from openkm3.metadata.validation import instant

GOOD: dict[str, Any] = {
    "ktype": "km3.data.l3.events.hdf5",
    "header": {
        "name": "n",
        "description": "d",
        "contact": "opendata@km3net.de",
        "instrument": "ORCA",
        "license": "CC-BY-4.0",
        "reference": "10.3847/2041-8213/aad8c0",
        "version": "1.0",
        "created": "2020-10-01",
    },
}
#: The header of one_week_orca.h5 as published.
PUBLISHED = {
    "author": b"The KM3Net collaboration",
    "contact": b"opendata@km3net.de",
    "instrument": b"ORCA",
    "license": b"Creative Commons 4.0 International",
    "measurement_start": b"2019-10-03T06:00:00.544000000",
    "measurement_stop": b"2019-09-17T06:00:00.202000000",
    "reference": b"http://www.km3net.org/",
}


def findings(changes: dict[str, Any], tables: dict[str, Table] | None = None) -> list[Finding]:
    return validate(Annotation.parse(GOOD | changes), tables)


def single(changes: dict[str, Any], tables: dict[str, Table] | None = None) -> Finding:
    (finding,) = findings(changes, tables)
    return finding


def test_sound_metadata_have_no_findings() -> None:
    assert findings({}) == []


def test_the_published_orca_header_stops_before_it_starts() -> None:
    found = validate(Annotation.parse({"header": PUBLISHED}))
    (order,) = [f for f in found if f.where == "header.measurement_stop"]
    assert order.level == "error"
    assert order.problem == (
        "the stop 2019-09-17T06:00:00.202000000 is 16.0 days before the start "
        "2019-10-03T06:00:00.544000000"
    )
    (licence,) = [f for f in found if f.where == "header.license"]
    assert licence.level == "warning"
    assert "CC-BY-4.0" in licence.advice
    assert [f.where for f in found if f.problem == "is missing" and f.level == "error"] == [
        "header.name",
        "header.description",
    ]


def test_a_nanosecond_decides_the_order_of_times() -> None:
    assert instant("2019-10-03T06:00:00.000000001Z") > instant("2019-10-03T06:00:00")
    for text in ("yesterday", "2019-13-01", "58749.5", "2999-01-01", ""):
        assert instant(text) is None


@pytest.mark.parametrize(
    ("span", "where", "words"),
    [
        ({"measurement_start": "2020-01-02", "measurement_stop": "2020-01-01"}, "stop", "before"),
        ({"measurement_start": "2020-01-01", "measurement_stop": "2020-01-01"}, "stop", "equal"),
        ({"measurement_start": "soon", "measurement_stop": "2020-01-01"}, "start", "not a UTC"),
        ({"measurement_start": "2020-01-01", "measurement_stop": "2099-01-01"}, "stop", "future"),
    ],
)
def test_times_of_origin(span: dict[str, str], where: str, words: str) -> None:
    finding = single({"origin": {"range": {"time": span}}})
    assert finding.where == f"origin.range.time.measurement_{where}"
    assert words in finding.problem


@pytest.mark.parametrize(
    ("key", "span", "words"),
    [
        ("zenith", {"min": 0, "max": 200, "unit": "deg"}, "outside 0 to 180 deg"),
        ("zenith", {"min": 0, "max": 3.2, "unit": "rad"}, "outside 0 to 180 deg"),
        (
            "zenith",
            {"min": 0, "max": 1, "unit": "GeV"},
            "unit of energy, but zenith needs a unit of angle",
        ),
        ("energy", {"min": 5, "max": 1, "unit": "GeV"}, "min 5 is above max 1"),
        ("energy", {"min": 5, "max": 9}, "is missing"),
        ("energy", {"min": 5, "max": 9, "unit": "Gev"}, "'Gev' is not a unit"),
    ],
)
def test_ranges_of_origin(key: str, span: dict[str, Any], words: str) -> None:
    finding = single({"origin": {"range": {key: span}}})
    assert finding.where.startswith(f"origin.range.{key}")
    assert words in finding.problem


@pytest.mark.parametrize("unit", ["deg", "GeV^{-1} cm^{2} s", "m2", "GeV-1 cm-2 s-1", "1/s", "%"])
def test_units_as_published_are_parsed(unit: str) -> None:
    assert findings({"paraminfo": {"x": {"description": "d", "unit": unit}}}) == []


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        (
            {"columnname": "decl", "unit": "m"},
            "'m' is a unit of length, but decl needs a unit of angle",
        ),
        ({"name": "x", "ucd": "pos.eq.ra;meta.main", "unit": "s"}, "unit of time"),
        ({"name": "energy", "unit": "deg"}, "unit of angle"),
        ({"name": "x", "unit": "furlongs per fortnight"}, "is not a unit"),
        ({"name": "x", "range": [90, -90]}, "min 90 is above max -90"),
        ({"name": "x", "ktype": "tbd"}, "'tbd' is not in the vocabulary"),
    ],
)
def test_parameters(parameter: dict[str, Any], words: str) -> None:
    finding = single({"paraminfo": {"p": {"description": "d"} | parameter}})
    assert words in finding.problem


def test_data_are_compared_with_the_metadata() -> None:
    table = Table({"ra": [0.0, 400.0, np.nan], "extra": [1, 2, 3]}, units={"ra": "rad"})
    described = {
        "ra": {"description": "d", "unit": "deg", "range": [0, 360]},
        "gone": {"description": "d", "columnname": "gone"},
    }
    problems = {f.where: f.problem for f in findings({"paraminfo": described}, {"t": table})}
    assert problems == {
        "paraminfo.gone.columnname": "there is no column 'gone'",
        "paraminfo.ra.range": "1 of 3 values are outside 0 to 360",
        "column extra": "has no paraminfo",
    }
    described["ra"]["unit"] = "GeV"
    problems = {f.where: f.problem for f in findings({"paraminfo": described}, {"t": table})}
    assert problems["paraminfo.ra.unit"].startswith("'GeV' is a unit of energy") or (
        "is GeV, but the column is in rad" in problems["paraminfo.ra.unit"]
    )


def test_a_wrong_kid_and_contact_are_reported() -> None:
    assert single({"kid": "123"}).where == "kid"
    header = GOOD["header"] | {"contact": "the spokesperson"}
    assert single({"header": header}).problem == "'the spokesperson' is not an address"


def test_paraminfo_kept_as_json_texts_is_read() -> None:
    # As in the published ORCA file.
    text = '{"description": "track direction", "ktype": null, "path": "(event).tracks.dir_z"}'
    parameter = Annotation.parse({"paraminfo": {"dirz": text}}).paraminfo["dirz"]
    assert parameter.description == "track direction"
    assert parameter.plain()["path"] == "(event).tracks.dir_z"


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"header": 3}, "header"),
        ({"origin": {"range": {"zenith": {"min": "low", "max": 3}}}}, "origin.range.zenith"),
        ({"paraminfo": {"x": {"range": [1]}}}, "paraminfo.x.range"),
        ([1], "metadata"),
        (None, "metadata"),
    ],
)
def test_metadata_of_the_wrong_shape_say_where(content: object, place: str) -> None:
    with pytest.raises(MetadataError, match=place):
        Annotation.parse(content)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*Annotation.model_fields, "other"]), json_values))
def test_no_metadata_crash_the_validator(content: dict[str, Any]) -> None:
    try:
        annotation = Annotation.parse(content)
    except MetadataError:
        return
    assert all(finding.advice for finding in validate(annotation))


@given(
    start=st.datetimes(datetime(1990, 1, 1), datetime(2020, 1, 1)),
    seconds=st.integers(-(10**8), 10**8),
)
def test_an_order_error_is_found_exactly_where_there_is_one(start: Any, seconds: int) -> None:
    stop = np.datetime64(start, "us") + np.timedelta64(seconds, "s")
    span = {"measurement_start": start.isoformat(), "measurement_stop": str(stop)}
    levels = {f.level for f in findings({"origin": {"range": {"time": span}}})}
    assert ("error" in levels) == (seconds < 0)


def test_every_word_of_the_vocabulary_but_the_roots_has_a_broader_one() -> None:
    assert KTYPES["km3.data.l4.table.binned.aeff1d"].broader == "km3.data.l4.table.binned"
    assert KTYPES["km3.data.l3.events.hdf5"].broader == "km3.data.l3.events"
    assert KTYPES["km3.data.l3.events"].broader is None
