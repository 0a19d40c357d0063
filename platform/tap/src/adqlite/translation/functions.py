"""Functions of ADQL: their arguments, their results, and their names in SQLite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from adqlite.errors import QueryError
from adqlite.tables.metadata import Column
from adqlite.translation import sql, types
from adqlite.translation.terms import (
    ASCII,
    DOUBLE,
    LONG,
    VALUES,
    Kind,
    Typed,
    column_of,
    kind_of,
    value_of,
)

_Result = Callable[[Sequence[Typed]], Column]
_NUMBER, _TEXT = (Kind.NUMBER,), (Kind.TEXT,)


def _double(_: Sequence[Typed]) -> Column:
    return DOUBLE


def _radians(_: Sequence[Typed]) -> Column:
    return column_of(DOUBLE, unit="rad")


def _degrees(_: Sequence[Typed]) -> Column:
    return column_of(DOUBLE, unit="deg")


def _rounded(values: Sequence[Typed]) -> Column:
    return column_of(DOUBLE, unit=values[0].column.unit)


def _as_given(values: Sequence[Typed]) -> Column:
    first = DOUBLE if values[0].kind is Kind.NULL else values[0].column
    return column_of(LONG if first.is_integer else first, unit=first.unit)


def _modulo(values: Sequence[Typed]) -> Column:
    whole = all(value.column.is_integer for value in values)
    return column_of(LONG if whole else DOUBLE, unit=values[0].column.unit)


def _text(values: Sequence[Typed]) -> Column:
    return column_of(values[0].column if values[0].kind is Kind.TEXT else ASCII, ucd=None)


@dataclass(frozen=True)
class Signature:
    """Kinds of the arguments, the number of required ones, and the type of the result."""

    kinds: tuple[Kind, ...]
    required: int
    result: _Result


def _signature(kind: Kind, count: int, result: _Result, optional: int = 0) -> Signature:
    return Signature((kind,) * (count + optional), count, result)


_SIGNATURES = {
    "abs": _signature(Kind.NUMBER, 1, _as_given),
    "acos": _signature(Kind.NUMBER, 1, _radians),
    "asin": _signature(Kind.NUMBER, 1, _radians),
    "atan": _signature(Kind.NUMBER, 1, _radians),
    "atan2": _signature(Kind.NUMBER, 2, _radians),
    "ceiling": _signature(Kind.NUMBER, 1, _rounded),
    "cos": _signature(Kind.NUMBER, 1, _double),
    "cot": _signature(Kind.NUMBER, 1, _double),
    "degrees": _signature(Kind.NUMBER, 1, _degrees),
    "exp": _signature(Kind.NUMBER, 1, _double),
    "floor": _signature(Kind.NUMBER, 1, _rounded),
    "log": _signature(Kind.NUMBER, 1, _double),
    "log10": _signature(Kind.NUMBER, 1, _double),
    "mod": _signature(Kind.NUMBER, 2, _modulo),
    "pi": _signature(Kind.NUMBER, 0, _double),
    "power": _signature(Kind.NUMBER, 2, _double),
    "radians": _signature(Kind.NUMBER, 1, _radians),
    "rand": _signature(Kind.NUMBER, 0, _double, optional=1),
    "round": _signature(Kind.NUMBER, 1, _rounded, optional=1),
    "sin": _signature(Kind.NUMBER, 1, _double),
    "sqrt": _signature(Kind.NUMBER, 1, _double),
    "tan": _signature(Kind.NUMBER, 1, _double),
    "truncate": _signature(Kind.NUMBER, 1, _rounded, optional=1),
    "upper": _signature(Kind.TEXT, 1, _text),
    "lower": _signature(Kind.TEXT, 1, _text),
    "ivo_nocasematch": _signature(Kind.TEXT, 2, lambda _: LONG),
}
AGGREGATES = frozenset({"count", "sum", "avg", "min", "max"})


def call(name: str, values: Sequence[Typed]) -> Typed:
    """Returns a function of numbers or text.

    Raises
    ------
    QueryError
        There is no such function, or it does not accept these arguments.
    """
    found = _SIGNATURES.get(name.lower())
    if found is None:
        raise QueryError(f"there is no function {name}")
    check_count(name, len(values), found.required, len(found.kinds))
    for value, kind in zip(values, found.kinds, strict=False):
        types.need(value, (kind,), name.upper())
    if name.lower() == "ivo_nocasematch":
        # RegTAP 1.1, section 9: the pattern is that of LIKE.
        return value_of(any_case(*(value.sql for value in values)), LONG)
    result = found.result(values)
    return value_of(sql.call(f"adql_{name.lower()}", *(value.sql for value in values)), result)


def any_case(value: sql.Sql, pattern: sql.Sql) -> sql.Sql:
    """Returns LIKE that ignores case."""
    return sql.like(sql.call("adql_lower", value), sql.call("adql_lower", pattern))


def check_count(name: str, count: int, least: int, most: int | None) -> None:
    """Checks the number of arguments.

    Raises
    ------
    QueryError
    """
    if count < least or (most is not None and count > most):
        wanted = str(least) if least == most else f"{least} or more"
        if most is not None and most > least:
            wanted = f"{least} to {most}"
        raise QueryError(f"{name.upper()} takes {wanted} arguments, not {count}")


def aggregate(name: str, value: Typed, *, distinct: bool) -> Typed:
    """Returns COUNT, SUM, AVG, MIN or MAX.

    Raises
    ------
    QueryError
        It does not accept such a value.
    """
    function = name.lower()
    written = sql.call(function, value.sql, distinct=distinct)
    if function == "count":
        types.need(value, VALUES, "COUNT")
        return value_of(written, LONG)
    if function in {"min", "max"}:
        types.need(value, (Kind.NUMBER, Kind.TEXT, Kind.BOOLEAN), name.upper())
        return value_of(written, column_of(value.column))
    types.need(value, _NUMBER, name.upper())
    if function == "sum" and value.kind is not Kind.NULL:
        return value_of(written, types.summed(value.column))
    if value.kind is Kind.NULL:
        return value_of(written, DOUBLE)
    return value_of(written, column_of(value.column, datatype="double"))


def coalesce(values: Sequence[Typed]) -> Typed:
    """Returns COALESCE, the first value that is not missing."""
    check_count("COALESCE", len(values), 2, None)
    column = unified(values, "COALESCE")
    return Typed(
        sql.call("coalesce", *(types.converted(value, column) for value in values)),
        kind_of(column),
        column,
    )


def nullif(values: Sequence[Typed]) -> Typed:
    """Returns NULLIF, the first value or NULL if both are equal."""
    check_count("NULLIF", len(values), 2, 2)
    first, second = types.comparable(values[0], values[1], "NULLIF")
    return value_of(sql.call("nullif", first.sql, second.sql), column_of(first.column))


def unified(values: Sequence[Typed], where: str) -> Column:
    """Returns the common type of several values."""
    for value in values:
        types.need(value, VALUES, where)
    return column_of(types.common([types.type_of(value) for value in values], where))


# The types of ADQL 2.1, section 4.4.1, to which CAST can convert here.
_CASTS: dict[str, tuple[Column, str]] = {
    "SMALLINT": (column_of(LONG, datatype="short"), "adql_integer"),
    "INTEGER": (column_of(LONG, datatype="int"), "adql_integer"),
    "INT": (column_of(LONG, datatype="int"), "adql_integer"),
    "BIGINT": (LONG, "adql_integer"),
    "REAL": (column_of(DOUBLE, datatype="float"), "adql_float"),
    "FLOAT": (DOUBLE, "adql_number"),
    "DOUBLE": (DOUBLE, "adql_number"),
    "DOUBLE PRECISION": (DOUBLE, "adql_number"),
    "CHAR": (ASCII, "adql_text"),
    "CHARACTER": (ASCII, "adql_text"),
    "VARCHAR": (ASCII, "adql_text"),
}
_BITS = {"short": 15, "int": 31, "long": 63}


def cast(value: Typed, type_name: str, length: int | None) -> Typed:
    """Returns CAST; integers drop the fraction, text is truncated to its length.

    Raises
    ------
    QueryError
        There is no such type, or the value cannot be converted to it.
    """
    if type_name not in _CASTS:
        raise QueryError(f"CAST to {type_name} is not supported; use one of {', '.join(_CASTS)}")
    types.need(value, (Kind.NUMBER, Kind.TEXT, Kind.BOOLEAN), "CAST")
    column, function = _CASTS[type_name]
    if length is not None and not column.is_text:
        raise QueryError(f"CAST: {type_name} has no length")
    arguments = [value.sql]
    if function == "adql_integer":
        arguments.append(sql.number(_BITS[column.datatype]))
    if function == "adql_text":
        if value.kind is Kind.TEXT:
            column = column_of(value.column)
        elif value.kind is Kind.BOOLEAN:
            function = "adql_truth"
        if length is not None:
            arguments.append(sql.number(length))
    unit = value.column.unit if value.kind is Kind.NUMBER and not column.is_text else None
    return value_of(sql.call(function, *arguments), column_of(column, unit=unit))


def in_unit(value: Typed, unit: str) -> Typed:
    """Returns a number in another unit.

    Raises
    ------
    QueryError
        One of the units is unknown, or they are not convertible.
    """
    # Imported here, since most queries do not need astropy.
    from astropy import units

    types.need(value, _NUMBER, "IN_UNIT")
    if not value.column.unit:
        raise QueryError("IN_UNIT: its first argument has no unit")
    try:
        target = units.Unit(unit, format="vounit")
    except ValueError:
        raise QueryError(f"IN_UNIT: {unit[:40]!r} is not a unit of VOUnits") from None
    try:
        source = units.Unit(value.column.unit, format="vounit")
        factor = float(source.to(target))
    except ValueError as error:  # astropy's UnitConversionError is one
        raise QueryError(
            f"IN_UNIT: {value.column.unit} cannot be converted to {unit[:40]} ({error})"
        ) from None
    written = types.converted(value, DOUBLE)
    if factor != 1:
        written = sql.infix("*", written, sql.number(factor))
    return value_of(written, column_of(DOUBLE, unit=unit, ucd=value.column.ucd))
