"""What the capabilities declare works: every feature, format and language is tried."""

# ruff: noqa: S608, E501, RUF001 - building queries is what is tested

from __future__ import annotations

import io
import re
import urllib.parse
import urllib.request
from typing import Any
from xml.sax.saxutils import unescape

import pytest
import pyvo
from astropy.table import Table

from adqlite.http.vosi import tap_capabilities
from adqlite.limits import Limits

T = "ant20_01.main"
# For each feature a query and its answer, which are those of the standard or were counted with
# astropy (see test_queries.py).
QUERIES: dict[str, tuple[str, Any]] = {
    "POINT": (f"SELECT TOP 1 POINT('ICRS', 1, 2) AS v FROM {T}", "Position ICRS 1.0 2.0"),
    "CIRCLE": (
        f"SELECT COUNT(*) AS v FROM {T} WHERE 1=CONTAINS(POINT(ra, decl), CIRCLE(20, 30, 2))",
        2,
    ),
    "BOX": (f"SELECT TOP 1 CONTAINS(POINT(359.5, 0), BOX('ICRS', 0, 0, 2, 2)) AS v FROM {T}", 1),
    "POLYGON": (f"SELECT TOP 1 CONTAINS(POINT(1, 1), POLYGON(0, 0, 9, 0, 9, 9)) AS v FROM {T}", 1),
    "CONTAINS": (f"SELECT TOP 1 CONTAINS(POINT(1, 9), CIRCLE(1, 1, 2)) AS v FROM {T}", 0),
    "INTERSECTS": (f"SELECT TOP 1 INTERSECTS(CIRCLE(1, 3, 1), CIRCLE(1, 1, 2)) AS v FROM {T}", 1),
    "DISTANCE": (f"SELECT TOP 1 DISTANCE(POINT(0, 0), POINT(0, 60)) AS v FROM {T}", 60.0),
    "AREA": (f"SELECT TOP 1 AREA(CIRCLE(10, 20, 180)) AS v FROM {T}", 41252.96124941927),
    "CENTROID": (f"SELECT TOP 1 COORD2(CENTROID(CIRCLE(10, 20, 5))) AS v FROM {T}", 20.0),
    "COORD1": (f"SELECT TOP 1 COORD1(POINT(-10, 20)) AS v FROM {T}", 350.0),
    "COORD2": (f"SELECT TOP 1 COORD2(POINT(10, -20)) AS v FROM {T}", -20.0),
    "COORDSYS": (f"SELECT TOP 1 COORDSYS(POINT('ICRS', 1, 2)) AS v FROM {T}", "ICRS"),
    "LOWER": (f"SELECT TOP 1 LOWER('ÉtÉ') AS v FROM {T}", "été"),
    "UPPER": (f"SELECT TOP 1 UPPER('été') AS v FROM {T}", "ÉTÉ"),
    "ILIKE": (f"SELECT COUNT(*) AS v FROM {T} WHERE id ILIKE 'aNt000_'", 9),
    "UNION": (f"SELECT 1 AS v FROM {T} UNION SELECT 1.0 FROM {T}", 1.0),
    "EXCEPT": (
        f"SELECT nhit AS v FROM {T} WHERE nhit > 260 EXCEPT SELECT nhit FROM {T} WHERE nhit < 9",
        263,
    ),
    "INTERSECT": (
        f"SELECT id AS v FROM {T} WHERE nhit > 260 INTERSECT SELECT id FROM {T}",
        "ANT1157",
    ),
    "WITH": (
        f"WITH a AS (SELECT id, nhit FROM {T}), b(e) AS (SELECT id FROM a WHERE nhit > 260) SELECT b.e AS v FROM b",
        "ANT1157",
    ),
    "OFFSET": (f"SELECT id AS v FROM {T} WHERE nhit > 250 ORDER BY nhit DESC OFFSET 0", "ANT1157"),
    "COALESCE": (f"SELECT TOP 1 COALESCE(NULL, NULLIF(1, 1), 0.5) AS v FROM {T}", 0.5),
    "CAST": (f"SELECT TOP 1 CAST('12' AS BIGINT) + CAST(2.9 AS SMALLINT) AS v FROM {T}", 14),
    "IN_UNIT": (f"SELECT IN_UNIT(beta, 'arcmin') AS v FROM {T} WHERE id = 'ANT1157'", 6.0),
    "ivo_nocasematch(value VARCHAR, pattern VARCHAR) -> INTEGER": (
        f"SELECT COUNT(*) AS v FROM {T} WHERE 1 = ivo_nocasematch(id, 'ant000_')",
        9,
    ),
}
_DECLARED = tap_capabilities("http://x", Limits()).decode()
FEATURES = {unescape(form) for form in re.findall("<form>(.*?)</form>", _DECLARED)}
FORMATS = [
    unescape(m or a) for m, a in re.findall("<mime>(.*?)</mime>|<alias>(.*?)</alias>", _DECLARED)
]


@pytest.fixture(scope="module")
def tap(server: Any) -> pyvo.dal.TAPService:
    return pyvo.dal.TAPService(f"{server.url}/tap")


@pytest.mark.parametrize("feature", sorted(FEATURES | set(QUERIES)))
def test_a_declared_feature_works(tap: pyvo.dal.TAPService, feature: str) -> None:
    query, expected = QUERIES[feature]
    rows = tap.run_sync(query).to_table()
    value = rows["v"][0]
    assert value == (pytest.approx(expected) if isinstance(expected, float) else expected)


@pytest.mark.parametrize("name", FORMATS)
def test_a_declared_format_is_given(server: Any, name: str) -> None:
    query = f"SELECT id, nhit, ra FROM {T} WHERE nhit > 150"
    data = {"LANG": "ADQL", "RESPONSEFORMAT": name, "QUERY": query}
    url = f"{server.url}/tap/sync?{urllib.parse.urlencode(data)}"
    with urllib.request.urlopen(url) as answer:
        content = answer.read()
        kind = answer.headers["Content-Type"]
    if "/" in name and "votable" not in name:
        assert kind.split(";")[0] == name.split(";", maxsplit=1)[0]
    assert b"ANT1157" in content or "votable" in kind or "fits" in kind or "parquet" in kind
    if "votable" in kind:
        assert len(Table.read(io.BytesIO(content), format="votable")) == 10


@pytest.mark.parametrize("language", ["ADQL", "ADQL-2.0", "ADQL-2.1"])
def test_a_declared_language_is_understood(tap: pyvo.dal.TAPService, language: str) -> None:
    assert len(tap.run_sync(f"SELECT TOP 3 id FROM {T}", language=language)) == 3


@pytest.mark.parametrize(
    ("query", "names", "values"),
    [
        (f"SELECT nhit AS e FROM {T} WHERE id = 'ANT1157'", ["e"], [263]),
        (f"SELECT nhit AS \"numéro\" FROM {T} WHERE id = 'ANT1157'", ["numéro"], [263]),
        (
            f'SELECT nhit AS "select" FROM {T} WHERE id = \'ANT1157\' ORDER BY "select"',
            ["select"],
            [263],
        ),
        (
            f"SELECT 'Événement α 𝛼 ''' || 'x' AS t FROM {T} WHERE id = 'ANT1157'",
            ["t"],
            ["Événement α 𝛼 'x"],
        ),
        (
            f'SELECT e.nhit, "é".ra FROM {T} AS e JOIN {T} AS "é" ON e.id = "é".id AND e.nhit > 260',
            ["nhit", "ra"],
            [263, 315.0],
        ),
        (
            f"SELECT -- a comment 'with a quote\n nhit /* and \" another */ FROM {T} WHERE id = 'ANT1157'",
            ["nhit"],
            [263],
        ),
        (
            f"SELECT nhit, (SELECT MAX(nhit) FROM {T}) AS m FROM {T} WHERE nhit = (SELECT MAX(nhit) FROM {T})",
            ["nhit", "m"],
            [263, 263],
        ),
        (
            f"SELECT CASE WHEN nhit > 262 THEN 'é' ELSE 'b' END AS c, NULLIF(nhit, 263) AS n FROM {T} WHERE id = 'ANT1157'",
            ["c", "n"],
            ["é", None],
        ),
        (
            f"SELECT t.* FROM (SELECT e, COUNT(*) AS n FROM (SELECT nhit AS e FROM {T}) AS q GROUP BY e HAVING e > 260) AS t",
            ["e", "n"],
            [263, 1],
        ),
        (
            f"SELECT DISTINCT 1E0 * nhit AS x, 0x1F AS h, .5 AS f FROM {T} WHERE nhit>2.6e2",
            ["x", "h", "f"],
            [263.0, 31, 0.5],
        ),
    ],
)
def test_names_texts_and_comments_may_have_any_letters(
    tap: pyvo.dal.TAPService, query: str, names: list[str], values: list[Any]
) -> None:
    rows = tap.run_sync(query).to_table()
    assert rows.colnames == names
    assert [rows[name].tolist()[0] for name in names] == values
