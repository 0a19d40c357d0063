"""Integers of 64 bits: exact, or refused."""
# ruff: noqa: S608 - building queries is what is tested

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adqlite.errors import QueryError
from adqlite.limits import Limits
from adqlite.queries.engine import Engine
from adqlite.tables.metadata import Schema, Table, TableColumn
from adqlite.tables.storage import TableStore

from .few import ask

INTEGERS = st.one_of(
    st.integers(-9, 9),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([-(2**63), -(2**63) + 1, 2**62, 2**63 - 1, 2**53 + 1]),
)


def exact(operator: str, left: int | None, right: int) -> int | None:
    """Return what integers of Python give, which have no bounds; none where it is divided by 0."""
    if left is None or (operator == "/" and not right):
        return None
    if operator == "/":
        quotient = abs(left) // abs(right)
        return quotient if (left < 0) == (right < 0) else -quotient
    found = {"+": left + right, "-": left - right, "*": left * right}[operator]
    if not -(2**63) <= found < 2**63:
        raise OverflowError
    return found


@settings(max_examples=300, deadline=None)
@given(
    first=INTEGERS,
    second=INTEGERS,
    third=INTEGERS,
    operators=st.tuples(st.sampled_from("+-*/"), st.sampled_from("+-*/")),
)
def test_integers_are_exact_or_refused_wherever_they_stand(
    engine_of_integers: Engine, first: int, second: int, third: int, operators: tuple[str, str]
) -> None:
    one, other = operators
    written = f"((n + {first}) {one} {second}) {other} {third}"
    try:
        found = exact(one, first, second)
        if found == 2**63:
            raise OverflowError
        expected = exact(other, found, third)
        if expected == 2**63:
            raise OverflowError
    except OverflowError:
        for place in (
            written,
            f"CAST({written} AS VARCHAR)",
            f"CASE WHEN {written} > 0 THEN 1 END",
        ):
            with pytest.raises(QueryError, match="does not fit into 64 bits"):
                ask(engine_of_integers, f"SELECT {place} AS a FROM whole.t")
        return
    text = None if expected is None else str(expected)
    query = f"SELECT {written} AS a, CAST({written} AS VARCHAR) AS b FROM whole.t"
    assert ask(engine_of_integers, query)[0] == [(expected, text)]


@pytest.fixture(scope="module")
def engine_of_integers(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """An engine on one row with a 0 of 64 bits."""
    store = TableStore(Path(tmp_path_factory.mktemp("integers")))
    table = Table(name="t", columns=(TableColumn(name="n", datatype="long"),))
    store.publish(Schema(name="whole", tables=(table,)), {"t": [(0,)]})
    return Engine(store, Limits())


def test_an_integer_without_a_64_bit_opposite_is_refused(engine_of_integers: Engine) -> None:
    smallest = "(n - 9223372036854775807 - 1)"
    for expression in (f"-{smallest}", f"ABS({smallest})", f"{smallest} / -1"):
        with pytest.raises(QueryError, match="does not fit into 64 bits"):
            ask(engine_of_integers, f"SELECT {expression} AS a FROM whole.t")
    with pytest.raises(QueryError, match="a SUM of integers does not fit into 64 bits; CAST"):
        ask(
            engine_of_integers,
            "SELECT SUM(m) AS a FROM (SELECT n + 9223372036854775807 AS m FROM whole.t "
            "UNION ALL SELECT n + 1 FROM whole.t) AS q",
        )


def test_numbers_beyond_double_precision_are_infinite_and_not_missing(small: Engine) -> None:
    # IEEE 754, as numpy has it: exp(1000), 10**400, (-10)**401, 1e308 * 10.
    with np.errstate(over="ignore"):
        expected = (
            np.exp(1000.0),
            np.power(10.0, 400.0),
            np.power(-10.0, 401.0),
            np.power(-10.0, 400.0),
            np.float64(1e308) * 10,
        )
    query = "SELECT EXP(1000), POWER(10, 400), POWER(-10, 401), POWER(-10, 400), 1e308 * 10"
    assert ask(small, f"{query} FROM few.t WHERE k = 0")[0] == [expected]
    with pytest.raises(QueryError, match="larger than any number of double precision"):
        ask(small, "SELECT CAST('1e400' AS DOUBLE PRECISION) AS a FROM few.t")


@pytest.mark.parametrize("number", [2**53 + 1, 2**63 - 1, -(2**63) + 1, 2**24 + 1, 7])
def test_cast_gives_the_nearest_real_number(small: Engine, number: int) -> None:
    # IEEE 754, as numpy has it.
    query = f"SELECT CAST({number} AS DOUBLE PRECISION), CAST({number} AS REAL), {number} * 1.0"
    expected = (float(np.float64(number)), float(np.float32(number)), float(np.float64(number)))
    assert ask(small, f"{query} FROM few.t WHERE k = 0")[0] == [expected]
