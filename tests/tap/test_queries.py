"""ADQL on SQLite."""

# ruff: noqa: S608, E501 - building queries is what is tested

from __future__ import annotations

import sqlite3
import time

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st

from adqlite.errors import MetadataError, QueryError, QueryTimeout
from adqlite.limits import Limits
from adqlite.queries import sqlfunctions
from adqlite.queries.engine import Engine
from adqlite.tables.metadata import Schema, Table, TableColumn
from adqlite.tables.storage import TableStore


def ask(engine: Engine, query: str, **more):
    with engine.run(query, seconds=more.pop("seconds", 20), **more) as result:
        return list(result.rows), result


def test_ten_events_have_more_than_150_hits(engine):
    rows, result = ask(engine, "SELECT * FROM ant20_01.main WHERE nhit>150 ORDER BY nhit DESC")
    assert len(rows) == 10
    assert rows[0] == (54789.2282, 0.1, 263, 315.0, -16.7, "ANT1157")
    assert [(c.name, c.datatype, c.unit) for c in result.columns] == [
        ("mjd", "double", "d"),
        ("beta", "double", "deg"),
        ("nhit", "int", None),
        ("ra", "double", "deg"),
        ("decl", "double", "deg"),
        ("id", "char", None),
    ]


def test_all_8754_events_are_there(engine):
    assert ask(engine, "SELECT COUNT(*) FROM ant20_01.main")[0] == [(8754,)]


@pytest.mark.parametrize(
    "condition",
    [
        "1 = CONTAINS(POINT('ICRS', ra, decl), CIRCLE('ICRS', 20, 30, 2))",
        "CONTAINS(POINT(ra, decl), CIRCLE(POINT(20, 30), 2)) = 1",
        "DISTANCE(POINT(ra, decl), POINT(20, 30)) <= 2",
        "2 >= DISTANCE(20, 30, ra, decl)",
        "1 = CONTAINS(POINT(20, 30), CIRCLE(ra, decl, 2))",
        "1 = INTERSECTS(POINT(ra, decl), CIRCLE('', 20, 30, 2))",
        "1 = INTERSECTS(CIRCLE(ra, decl, 0.5), CIRCLE('', 20, 30, 1.5))",
        "NOT 0 = CONTAINS(POINT(ra, decl), CIRCLE('ICRS', 380, 30, 2e0))",
    ],
)
def test_each_way_to_write_a_cone_gives_the_two_published_events(engine, condition):
    rows, result = ask(
        engine,
        "SELECT id, DISTANCE(POINT(ra, decl), POINT(20, 30)) AS d FROM ant20_01.main "
        f"WHERE {condition} ORDER BY d",
    )
    assert [row[0] for row in rows] == ["ANT5087", "ANT3659"]
    assert [row[1] for row in rows] == pytest.approx([0.327663931770686, 1.56948430621669])
    assert result.columns[1].unit == "deg"


@pytest.fixture(scope="module")
def sky(engine):
    rows, _ = ask(engine, "SELECT ra, decl FROM ant20_01.main")
    return SkyCoord(*np.array(rows).T, unit="deg")


@settings(max_examples=25, deadline=None)
@given(
    ra=st.floats(0, 360),
    dec=st.sampled_from([-90, -89.3, -60, 0, 30, 52.8, 90]) | st.floats(-90, 90),
    radius=st.floats(0, 40),
)
def test_cones_have_as_many_events_as_astropy_finds(engine, sky, ra, dec, radius):
    distance = sky.separation(SkyCoord(ra, dec, unit="deg")).deg
    expected = np.count_nonzero(distance <= radius)
    at_the_edge = np.count_nonzero(abs(distance - radius) < 1e-9)
    rows, _ = ask(
        engine,
        "SELECT COUNT(*) FROM ant20_01.main WHERE 1 = CONTAINS(POINT('ICRS', ra, decl), "
        f"CIRCLE('ICRS', {ra:.15f}, {dec:.15f}, {radius:.15f}))",
    )
    assert abs(rows[0][0] - expected) <= at_the_edge


def test_a_cone_reads_an_index_and_not_the_table(engine):
    query = (
        "SELECT id FROM ant20_01.main WHERE nhit > 20 AND 1 = "
        "CONTAINS(POINT('ICRS', ra, decl), CIRCLE('ICRS', 20, 30, 2))"
    )
    sql = engine.translate(query, {}).sql
    schema = engine.store.schema("ant20_01")
    database = sqlite3.connect(":memory:")
    database.execute("ATTACH ? AS ant20_01", (str(engine.store.file(schema)),))
    sqlfunctions.register(database)
    plan = " ".join(row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {sql}"))
    assert "SEARCH" in plan
    assert "SCAN" not in plan


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("AREA(CIRCLE('', 10, 20, 90))", 20626.480624709635),
        ("AREA(POLYGON(0, 0, 90, 0, 0, 90))", 5156.620156177409),
        ("CONTAINS(POINT('', 1, 1), POLYGON(0, 0, 10, 0, 10, 10, 0, 10))", 1),
        ("CONTAINS(POINT('', 181, -1), POLYGON(0, 0, 10, 0, 10, 10, 0, 10))", 0),
        ("CONTAINS(POINT('', 359.5, 0), BOX('', 0, 0, 2, 2))", 1),
        ("CONTAINS(CIRCLE('', 5, 5, 1), CIRCLE('', 5, 5, 2))", 1),
        ("INTERSECTS(CIRCLE('', 12, 5, 3), BOX('', 5, 5, 10, 10))", 1),
        ("INTERSECTS(CIRCLE('', 14, 5, 3), BOX('', 5, 5, 10, 10))", 0),
        ("COORD2(POINT('', 1, -2))", -2.0),
        ("ROUND(2.5)", 3.0),
        ("MOD(-7, 3)", -1),
        ("LOG(EXP(2))", 2.0),
        ("TRUNCATE(-1.27, 1)", -1.2),
        ("SQRT(-1)", None),
        ("1 / 0", None),
        ("6 ^ 3", 5),
        ("1e-3 * 1E3", 1.0),
        ("UPPER('abc')", "ABC"),
        ("'it''s' || ' -- it'", "it's -- it"),
    ],
)
def test_expressions_have_the_values_of_the_standard(engine, expression, value):
    rows, _ = ask(engine, f"SELECT TOP 1 {expression} AS x FROM ant20_01.main")
    assert rows[0][0] == (pytest.approx(value) if isinstance(value, float) else value)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT TOP 2 m.ra AS x FROM ant20_01.main AS m UNION SELECT TOP 2 decl FROM ant20_01.main",
        "WITH q AS (SELECT ra, nhit FROM ant20_01.main) SELECT TOP 3 q.ra FROM q WHERE nhit > 20",
        "SELECT t.n FROM (SELECT COUNT(*) AS n, nhit FROM ant20_01.main GROUP BY nhit) AS t WHERE n>9",
        "SELECT a.id FROM ant20_01.main a LEFT OUTER JOIN ant20_01.main b ON a.mjd = b.mjd",
        "SELECT * FROM ant20_01.main JOIN ant20_01.main AS b USING (id)",
        "SELECT ant20_01.main.id FROM ant20_01.main WHERE EXISTS (SELECT 1 FROM tap_schema.tables)",
        'SELECT "size", "Column_Name" FROM TAP_SCHEMA.columns /* reserved */ -- word',
        "SELECT id FROM ant20_01.main WHERE id ILIKE 'ant1%' AND id NOT LIKE 'ANT11%' ORDER BY id OFFSET 3",
    ],
)
def test_the_usual_forms_of_queries_are_answered(engine, query):
    assert ask(engine, query)[0]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("DROP TABLE ant20_01.main", "not valid ADQL"),
        ("SELECT 1 FROM ant20_01.main; DELETE FROM ant20_01.main", "should end before"),
        ("SELECT load_extension('x') FROM ant20_01.main", "no function"),
        ("SELECT * FROM sqlite_master", "no table"),
        ("SELECT * FROM ant20_01.sqlite_master", "no table"),
        ("SELECT * FROM main.sqlite_schema", "no table"),
        ("SELECT nosuch FROM ant20_01.main", "no column nosuch"),
        ('SELECT "nosuch" FROM ant20_01.main', "no column nosuch"),
        ('SELECT "x`; DROP TABLE y" FROM ant20_01.main', "no column"),
        ("SELECT POINT(__import__('os').getcwd(), 1) FROM ant20_01.main", "not valid ADQL"),
        ("SELECT a.id FROM ant20_01.main a, ant20_01.main b WHERE ra = 1", "in two tables"),
        (
            "SELECT 1 FROM ant20_01.main WHERE 1=CONTAINS(POINT('GALACTIC', ra, decl), CIRCLE('',1,2,3))",
            "ICRS",
        ),
        ("SELECT CIRCLE('', 1, 2, -3) FROM ant20_01.main", "radius"),
        ("SELECT " + "(" * 200 + "1" + ")" * 200 + " FROM ant20_01.main", "nested"),
        ("SELECT 1 FROM ant20_01.main WHERE ra IN (" + ",".join("1" * 30_000) + ")", "characters"),
        ("SELECT \x00 FROM ant20_01.main", "control character"),
        ("   ", "empty"),
        ("SELECT COUNT(*) FROM (SELECT id FROM ant20_01.main)", "a query in FROM needs a name"),
        ("SELECT id FROM (SELECT id FROM ant20_01.main) WHERE 1 = 1", "FROM needs a name"),
        ("SELECT id FROM ant20_01.main LIMIT 3", "no LIMIT; write SELECT TOP"),
        ("SELECT id FROM ant20_01.main WHERE ra > 1 LIMIT 3", "no LIMIT; write SELECT TOP"),
        ("SELECT id FROM ant20_01.main ORDER BY ra LIMIT 3", "no LIMIT; write SELECT TOP"),
    ],
)
def test_an_invalid_query_is_refused_with_a_reason(engine, query, words):
    with pytest.raises(QueryError, match=words):
        ask(engine, query)


def test_an_endless_query_is_stopped_in_time(engine):
    started = time.monotonic()
    with pytest.raises(QueryTimeout, match=r"longer than 0\.5 s"):
        ask(
            engine,
            "SELECT COUNT(*) FROM ant20_01.main a, ant20_01.main b, ant20_01.main c "
            "WHERE a.ra + b.ra + c.ra > SQRT(4)",
            seconds=0.5,
        )
    assert time.monotonic() - started < 5


def test_a_query_that_takes_too_long_to_parse_is_stopped(engine):
    limited = Engine(engine.store, Limits(parse_seconds=1e-9))
    query = "SELECT 1 FROM ant20_01.main WHERE " + " OR ".join(["(ra + 1) * 2 > 3"] * 300)
    with pytest.raises(QueryTimeout, match="timed out"):
        ask(limited, query)


def test_a_query_that_sorts_without_end_does_not_fill_the_disk(engine):
    limited = Engine(engine.store, Limits(temporary_bytes=20_000_000))
    with pytest.raises(QueryError, match="sorting the rows"):
        ask(
            limited,
            "SELECT a.*, b.* FROM ant20_01.main a, ant20_01.main b ORDER BY b.beta, a.beta",
            seconds=60,
        )


def test_the_row_limit_is_applied_and_reported(engine):
    rows, result = ask(engine, "SELECT id FROM ant20_01.main", maxrec=7)
    assert (len(rows), result.overflow) == (7, True)
    rows, result = ask(engine, "SELECT id FROM ant20_01.main WHERE nhit > 150", maxrec=10)
    assert (len(rows), result.overflow) == (10, False)


def test_tap_schema_describes_every_column_once(engine):
    rows, _ = ask(engine, "SELECT table_name, column_name FROM tap_schema.columns")
    assert len(rows) == len(set(rows)) == 38


def _schema(unit: str = "deg") -> Schema:
    return Schema(
        name="demo",
        tables=(
            Table(
                name="t",
                columns=(
                    TableColumn(name="ra", datatype="double", unit=unit, ucd="pos.eq.ra;meta.main"),
                    TableColumn(
                        name="dec", datatype="double", unit="deg", ucd="pos.eq.dec;meta.main"
                    ),
                    TableColumn(name="n", datatype="short"),
                ),
            ),
        ),
    )


def test_publishing_again_replaces_and_wrong_rows_do_not(tmp_path):
    store = TableStore(tmp_path)
    store.publish(_schema(), {"t": [(10, 20, 1)]})
    engine = Engine(store, Limits())
    for bad, words in [
        ([(10, 95, 1)], "within -90 to 90"),
        ([(1, 2)], "2 values"),
        ([(1, 2, "x")], "not a number"),
        ([(1, 2, 40_000)], "does not fit"),
    ]:
        with pytest.raises(MetadataError, match=words):
            store.publish(_schema(), {"t": bad})
        assert ask(engine, "SELECT * FROM demo.t")[0] == [(10.0, 20.0, 1)]
    store.publish(_schema(), {"t": [(11, float("nan"), None), (12, 3, 4)]})
    assert ask(engine, "SELECT * FROM demo.t")[0] == [(11.0, None, None), (12.0, 3.0, 4)]
    assert len(list(tmp_path.glob("demo-*.sqlite"))) == 1
    assert store.withdraw("demo")
    with pytest.raises(QueryError, match="no table"):
        ask(engine, "SELECT * FROM demo.t")


def test_a_wrong_unit_or_name_is_refused():
    with pytest.raises(ValueError, match="unprintable"):
        _schema(unit="d\x07eg")
    with pytest.raises(ValueError, match="not a regular ADQL name"):
        TableColumn(name="a b", datatype="int")


def test_polygons_agree_with_cones_on_the_sphere(sky, engine):
    centre = SkyCoord(200 * u.deg, -40 * u.deg)
    corners = centre.directional_offset_by(np.arange(359, -1, -5) * u.deg, 10 * u.deg)
    numbers = ", ".join(f"{c.ra.deg:.9f}, {c.dec.deg:.9f}" for c in corners)
    rows, _ = ask(
        engine,
        "SELECT COUNT(*) FROM ant20_01.main WHERE 1 = CONTAINS("
        f"POINT('', ra, decl), POLYGON({numbers}))",
    )
    distance = sky.separation(centre).deg
    inner = 10 * np.cos(np.deg2rad(2.5)) - 0.01
    assert (distance < inner).sum() <= rows[0][0] <= (distance < 10.01).sum()
