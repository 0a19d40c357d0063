"""Tables of astropy and SQLite files are published as they are, or refused with the reason."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time

import adqlite
from adqlite.queries.engine import Engine
from tests import commands


def ask(folder: Path, query: str) -> list[tuple[Any, ...]]:
    engine = Engine(adqlite.TableStore(folder), adqlite.Limits())
    with engine.run(query, seconds=20) as result:
        return list(result.rows)


def column(folder: Path, schema: str, name: str) -> adqlite.TableColumn:
    found = adqlite.TableStore(folder).schema(schema)
    assert found is not None
    column = found.tables[0].column(name)
    assert column is not None
    return column


@pytest.fixture
def stars() -> Table:
    table = Table(
        {
            "HIP": np.array([32349, 91262], "i4"),
            "ra": [101.28715533, 279.23473479] * u.deg,
            "dec": [-16.71611586, 38.78368896] * u.deg,
            "name": ["Sirius", "Vega"],
            "select": [1, 2],
            "V-mag": MaskedColumn([-1.46, 0.0], mask=[False, True]),
            "double": [True, False],
            "pm": np.array([[-546.01, -1223.07], [200.94, 286.23]]),
        }
    )
    table["HIP"].description = "Number in the Hipparcos catalogue"
    table.meta["description"] = "Two bright stars"
    return table


def test_a_table_of_astropy_keeps_values_units_and_descriptions(
    tmp_path: Path, stars: Table
) -> None:
    adqlite.publish(
        tmp_path, "bright.stars", stars, position=("ra", "dec"), ucds={"HIP": "meta.id"}
    )
    rows = ask(tmp_path, 'SELECT hip, ra, name, select_, v_mag, "double_" FROM bright.stars')
    assert rows == [
        (32349, 101.28715533, "Sirius", 1, -1.46, 1),
        (91262, 279.23473479, "Vega", 2, None, 0),
    ]
    hip = column(tmp_path, "bright", "hip")
    assert (hip.datatype, hip.ucd, hip.description) == (
        "int",
        "meta.id",
        "Number in the Hipparcos catalogue",
    )
    assert column(tmp_path, "bright", "ra").unit == "deg"
    assert column(tmp_path, "bright", "name").datatype == "char"
    assert column(tmp_path, "bright", "pm").arraysize == "2"


def test_a_quantity_table_and_letters_beyond_ascii(tmp_path: Path) -> None:
    table = QTable({"d": [1.5, 2.5] * u.kpc, "n": ["späte", "Δ"], "b": np.array([b"x", b"y"])})
    adqlite.publish(tmp_path, "a.b", table)
    assert ask(tmp_path, "SELECT d, n, b FROM a.b") == [(1.5, "späte", "x"), (2.5, "Δ", "y")]
    assert column(tmp_path, "a", "d").unit == "kpc"
    assert column(tmp_path, "a", "n").datatype == "unicodeChar"


def test_positions_make_a_cone_search(tmp_path: Path, stars: Table) -> None:
    adqlite.publish(tmp_path, "bright.stars", stars, position=("ra", "dec"))
    vega = SkyCoord(279.2, 38.8, unit="deg")
    inside = vega.separation(SkyCoord(stars["ra"], stars["dec"])) < 1 * u.deg
    rows = ask(
        tmp_path,
        "SELECT name FROM bright.stars WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(279.2, 38.8, 1))",
    )
    assert [name for (name,) in rows] == list(stars["name"][inside]) == ["Vega"]


@pytest.mark.parametrize(
    ("name", "table", "more", "words"),
    [
        ("stars", {"x": [1]}, {}, "SCHEMA.TABLE"),
        ("select.stars", {"x": [1]}, {}, "select is a reserved word"),
        ("tap_schema.x", {"x": [1]}, {}, "tap_schema"),
        ("a.b", {"x": [1j]}, {}, "column x has the type complex128"),
        ("a.b", {"x": np.array([["a"], ["b"]])}, {}, "column x"),
        ("a.b", {"x": [1]}, {"position": ("ra", "dec")}, "no column dec"),
        ("a.b", {"x": [1]}, {"ucds": {"y": "meta.id"}}, "no column y"),
        ("a.b", {"t": Time(["2020-01-01"])}, {}, "column t is a Time"),
        ("a.b", {"x": np.array([2**63], "u8")}, {}, "row 1, column x: .* does not fit"),
        ("a.b", {"r": [1.0], "d": [91.0]}, {"position": ("r", "d")}, "within -90 to 90"),
    ],
)
def test_unpublishable_tables_are_refused_with_the_reason(
    tmp_path: Path, name: str, table: dict[str, Any], more: dict[str, Any], words: str
) -> None:
    with pytest.raises(adqlite.MetadataError, match=words):
        adqlite.publish(tmp_path, name, Table(table), **more)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[tuple[Path, sqlite3.Connection]]:
    path = tmp_path / "my catalogue.db"
    with closing(sqlite3.connect(path)) as connection:
        yield path, connection


def test_an_sqlite_file_is_published_with_its_views(
    tmp_path: Path, catalogue: tuple[Path, sqlite3.Connection]
) -> None:
    path, connection = catalogue
    connection.executescript(
        """
        CREATE TABLE "my stars" (id INTEGER PRIMARY KEY, ra DOUBLE PRECISION, dec REAL, n VARCHAR,
                                 seen DATETIME, good BOOLEAN, any);
        INSERT INTO "my stars" VALUES (1, 10, 20.5, 'ä', '2020-01-01', 1, 2.5),
                                      (9007199254740993, NULL, -5, NULL, NULL, 0, 3);
        CREATE VIEW north AS SELECT id, dec * 2 AS twice FROM "my stars" WHERE dec > 0;
        """
    )
    connection.commit()
    about = {"my stars": {"id": {"ucd": "meta.id;meta.main", "description": "number"}}}
    found = adqlite.publish_sqlite(tmp_path / "out", path, position=("ra", "dec"), about=about)
    assert (found.name, [(t.name, t.rows) for t in found.tables]) == (
        "my_catalogue",
        [("my_stars", 2), ("north", 1)],
    )
    with closing(sqlite3.connect(path)) as plain:
        expected = plain.execute('SELECT * FROM "my stars" ORDER BY id').fetchall()
    rows = ask(tmp_path / "out", "SELECT * FROM my_catalogue.my_stars ORDER BY id")
    assert rows == [tuple(row) for row in expected]
    assert ask(tmp_path / "out", "SELECT * FROM my_catalogue.north") == [(1, 41.0)]
    stars = found.tables[0]
    assert stars.position == ("ra", "dec")
    assert stars.identifier == "id"
    assert [c.datatype for c in stars.columns] == [
        "long", "double", "double", "unicodeChar", "unicodeChar", "boolean", "double"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("script", "options", "words"),
    [
        ("", {}, "contains no table"),
        ("CREATE TABLE t (x BLOB); INSERT INTO t VALUES (x'00')", {}, "column x: .* blob"),
        ("CREATE TABLE t (x); INSERT INTO t VALUES (1), ('a')", {}, "integer and text"),
        ("CREATE TABLE t (x INTEGER); INSERT INTO t VALUES ('a')", {}, "row 1, column x"),
        ("CREATE TABLE t (x INTEGER)", {"schema": "main"}, "main"),
        ("CREATE TABLE t (x INTEGER)", {"position": ("ra", "dec")}, "columns ra and dec"),
        ("CREATE TABLE t (x INTEGER)", {"about": {"u": {}}}, "no table u"),
        ("CREATE TABLE t (x INTEGER)", {"about": {"t": {"y": {}}}}, "no column y"),
        ("CREATE TABLE t (x INTEGER)", {"about": {"t": {"x": {"units": "m"}}}}, "units"),
    ],
)
def test_an_sqlite_file_that_cannot_be_published_is_refused(
    tmp_path: Path,
    catalogue: tuple[Path, sqlite3.Connection],
    script: str,
    options: dict[str, Any],
    words: str,
) -> None:
    path, connection = catalogue
    connection.executescript(script or "PRAGMA user_version = 1")
    connection.commit()
    with pytest.raises(adqlite.MetadataError, match=words):
        adqlite.publish_sqlite(tmp_path / "out", path, **options)
    assert not list((tmp_path / "out").glob("*.json"))


def run(*words: str) -> tuple[int, str, str]:
    done = commands.run(sys.executable, "-m", "adqlite", *words, status=None, timeout=120)
    return done.returncode, done.stdout, done.stderr


def test_the_command_line_publishes_and_queries(tmp_path: Path, stars: Table) -> None:
    stars["HIP", "ra", "dec", "name"].write(tmp_path / "stars.ecsv")
    folder = str(tmp_path / "tables")
    done = run(
        "publish", folder, str(tmp_path / "stars.ecsv"), "bright.stars", "--position", "ra", "dec"
    )
    assert done == (0, "bright.stars: 2 rows\n", "")
    query = "SELECT name FROM bright.stars WHERE hip > 40000"
    assert run("query", folder, query, "--format", "csv") == (0, "name\nVega\n", "")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["publish", "{}/t", "{}/nothing.ecsv", "a.b"], "nothing.ecsv"),
        (["publish", "{}/t", "{}/notes.txt", "a.b"], "astropy cannot read"),
        (["query", "{}/t", "SELECT 1 FROM a.b"], "publish a table to it first"),
        (["query", "{}", "SELECT 1 FROM a.b"], "there is no table a.b"),
        (["serve", "{}", "--limit", "seconds=3"], "--limit seconds"),
        (["serve", "{}", "--limit", "jobs=many"], "--limit jobs"),
    ],
)
def test_the_command_line_says_what_is_wrong(tmp_path: Path, words: list[str], reason: str) -> None:
    (tmp_path / "notes.txt").write_text("not\na, table\x00")
    code, _, error = run(*(word.format(tmp_path) for word in words))
    assert code == 1
    assert reason in error
    assert "Traceback" not in error
