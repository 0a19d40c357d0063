"""Cells of SQLite as values of their column's type.

The type of a computed column follows from the query. No value is changed to fit it: one that does
not fit, such as an integer beyond 64 bits, ends the query with an error.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from adqlite.errors import QueryError
from adqlite.tables.metadata import Column

#: Bits of integers, without the sign.
BITS = {"short": 15, "int": 31, "long": 63}


def frozen_array(values: Sequence[Any]) -> str:
    """Returns an array as stored in SQLite: flat, the first axis of the VOTable fastest."""
    return json.dumps(
        [None if isinstance(v, float) and math.isnan(v) else v for v in values], allow_nan=True
    )


def cell_reader(column: Column) -> Callable[[Any], Any]:
    """Returns a function that turns a cell of a column into a Python value.

    Arrays become flat lists. Missing values are None, in arrays as well.
    """
    if column.arraysize is not None and not column.is_text:
        item = _scalar_reader(column)
        return lambda value: None if value is None else [item(v) for v in json.loads(value)]
    return _scalar_reader(column)


def _scalar_reader(column: Column) -> Callable[[Any], Any]:
    if column.is_text:
        return lambda value: (
            value if value is None or isinstance(value, str) else _wrong(column, value)
        )
    if column.is_integer:
        return _integer_reader(column)
    if column.datatype == "boolean":
        return lambda value: None if value is None else bool(value)

    def real(value: Any) -> float | None:
        if value is None:
            return None
        if not isinstance(value, int | float):
            _wrong(column, value)
        number = float(value)
        if number != value:
            if math.isnan(number):
                return None
            _wrong(column, value)
        return number

    return real


def _integer_reader(column: Column) -> Callable[[Any], int | None]:
    low, high = -(1 << BITS[column.datatype]), (1 << BITS[column.datatype]) - 1

    def integer(value: Any) -> int | None:
        if value is None:
            return None
        if not isinstance(value, int) or not low <= value <= high:
            _wrong(column, value)
        return int(value)

    return integer


def _wrong(column: Column, value: Any) -> Any:
    raise QueryError(
        f"the column {column.name} has the value {value!r}, which is too large for the type "
        f"{column.datatype}; CAST the numbers that it is computed from to DOUBLE PRECISION"
    )


def shape_of(column: Column) -> tuple[int | None, ...]:
    """Returns the axes of an array, slowest first as in numpy; None means any length."""
    axes = (column.arraysize or "*").split("x")
    return tuple(None if "*" in axis else int(axis) for axis in reversed(axes))


def nested(values: list[Any], shape: Sequence[int | None]) -> list[Any]:
    """Returns a flat array as nested lists."""
    for length in reversed(shape[1:]):
        if not length:
            return values
        values = [values[at : at + length] for at in range(0, len(values), length)]
    return values
