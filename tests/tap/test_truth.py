"""Expressions, conditions, sets and joins: against an evaluation in Python."""
# ruff: noqa: S608, E501 - building queries is what is tested

from __future__ import annotations

import sqlite3
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adqlite.errors import QueryError
from adqlite.queries.engine import Engine

from .expressions import Expression, conditions, numbers, same
from .few import NAMES, ROWS, ask, rows, slow


@slow
@given(expression=numbers)
def test_an_expression_has_the_value_and_type_of_sql(small: Engine, expression: Expression) -> None:
    found, columns = ask(small, f"SELECT k, {expression} AS v FROM few.t ORDER BY k")
    expected = [expression.value(row) for row in rows()]
    assert all(same(v, e) for (_, v), e in zip(found, expected, strict=True)), (found, expected)
    assert columns[1].is_float if expression.real else columns[1].is_integer


@slow
@given(condition=conditions)
def test_a_condition_holds_for_the_same_rows_wherever_it_stands(
    small: Engine, condition: Expression
) -> None:
    values = [condition.value(row) for row in rows()]
    held = [row["k"] for row, value in zip(rows(), values, strict=True) if value is True]
    failed = [row["k"] for row, value in zip(rows(), values, strict=True) if value is False]

    def keys(query: str) -> list[int]:
        return [row[0] for row in ask(small, f"{query} ORDER BY 1")[0]]

    assert keys(f"SELECT k FROM few.t WHERE {condition}") == held
    assert keys(f"SELECT k FROM few.t WHERE NOT ({condition})") == failed
    assert keys(f"SELECT k FROM few.t GROUP BY k, i, j, x, s, ra, dec HAVING {condition}") == held
    truth = f"CASE WHEN {condition} THEN 1 WHEN NOT ({condition}) THEN 0 END"
    found, _ = ask(small, f"SELECT {truth} AS v, COUNT(*) FROM few.t GROUP BY v")
    expected = {v: values.count(b) for v, b in ((1, True), (0, False), (None, None)) if b in values}
    assert dict(found) == expected
    sums, _ = ask(small, f"SELECT SUM({truth}), COUNT({truth}) FROM few.t")
    assert sums == [(len(held) if held or failed else None, len(held) + len(failed))]
    sorted_, _ = ask(small, f"SELECT k FROM few.t WHERE ({truth}) >= 0 ORDER BY {truth}, k")
    assert [row[0] for row in sorted_] == failed + held


@slow
@given(condition=conditions)
def test_a_join_holds_for_the_same_rows_as_its_condition(
    small: Engine, condition: Expression
) -> None:
    held = [row["k"] for row in rows() if condition.value(row) is True]
    other = "(SELECT 1 AS n FROM few.t WHERE k = 0) AS o"
    query = f"SELECT t.k, o.n FROM few.t LEFT JOIN {other} ON {condition} ORDER BY 1"
    found, _ = ask(small, query)
    assert found == [(row["k"], 1 if row["k"] in held else None) for row in rows()]


CIRCLE = "CONTAINS(POINT(ra, decl), CIRCLE(20, 30, 12))"


BOX = "CONTAINS(POINT(ra, decl), BOX(20, 30, 24, 24))"


POLYGON = "INTERSECTS(POINT(ra, decl), POLYGON(8, 18, 32, 18, 32, 42, 8, 42))"


CONE = "INTERSECTS(CIRCLE(ra, decl, 1), CIRCLE(20, 30, 12))"


@pytest.mark.parametrize("function", [CIRCLE, BOX, POLYGON, CONE])
def test_contains_and_intersects_give_ordinary_numbers(engine: Engine, function: str) -> None:
    def count(condition: str, what: str = "COUNT(*)") -> int:
        found, _ = ask(engine, f"SELECT {what} AS n FROM ant20_01.main WHERE {condition}")
        return int(found[0][0] or 0)

    total, inside = count("1 = 1"), count(f"{function} = 1")
    assert 0 < inside < total
    for condition in (
        f"{function} > 0",
        f"0 < {function}",
        f"0 <> {function}",
        f"1 <= {function}",
        f"NOT {function} = 0",
        f"NOT 1 <> {function}",
        f"{function} + {function} = 2",
        f"{function} = {function} * {function} AND {function} IN (1)",
        f"{function} BETWEEN 1 AND 1",
        f"-{function} < 0",
        f"COALESCE({function}, 0) = 1",
        f"CASE {function} WHEN 1 THEN 'in' ELSE 'out' END = 'in'",
        f"CAST({function} AS VARCHAR) = '1'",
    ):
        assert count(condition) == inside, condition
    for condition in (
        f"{function} <> 1",
        f"{function} != 1",
        f"{function} < 1",
        f"0 = {function}",
        f"1 - {function} = 1",
        f"NOT ({function} = 1)",
    ):
        assert count(condition) == total - inside, condition
    assert count("1 = 1", f"SUM({function})") == inside
    assert count("1 = 1", f"COUNT({function})") == total
    groups, columns = ask(
        engine, f"SELECT {function} AS f, COUNT(*) FROM ant20_01.main GROUP BY f ORDER BY f"
    )
    assert groups == [(0, total - inside), (1, inside)]
    assert columns[0].is_integer


def test_a_point_is_in_a_box_whatever_expression_gives_it(engine: Engine) -> None:
    box = "BOX(20, 60, 40, 20)"  # here great circles between its corners are far from its sides
    direct, _ = ask(engine, f"SELECT SUM(CONTAINS(POINT(ra, decl), {box})) FROM ant20_01.main")
    for point in ("CENTROID(CIRCLE(ra, decl, 1))", "p"):
        table = "(SELECT ra, decl, POINT(ra, decl) AS p FROM ant20_01.main) AS t"
        assert ask(engine, f"SELECT SUM(CONTAINS({point}, {box})) FROM {table}")[0] == direct


def test_arguments_that_are_missing_give_neither_yes_nor_no(small: Engine) -> None:
    found, _ = ask(
        small,
        "SELECT k, CONTAINS(POINT(ra, dec), CIRCLE(10, 20, 5)) AS c, "
        "INTERSECTS(CIRCLE(ra, dec, 1), BOX(10, 20, 5, 5)) AS i, COORDSYS(POINT(ra, dec)) AS f, "
        "DISTANCE(ra, dec, 10, 20) AS d, CONTAINS(POINT(10, 20), CIRCLE(10, 20, x / 0)) AS n "
        "FROM few.t WHERE k IN (0, 2) ORDER BY k",
    )
    assert found == [(0, 1, 1, "ICRS", 0.0, None), (2, None, None, None, None, None)]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT k FROM few.t WHERE CONTAINS(POINT(ra, dec), CIRCLE(1, 2, 3))", "compare it"),
        ("SELECT k = 1 FROM few.t", "not a condition"),
        ("SELECT k FROM few.t WHERE k", "needs a condition"),
        ("SELECT k FROM few.t WHERE s > 1", "text with a number"),
        ("SELECT k FROM few.t WHERE s = 'a' + 1", "needs a number"),
        ("SELECT s || k FROM few.t", "CAST"),
        ("SELECT SUM(s) FROM few.t", "SUM needs a number"),
        ("SELECT x | 1 FROM few.t", "integers"),
        ("SELECT CASE WHEN k = 1 THEN 'a' ELSE 1 END FROM few.t", "CASE has"),
        ("SELECT k FROM few.t UNION SELECT s FROM few.t", "column 1 of UNION"),
        ("SELECT k, COUNT(*) FROM few.t", "column k is neither in GROUP BY"),
        ("SELECT k FROM few.t GROUP BY i", "column k is neither in GROUP BY"),
        ("SELECT COUNT(*) FROM few.t ORDER BY x", "column x is neither in GROUP BY"),
        ("SELECT k FROM few.t WHERE COUNT(*) > 1", "HAVING"),
        ("SELECT SUM(COUNT(*)) FROM few.t", "within another aggregate"),
        ("SELECT k, (SELECT j FROM few.t) FROM few.t", "more than one row"),
        ("SELECT (SELECT j, k FROM few.t WHERE k = 0) FROM few.t", "one column"),
        ("SELECT k FROM few.t WHERE k IN (SELECT s FROM few.t)", "compares a number with text"),
        ("SELECT k FROM few.t ORDER BY 2", "no column 2"),
        ("SELECT 9223372036854775808 FROM few.t", "64 bits"),
        ("SELECT CAST('x' AS INTEGER) FROM few.t", "not an integer"),
        ("SELECT CAST(70000 AS SMALLINT) FROM few.t", "does not fit"),
        ("SELECT CAST(1e300 AS REAL) FROM few.t", "too large for REAL"),
        ("SELECT POINT(s, ra, dec) FROM few.t", "POINT takes numbers"),
        ("SELECT DISTANCE(ra, dec, s, dec) FROM few.t", "POINT takes numbers"),
        ("SELECT ROUND(9007199254740993) FROM few.t", "CAST it to DOUBLE PRECISION"),
        ("SELECT IN_UNIT(x, 'm') FROM few.t", "first argument has no unit"),
        ("SELECT IN_UNIT(ra, 'm') FROM few.t", "cannot be converted"),
        ("SELECT 9007199254740993 AS v FROM few.t UNION SELECT x FROM few.t", "9007199254740993"),
    ],
)
def test_meaningless_expressions_are_errors(small: Engine, query: str, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        ask(small, query)


class Set:
    """A query of ADQL over numbers, and the rows that it has: a multiset of Python."""

    def __init__(self, text: str, rows: Counter[int | None], level: int) -> None:
        self.text, self.rows, self.level = text, rows, level

    def __repr__(self) -> str:
        return self.text


def _combined(operator: str, left: Set, right: Set) -> Set:
    level = 2 if operator == "INTERSECT" else 1
    texts = [
        side.text if side.level >= least else f"({side.text})"
        for side, least in ((left, level), (right, level + 1))
    ]
    a, b = left.rows, right.rows
    rows = {
        "UNION ALL": a + b,
        "UNION": Counter(set(a) | set(b)),
        "EXCEPT": Counter(set(a) - set(b)),
        "INTERSECT": Counter(set(a) & set(b)),
    }[operator]
    return Set(f" {operator} ".join(texts), rows, level)


_selects = st.builds(
    lambda column, low: Set(
        f"SELECT {column} FROM few.t WHERE k > {low}",
        Counter(row[NAMES.index(column)] for row in ROWS if row[0] > low),
        3,
    ),
    st.sampled_from(["k", "i", "j"]),
    st.integers(-1, 4),
)


_sets = st.recursive(
    _selects,
    lambda inner: st.one_of(
        st.builds(_combined, st.sampled_from(["UNION ALL", "UNION"]), inner, inner),
        st.builds(_combined, st.sampled_from(["EXCEPT", "INTERSECT"]), inner, inner),
    ),
    max_leaves=5,
)


@slow
@given(query=_sets)
def test_sets_of_queries_have_the_rows_of_sets(small: Engine, query: Set) -> None:
    assert Counter(row[0] for row in ask(small, query.text)[0]) == query.rows
    inner = f"SELECT COUNT(*) FROM ({query.text}) AS q"
    assert ask(small, inner)[0] == [(query.rows.total(),)]
    assert {r[0] for r in ask(small, f"SELECT k FROM few.t WHERE k IN ({query.text})")[0]} == {
        k for k in range(len(ROWS)) if k in query.rows
    }


def test_parts_of_sets_keep_their_own_top_order_and_names(small: Engine) -> None:
    query = (
        "WITH a(e) AS (SELECT k FROM few.t), b AS (SELECT e AS f FROM a WHERE e > 1) "
        "SELECT TOP 2 e FROM a UNION ALL (SELECT TOP 1 f FROM b ORDER BY f DESC) ORDER BY e DESC OFFSET 1"
    )
    found, columns = ask(small, query)
    assert len(found) == 2
    assert columns[0].name == "e"
    everything, _ = ask(small, "SELECT k FROM few.t ORDER BY k DESC OFFSET 2")
    assert [row[0] for row in everything] == [4, 3, 2, 1, 0]
    assert ask(small, "SELECT TOP 1 k FROM few.t ORDER BY x DESC OFFSET 1")[0] == [(1,)]


def test_a_join_has_the_rows_of_its_condition(small: Engine) -> None:
    found, _ = ask(
        small, "SELECT a.k, b.k FROM few.t AS a JOIN few.t AS b ON a.k = b.j ORDER BY 1, 2"
    )
    assert found == sorted((a[0], b[0]) for a in ROWS for b in ROWS if a[0] == b[2])


@pytest.mark.parametrize(
    ("join", "keys"),
    [
        ("few.t AS a NATURAL JOIN (SELECT k, 1 AS n FROM few.t WHERE i = 2) AS b", [6]),
        ("few.t AS a LEFT JOIN few.t AS b USING (k)", list(range(7))),
    ],
)
def test_a_column_that_a_join_merges_is_there_once(
    small: Engine, join: str, keys: list[int]
) -> None:
    found, columns = ask(small, f"SELECT * FROM {join} ORDER BY k")
    names = [column.name for column in columns]
    assert (names[0], names.count("k")) == ("k", 1)
    assert [row[0] for row in found] == keys


def test_a_full_join_has_the_columns_of_both_sides(small: Engine) -> None:
    left, right = (
        "(SELECT k, i FROM few.t WHERE k < 2) AS a",
        "(SELECT k, j FROM few.t WHERE k > 0) AS b",
    )
    found, columns = ask(
        small, f"SELECT k, i, j FROM {left} FULL JOIN {right} USING (k) ORDER BY k"
    )
    assert found[:3] == [(0, 3, None), (1, None, -2), (2, None, None)]
    assert [row[0] for row in found] == list(range(7))
    assert [c.datatype for c in columns] == ["int", "short", "long"]


@pytest.mark.parametrize("expression", ["AVG(NULL)", "SUM(NULL)", "ABS(NULL)", "-NULL", "NULL + 1"])
def test_arithmetic_with_null_gives_one_missing_number(small: Engine, expression: str) -> None:
    found, (column,) = ask(small, f"SELECT {expression} AS a FROM few.t")
    assert set(found) == {(None,)}
    assert column.is_integer or column.is_float
    assert column.arraysize is None


@pytest.mark.parametrize(
    "query",
    [
        "SELECT i, (SELECT COUNT(*) FROM {t} AS u WHERE u.j = t.i) FROM {t} AS t GROUP BY i",
        "SELECT i + 1, (SELECT MAX(u.x) FROM {t} AS u WHERE u.j > t.i + 1) FROM {t} AS t "
        "GROUP BY i + 1",
        "SELECT i FROM {t} AS t GROUP BY i HAVING EXISTS (SELECT 1 FROM {t} AS u WHERE u.j = t.i)",
    ],
)
def test_a_subquery_may_name_what_the_query_around_groups_by(small: Engine, query: str) -> None:
    with sqlite3.connect(":memory:") as plain:
        plain.execute(f"CREATE TABLE t ({', '.join(NAMES)})")
        plain.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", ROWS)
        expected = plain.execute(query.format(t="t")).fetchall()
    assert len(expected) > 1
    assert Counter(ask(small, query.format(t="few.t"))[0]) == Counter(expected)


def test_a_subquery_may_not_name_another_column(small: Engine) -> None:
    query = "SELECT i, (SELECT COUNT(*) FROM few.t AS u WHERE u.j = t.k) AS n FROM few.t AS t"
    with pytest.raises(QueryError, match=r"t\.k is neither in GROUP BY nor in an aggregate"):
        ask(small, f"{query} GROUP BY i")


@pytest.mark.parametrize(
    ("inner", "outer", "inside"),
    [
        # By hand. The whole sky holds everything; a circle of 120 deg all but a cap of 60 deg
        # around (180, 0), through which the edge from (110, 0) to (250, 0) goes.
        ("CIRCLE(180, 0, 10)", "CIRCLE(0, 0, 180)", 1),
        ("POLYGON(170, 0, 190, 0, 180, 9)", "CIRCLE(0, 0, 180)", 1),
        ("POLYGON(110, 0, 250, 0, 180, 65)", "CIRCLE(0, 0, 120)", 0),
        ("POLYGON(110, 0, 250, 0, 180, 65)", "CIRCLE(180, 0, 120)", 1),
        ("POLYGON(0, 5, 20, 5, 10, 15)", "CIRCLE(0, 0, 120)", 1),
        ("POLYGON(100, -20, 140, -20, 120, 20)", "CIRCLE(0, 0, 120)", 0),
        ("CIRCLE(110, 0, 10)", "CIRCLE(0, 0, 120)", 1),
        ("CIRCLE(110, 0, 11)", "CIRCLE(0, 0, 120)", 0),
    ],
)
def test_a_shape_is_in_a_circle_larger_than_a_hemisphere(
    small: Engine, inner: str, outer: str, inside: int
) -> None:
    assert ask(small, f"SELECT CONTAINS({inner}, {outer}) FROM few.t WHERE k = 0")[0] == [(inside,)]
