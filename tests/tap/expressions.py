"""Random ADQL expressions, and what they are worth: an evaluation that shares no code with TAP.

An expression writes itself with as few parentheses as the precedence of SQL asks for, and evaluates
itself on a row with the three truth values of SQL (None is unknown).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import strategies as st

Row = dict[str, Any]


@dataclass(frozen=True)
class Expression:
    """An expression: its text, how strongly that binds, its type, and its value for a row."""

    text: str
    level: int
    real: bool
    value: Callable[[Row], Any]

    def __repr__(self) -> str:
        return self.text

    def at(self, level: int) -> str:
        return self.text if self.level >= level else f"({self.text})"


OR, AND, NOT, PREDICATE, SUM, PRODUCT, SIGN, ATOM = range(8)


def _strict(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: None if None in values else function(*values)


def _divided(a: Any, b: Any) -> Any:
    if b == 0:
        return None
    if isinstance(a, int) and isinstance(b, int):
        return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)  # towards zero
    return a / b


_ARITHMETIC = {
    "+": (SUM, lambda a, b: a + b),
    "-": (SUM, lambda a, b: a - b),
    "*": (PRODUCT, lambda a, b: a * b),
    "/": (PRODUCT, _divided),
}
_COMPARED = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _not(a: Any) -> Any:
    return None if a is None else not a


def _and(a: Any, b: Any) -> Any:
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def _or(a: Any, b: Any) -> Any:
    return _not(_and(_not(a), _not(b)))


def _typed(value: Any, real: bool) -> Any:
    return float(value) if real and value is not None else value


# Values


def _literal(number: int | float) -> Expression:
    return Expression(repr(number), ATOM, isinstance(number, float), lambda _: number)


def _column(name: str, real: bool) -> Expression:
    return Expression(name, ATOM, real, lambda row: row[name])


def _binary(operator: str, a: Expression, b: Expression) -> Expression:
    level, function = _ARITHMETIC[operator]
    return Expression(
        f"{a.at(level)} {operator} {b.at(level + 1)}",
        level,
        a.real or b.real,
        lambda row: _strict(function)(a.value(row), b.value(row)),
    )


def _negative(a: Expression) -> Expression:
    return Expression(
        f"-{a.at(ATOM)}", SIGN, a.real, lambda row: _strict(lambda x: -x)(a.value(row))
    )


def _absolute(a: Expression) -> Expression:
    return Expression(f"ABS({a})", ATOM, a.real, lambda row: _strict(abs)(a.value(row)))


def _coalesce(a: Expression, b: Expression) -> Expression:
    real = a.real or b.real

    def value(row: Row) -> Any:
        first = a.value(row)
        return _typed(b.value(row) if first is None else first, real)

    return Expression(f"COALESCE({a}, {b})", ATOM, real, value)


def _nullif(a: Expression, b: Expression) -> Expression:
    def value(row: Row) -> Any:
        first, second = a.value(row), b.value(row)
        return None if first is not None and first == second else first

    return Expression(f"NULLIF({a}, {b})", ATOM, a.real, value)


def _case(condition: Expression, a: Expression, b: Expression) -> Expression:
    real = a.real or b.real
    return Expression(
        f"CASE WHEN {condition} THEN {a} ELSE {b} END",
        ATOM,
        real,
        lambda row: _typed((a if condition.value(row) is True else b).value(row), real),
    )


def _contains(function: str, ra: int, dec: int, radius: int) -> Expression:
    centre = SkyCoord(ra * u.deg, dec * u.deg)

    def value(row: Row) -> Any:
        if row["ra"] is None or row["dec"] is None:
            return None
        point = SkyCoord(row["ra"] * u.deg, row["dec"] * u.deg)
        return int(point.separation(centre).deg <= radius)

    text = f"{function}(POINT(ra, dec), CIRCLE({ra}, {dec}, {radius}.25))"
    radius += 0.25  # no direction of the table lies on an edge
    return Expression(text, ATOM, False, value)


# Conditions


def _comparison(operator: str, a: Expression, b: Expression) -> Expression:
    function = _COMPARED[operator]
    return Expression(
        f"{a.at(SUM)} {operator} {b.at(SUM)}",
        PREDICATE,
        False,
        lambda row: _strict(function)(a.value(row), b.value(row)),
    )


def _logic(operator: str, a: Expression, b: Expression) -> Expression:
    level, function = {"AND": (AND, _and), "OR": (OR, _or)}[operator]
    return Expression(
        f"{a.at(level)} {operator} {b.at(level + 1)}",
        level,
        False,
        lambda row: function(a.value(row), b.value(row)),
    )


def _negated(a: Expression) -> Expression:
    return Expression(f"NOT {a.at(NOT)}", NOT, False, lambda row: _not(a.value(row)))


def _between(word: str, a: Expression, low: Expression, high: Expression) -> Expression:
    def value(row: Row) -> Any:
        x = a.value(row)
        above = _strict(_COMPARED["<="])(low.value(row), x)
        within = _and(above, _strict(_COMPARED["<="])(x, high.value(row)))
        return _not(within) if word else within

    text = f"{a.at(SUM)} {word}BETWEEN {low.at(SUM)} AND {high.at(SUM)}"
    return Expression(text, PREDICATE, False, value)


def _in(word: str, a: Expression, items: list[Expression]) -> Expression:
    def value(row: Row) -> Any:
        found: Any = False
        for item in items:
            found = _or(found, _strict(_COMPARED["="])(a.value(row), item.value(row)))
        return _not(found) if word else found

    text = f"{a.at(SUM)} {word}IN ({', '.join(map(str, items))})"
    return Expression(text, PREDICATE, False, value)


def _is_null(word: str, a: Expression) -> Expression:
    return Expression(
        f"{a.at(SUM)} IS {word}NULL",
        PREDICATE,
        False,
        lambda row: (a.value(row) is None) != bool(word),
    )


def _like(word: str, operator: str, pattern: str) -> Expression:
    parts = {"%": ".*", "_": "."}
    flags = re.DOTALL | (re.IGNORECASE if operator == "ILIKE" else 0)
    fits = re.compile("".join(parts.get(c, re.escape(c)) for c in pattern), flags)

    def value(row: Row) -> Any:
        if row["s"] is None:
            return None
        return bool(fits.fullmatch(row["s"])) != bool(word)

    return Expression(f"s {word}{operator} '{pattern}'", PREDICATE, False, value)


_not_word = st.sampled_from(["", "NOT "])
_leaves = st.one_of(
    st.integers(0, 9).map(_literal),
    st.sampled_from([0.5, 1.0, 2.25]).map(_literal),
    st.sampled_from([_column("i", False), _column("j", False), _column("x", True)]),
    st.builds(
        _contains,
        st.sampled_from(["CONTAINS", "INTERSECTS"]),
        st.integers(0, 359),
        st.integers(-90, 90),
        st.integers(0, 120),
    ),
)
_operators = st.sampled_from(list(_COMPARED))


def _conditions_of(numbers: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    simple = st.one_of(
        st.builds(_comparison, _operators, numbers, numbers),
        st.builds(_between, _not_word, numbers, numbers, numbers),
        st.builds(_in, _not_word, numbers, st.lists(numbers, min_size=1, max_size=3)),
        st.builds(_is_null, _not_word, numbers),
        st.builds(
            _like,
            _not_word,
            st.sampled_from(["LIKE", "ILIKE"]),
            st.text("aAbé%_", min_size=1, max_size=3),
        ),
    )
    return st.recursive(
        simple,
        lambda inner: st.one_of(
            inner.map(_negated),
            st.builds(_logic, st.sampled_from(["AND", "OR"]), inner, inner),
        ),
        max_leaves=4,
    )


def _numbers_of(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    return st.one_of(
        st.builds(_binary, st.sampled_from(list(_ARITHMETIC)), inner, inner),
        inner.map(_negative),
        inner.map(_absolute),
        st.builds(_coalesce, inner, inner),
        st.builds(_nullif, inner, inner),
        st.builds(_case, st.builds(_comparison, _operators, inner, inner), inner, inner),
    )


numbers = st.recursive(_leaves, _numbers_of, max_leaves=6)
conditions = _conditions_of(numbers)


def same(one: Any, other: Any) -> bool:
    """Whether two values and their types are the same."""
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    return type(one) is type(other) and one == other
