"""Types of computed values.

The type of a column follows from the query alone, never from the rows. Two types combine to
one that can represent all values of both: integers widen, and become real only through `adql_real`,
which refuses an integer that double precision cannot represent.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from adqlite.errors import QueryError
from adqlite.tables.cells import BITS
from adqlite.tables.metadata import Column
from adqlite.translation import sql
from adqlite.translation.terms import (
    ASCII,
    DOUBLE,
    LETTERS,
    LONG,
    VALUES,
    Kind,
    Typed,
    column_of,
    kind_of,
)

_INTEGERS = ("short", "int", "long")


def need(value: Typed, kinds: Sequence[Kind], where: str) -> None:
    """Checks the kind of a value.

    Raises
    ------
    QueryError
    """
    if value.kind in kinds or (value.kind is Kind.NULL and Kind.CONDITION not in kinds):
        return
    wanted = "a value" if kinds == VALUES else " or ".join(kind.value for kind in kinds)
    hint = ""
    if value.kind is Kind.CONDITION:
        hint = "; a condition belongs in WHERE, HAVING, ON or CASE WHEN"
    elif Kind.CONDITION in kinds and value.kind is Kind.NUMBER:
        hint = "; compare it, as in CONTAINS(...) = 1"
    elif kinds == (Kind.TEXT,) and value.kind is Kind.NUMBER:
        hint = "; write CAST(... AS VARCHAR)"
    elif kinds == (Kind.NUMBER,) and value.kind is Kind.TEXT:
        hint = "; write CAST(... AS DOUBLE PRECISION)"
    raise QueryError(f"{where} needs {wanted}, not {value.kind.value}{hint}")


def arithmetic(operator: str, left: Column, right: Column) -> Column:
    """Returns the type of a sum, difference, product or quotient."""
    kind = LONG if left.is_integer and right.is_integer else DOUBLE
    same = left.unit == right.unit and operator in "+-"
    return column_of(kind, unit=left.unit if same else None)


def exact(written: sql.Sql, operands: Sequence[Typed]) -> sql.Sql:
    """Returns integer arithmetic with a check that its result fits into 64 bits.

    SQLite would continue with a real number, which has lost the last digits.
    """
    if not all(operand.column.is_integer for operand in operands):
        return written
    # A sum, product or quotient needs no more bits than its operands have together.
    if sum(_bits(operand) for operand in operands) < BITS["long"]:
        return written
    return sql.call("adql_whole", written)


def _bits(operand: Typed) -> int:
    if operand.number is not None:
        return max(int(abs(operand.number)).bit_length(), 1)
    return BITS[operand.column.datatype]


def summed(column: Column) -> Column:
    """Returns the type of SUM."""
    return column_of(column, datatype="long" if column.is_integer else "double")


def comparable(left: Typed, right: Typed, where: str) -> tuple[Typed, Typed]:
    """Returns two values that can be compared; a literal like '12' next to a number becomes one.

    Raises
    ------
    QueryError
    """
    left, right = _as_number(left, right), _as_number(right, left)
    kinds = {left.kind, right.kind} - {Kind.NULL}
    if Kind.CONDITION in kinds or Kind.ARRAY in kinds:
        wrong = left if left.kind in {Kind.CONDITION, Kind.ARRAY} else right
        raise QueryError(f"{where} cannot compare {wrong.kind.value}")
    if len(kinds) == 2 and kinds != {Kind.BOOLEAN, Kind.NUMBER}:
        raise QueryError(f"{where} compares {left.kind.value} with {right.kind.value}; write CAST")
    return left, right


def _as_number(value: Typed, other: Typed) -> Typed:
    """Returns a text literal next to a number as a number, as other databases do."""
    if other.kind is not Kind.NUMBER or value.kind is not Kind.TEXT:
        return value
    literal = value.sql.text
    if not (literal.startswith("'") and literal.endswith("'") and literal.count("'") == 2):
        return value
    if "_" in literal:
        return value
    for convert, column in ((int, LONG), (float, DOUBLE)):
        try:
            number = convert(literal[1:-1])
        except ValueError:
            continue
        if abs(number) < 2**63:  # neither infinite nor nan
            return Typed(sql.number(number), Kind.NUMBER, column, number=float(number))
    return value


def common(columns: Sequence[Column | None], where: str) -> Column:
    """Returns the type that can represent all values of several types; None is that of NULL.

    Raises
    ------
    QueryError
        There is no such type.
    """
    known = [column for column in columns if column is not None]
    if not known:
        return ASCII
    return reduce(lambda a, b: _wider(a, b, where), known)


def _wider(a: Column, b: Column, where: str) -> Column:
    kept = {
        key: getattr(a, key) if getattr(a, key) == getattr(b, key) else None
        for key in ("unit", "ucd", "utype", "xtype")
    }
    kept["description"] = a.description if a.description == b.description else ""
    if (a.datatype, a.arraysize) == (b.datatype, b.arraysize):
        return a.model_copy(update=kept)
    if a.is_text and b.is_text:
        return column_of(LETTERS, **kept)
    kinds = kind_of(a), kind_of(b)
    if kinds == (Kind.NUMBER, Kind.NUMBER):
        if a.is_integer and b.is_integer:
            kept["datatype"] = max(a.datatype, b.datatype, key=_INTEGERS.index)
        else:
            kept["datatype"] = "double"
        return column_of(DOUBLE, **kept)
    if set(kinds) == {Kind.BOOLEAN, Kind.NUMBER}:
        return b if kinds[0] is Kind.BOOLEAN else a
    raise QueryError(f"{where} has {kinds[0].value} and {kinds[1].value}: CAST them to one type")


def converted(value: Typed, column: Column) -> sql.Sql:
    """Returns a value converted to a common type."""
    if value.kind is Kind.NULL:
        return value.sql
    real = column.datatype in {"float", "double"} and column.arraysize is None
    if real and (value.column.is_integer or value.kind is Kind.BOOLEAN):
        return sql.as_real(value.sql)
    return value.sql


def type_of(value: Typed) -> Column | None:
    """Returns the type of a value; None for NULL, whose type depends on the context."""
    return None if value.kind is Kind.NULL else value.column
