"""Coordinates that cannot be are errors, wherever they come from; right ascensions go round."""

# ruff: noqa: S608 - building queries is what is tested

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st

from adqlite.cone import cone_search
from adqlite.errors import QueryError, VOError
from adqlite.queries.engine import Engine, UploadedTable
from adqlite.tables.metadata import Column

T = "ant20_01.main"


def upload(*rows: Sequence[float | None]) -> UploadedTable:
    columns = [Column(name=name, datatype="double") for name in ("a", "d", "r")]
    return UploadedTable(name="mine", columns=columns, rows=list(rows))


def ask(engine: Engine, query: str, *rows: Sequence[float | None]) -> list[tuple[Any, ...]]:
    uploads = [upload(*rows)] if rows else []
    with engine.run(query, seconds=20, uploads=uploads) as result:
        return list(result.rows)


# Each is tried with numbers in the query and with columns of an upload.
BAD = [
    ("POINT({a}, {d})", 10, 120, 1),
    ("POINT({a}, {d})", 10, -90.001, 1),
    ("POINT({a}, {d})", math.inf, 10, 1),
    ("CIRCLE({a}, {d}, {r})", -30, 120, 5),
    ("CIRCLE({a}, {d}, {r})", 10, 20, -1),
    ("CIRCLE({a}, {d}, {r})", 10, 20, 181),
    ("CIRCLE(POINT({a}, {d}), {r})", 10, 91, 1),
    ("BOX({a}, {d}, {r}, 1)", 10, 95, 1),
    ("BOX({a}, {d}, {r}, 1)", 10, 20, -1),
    ("BOX({a}, {d}, 1, {r})", 10, 89, 10),
    ("POLYGON(0, 0, {a}, {d}, 1, {r})", 10, 100, 1),
    ("POLYGON(0, 0, {a}, {d}, 1, {r})", 10, 10, -100),
    ("DISTANCE(POINT({a}, {d}), POINT(1, 2))", 10, 100, 1),
    ("DISTANCE({a}, {d}, 1, 2)", 10, 100, 1),
    ("DISTANCE(1, 2, {a}, {d})", 10, -100, 1),
    ("CONTAINS(POINT({a}, {d}), CIRCLE(1, 2, 3))", 10, 100, 1),
    ("CONTAINS(POINT(1, 2), CIRCLE({a}, {d}, {r}))", 10, 100, 1),
    ("CONTAINS(POINT(1, 2), CIRCLE({a}, {d}, {r}))", 10, 10, -1),
    ("CONTAINS(POINT(1, 2), BOX({a}, {d}, {r}, 1))", 10, 100, 1),
    ("INTERSECTS(BOX(1, 2, 3, 4), CIRCLE({a}, {d}, {r}))", 10, 100, 1),
    ("INTERSECTS(POINT({a}, {d}), POLYGON(0, 0, 1, 0, 1, 1))", 10, 100, 1),
    ("AREA(CIRCLE({a}, {d}, {r}))", 10, 20, -1),
    ("COORD2(POINT({a}, {d}))", 10, 91, 1),
]
WORDS = "declination|radius|sides|pole|right ascension"


@pytest.mark.parametrize(("shape", "a", "d", "r"), BAD)
def test_impossible_coordinates_are_an_error_in_every_function(
    engine: Engine, shape: str, a: float, d: float, r: float
) -> None:
    if math.isfinite(a):
        with pytest.raises(QueryError, match=WORDS):
            ask(engine, f"SELECT {shape.format(a=a, d=d, r=r)} AS x FROM {T} WHERE 1 = 0")
    columns = shape.format(a="a", d="d", r="r")
    good = (10.0, 20.0, 1.0)
    with pytest.raises(QueryError, match=WORDS):
        ask(engine, f"SELECT {columns} AS x FROM TAP_UPLOAD.mine", good, (a, d, r))
    assert ask(engine, f"SELECT {columns} AS x FROM TAP_UPLOAD.mine", good)[0][0] is not None
    # What is missing is not wrong.
    assert ask(engine, f"SELECT {columns} AS x FROM TAP_UPLOAD.mine", (a, None, r)) == [(None,)]


@pytest.mark.parametrize(
    ("condition", "row"),
    [
        ("1 = CONTAINS(POINT(ra, decl), CIRCLE(a, d, r))", (10, 120, 1)),
        ("1 = CONTAINS(POINT(ra, decl), CIRCLE(a, d, r))", (10, 20, -1)),
        ("1 = CONTAINS(POINT(a, d), CIRCLE(ra, decl, 1))", (10, 120, 1)),
        ("1 = CONTAINS(POINT(ra, decl), BOX(a, d, 1, 1))", (10, 120, 1)),
        ("1 = INTERSECTS(POINT(a, d), POINT(ra, decl))", (10, -91, 1)),
        ("DISTANCE(ra, decl, a, d) < r", (10, 120, 1)),
        ("DISTANCE(POINT(a, d), POINT(ra, decl)) <= 0.1", (10, 120, 1)),
    ],
)
def test_an_index_does_not_hide_impossible_coordinates(
    engine: Engine, condition: str, row: tuple[float, ...]
) -> None:
    query = f"SELECT COUNT(*) FROM TAP_UPLOAD.mine JOIN {T} ON {condition}"
    with pytest.raises(QueryError, match=WORDS):
        ask(engine, query, row)


def test_a_distance_may_be_compared_with_any_number(engine: Engine) -> None:
    query = f"SELECT COUNT(*) FROM {T} WHERE DISTANCE(ra, decl, 20, 30) < "
    assert ask(engine, query + "-1") == [(0,)]
    assert ask(engine, query + "1000") == [(8754,)]


@settings(max_examples=40, deadline=None)
@given(ra=st.floats(-1000, 1000), dec=st.floats(-90, 90))
def test_right_ascensions_go_round(engine: Engine, ra: float, dec: float) -> None:
    point = f"POINT({ra:.9f}, {dec:.9f})"
    values = f"COORD1({point}), DISTANCE({point}, POINT(10, 20))"
    query = f"SELECT {values} FROM {T} WHERE id = 'ANT0001'"
    found, distance = ask(engine, query)[0]
    expected = SkyCoord(float(f"{ra:.9f}"), float(f"{dec:.9f}"), unit=u.deg)
    assert math.cos(math.radians(found - expected.ra.deg)) == pytest.approx(1)
    assert 0 <= found <= 360
    assert distance == pytest.approx(expected.separation(SkyCoord(10, 20, unit=u.deg)).deg)


@pytest.mark.parametrize(
    "parameters",
    [
        {"RA": "10", "DEC": "120", "SR": "1"},
        {"RA": "10", "DEC": "20", "SR": "-1"},
        {"RA": "10", "DEC": "20", "SR": "181"},
        {"RA": "nan", "DEC": "20", "SR": "1"},
        {"RA": "inf", "DEC": "20", "SR": "1"},
        {"RA": "1_0", "DEC": "20", "SR": "1"},
        {"RA": "10", "DEC": "2 0", "SR": "1"},
        {"RA": "10", "DEC": "", "SR": "1"},
        {"RA": "10", "DEC": "20"},
    ],
)
def test_a_cone_that_cannot_be_is_an_error(engine: Engine, parameters: dict[str, str]) -> None:
    with pytest.raises(VOError), cone_search(engine, "ant20_01", "main", parameters):
        pass


@pytest.mark.parametrize("ra", ["20", "-340", "380", "2e1", "740.0"])
def test_right_ascensions_a_turn_apart_give_the_same_cone(engine: Engine, ra: str) -> None:
    given_ = {"RA": ra, "DEC": "30", "SR": "2"}
    with cone_search(engine, "ant20_01", "main", given_) as result:
        assert [row[-1] for row in result.rows] == ["ANT5087", "ANT3659"]
