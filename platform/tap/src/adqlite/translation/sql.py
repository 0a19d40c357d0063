"""SQL as a tree that prints its own parentheses.

Precedence is that of SQLite (https://sqlite.org/lang_expr.html#operators). A part is put in
parentheses where it binds less than what surrounds it asks for, and nowhere else: SQLite's parser
takes a hundred nested parentheses at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_LEVELS = (
    ("OR",),
    ("AND",),
    ("NOT",),
    ("=", "<>", "IS", "IN", "LIKE", "BETWEEN"),
    ("<", "<=", ">", ">="),
    ("&", "|"),
    ("+", "-"),
    ("*", "/"),
    ("||",),
    ("sign",),
)
_LEVEL = {word: number for number, words in enumerate(_LEVELS) for word in words}
_WHOLE = len(_LEVELS)


@dataclass(frozen=True)
class Sql:
    """A piece of SQL, and how strongly its outermost operator binds."""

    text: str
    level: int = _WHOLE

    def __str__(self) -> str:
        return self.text

    def within(self, level: int) -> str:
        """Returns the text for a place where only what binds as strongly may stand."""
        return self.text if self.level >= level else f"({self.text})"


NULL = Sql("NULL")
ROWS = Sql("*")


def number(value: float) -> Sql:
    """Returns a number; one below zero has a sign."""
    return Sql(repr(value)) if value >= 0 else prefix("-", Sql(repr(-value)))


def text(value: str) -> Sql:
    """Returns a text in quotes."""
    return Sql("'" + value.replace("'", "''") + "'")


def name(*parts: str) -> Sql:
    """Returns a name in quotes; with double quotes SQLite would take an unknown one for a text."""
    return Sql(".".join("`" + part.replace("`", "``") + "`" for part in parts))


def infix(operator: str, left: Sql, right: Sql) -> Sql:
    """Returns two operands with an operator that groups from the left."""
    level = _LEVEL[operator]
    return Sql(f"{left.within(level)} {operator} {right.within(level + 1)}", level)


def prefix(operator: str, operand: Sql) -> Sql:
    """Returns an operand with a sign or NOT before it."""
    level = _LEVEL["NOT" if operator == "NOT" else "sign"]
    # Two signs without anything between them would begin a comment.
    inner = operand.within(level if operator == "NOT" else level + 1)
    return Sql(f"{operator} {inner}", level)


def every(conditions: Sequence[Sql]) -> Sql:
    """Returns conditions combined by AND."""
    return _combined("AND", conditions)


def some(conditions: Sequence[Sql]) -> Sql:
    """Returns conditions combined by OR."""
    return _combined("OR", conditions)


def _combined(operator: str, conditions: Sequence[Sql]) -> Sql:
    result, *rest = conditions
    for condition in rest:
        result = infix(operator, result, condition)
    return result


def between(value: Sql, low: Sql, high: Sql) -> Sql:
    """Returns whether a value is within two others."""
    level = _LEVEL["BETWEEN"]
    above = level + 1
    return Sql(f"{value.within(above)} BETWEEN {low.within(above)} AND {high.within(above)}", level)


def like(value: Sql, pattern: Sql) -> Sql:
    """Returns whether a text fits a pattern."""
    level = _LEVEL["LIKE"]
    return Sql(f"{value.within(level + 1)} LIKE {pattern.within(level + 1)}", level)


def among(value: Sql, items: Iterable[Sql] | str) -> Sql:
    """Returns whether a value is among others, or among the rows of a query."""
    level = _LEVEL["IN"]
    listed = items if isinstance(items, str) else ", ".join(map(str, items))
    return Sql(f"{value.within(level + 1)} IN ({listed})", level)


def is_null(value: Sql) -> Sql:
    """Returns whether a value is missing."""
    level = _LEVEL["IS"]
    return Sql(f"{value.within(level + 1)} IS NULL", level)


def negated(condition: Sql, *, when: bool = True) -> Sql:
    """Returns the opposite of a condition."""
    return prefix("NOT", condition) if when else condition


def call(function: str, *arguments: Sql, distinct: bool = False) -> Sql:
    """Returns a function with its arguments."""
    inner = ", ".join(map(str, arguments))
    return Sql(f"{function}({'DISTINCT ' if distinct else ''}{inner})")


def case(branches: Iterable[tuple[Sql, Sql]], otherwise: Sql | None) -> Sql:
    """Returns CASE with conditions."""
    parts = [f"WHEN {condition} THEN {value}" for condition, value in branches]
    if otherwise is not None:
        parts.append(f"ELSE {otherwise}")
    return Sql(f"CASE {' '.join(parts)} END")


def as_real(value: Sql) -> Sql:
    """Returns a number in double precision."""
    return call("adql_real", value)


def scalar(query: str) -> Sql:
    """Returns the one value of a query."""
    return Sql(f"({query})")


def exists(query: str) -> Sql:
    """Returns whether a query has rows."""
    return Sql(f"EXISTS ({query})")
