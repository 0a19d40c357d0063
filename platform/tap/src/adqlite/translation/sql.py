"""SQL that adds its own parentheses.

Precedence is that of SQLite (https://sqlite.org/lang_expr.html#operators). Parentheses appear only
where precedence needs them, because SQLite's parser accepts at most a hundred nested ones.
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
    """A piece of SQL with the precedence of its outermost operator."""

    text: str
    level: int = _WHOLE

    def __str__(self) -> str:
        return self.text

    def within(self, level: int) -> str:
        """Returns the text for a place that needs at least this precedence."""
        return self.text if self.level >= level else f"({self.text})"


NULL = Sql("NULL")
ROWS = Sql("*")


def number(value: float) -> Sql:
    """Returns a number, with a sign if it is negative."""
    return Sql(repr(value)) if value >= 0 else prefix("-", Sql(repr(-value)))


def text(value: str) -> Sql:
    """Returns text in quotes."""
    return Sql("'" + value.replace("'", "''") + "'")


def name(*parts: str) -> Sql:
    """Returns a name in backticks; in double quotes SQLite would read an unknown one as text."""
    return Sql(".".join("`" + part.replace("`", "``") + "`" for part in parts))


def infix(operator: str, left: Sql, right: Sql) -> Sql:
    """Returns two operands with a left-associative operator."""
    level = _LEVEL[operator]
    return Sql(f"{left.within(level)} {operator} {right.within(level + 1)}", level)


def prefix(operator: str, operand: Sql) -> Sql:
    """Returns an operand with a sign or NOT before it."""
    level = _LEVEL["NOT" if operator == "NOT" else "sign"]
    # Two adjacent minus signs would start a comment.
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
    """Returns BETWEEN."""
    level = _LEVEL["BETWEEN"]
    above = level + 1
    return Sql(f"{value.within(above)} BETWEEN {low.within(above)} AND {high.within(above)}", level)


def like(value: Sql, pattern: Sql) -> Sql:
    """Returns LIKE."""
    level = _LEVEL["LIKE"]
    return Sql(f"{value.within(level + 1)} LIKE {pattern.within(level + 1)}", level)


def among(value: Sql, items: Iterable[Sql] | str) -> Sql:
    """Returns IN, with a list of values or a query."""
    level = _LEVEL["IN"]
    listed = items if isinstance(items, str) else ", ".join(map(str, items))
    return Sql(f"{value.within(level + 1)} IN ({listed})", level)


def is_null(value: Sql) -> Sql:
    """Returns IS NULL."""
    level = _LEVEL["IS"]
    return Sql(f"{value.within(level + 1)} IS NULL", level)


def negated(condition: Sql, *, when: bool = True) -> Sql:
    """Returns NOT with a condition, or the condition itself unless `when`."""
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
    """Returns a query used as a value."""
    return Sql(f"({query})")


def exists(query: str) -> Sql:
    """Returns EXISTS."""
    return Sql(f"EXISTS ({query})")
