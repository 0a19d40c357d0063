"""The functions of ADQL, which SQLite calls for each row.

A missing argument gives a missing value; so does an undefined operation (the square root of -1, a
division by zero). A coordinate out of range ends the query with the reason.
"""

from __future__ import annotations

import math
import random
import sqlite3
import struct
from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from functools import wraps
from typing import Any

from adqlite import geometry
from adqlite.errors import QueryError
from adqlite.geometry import declination, longitude, parsed

_NEAR = 1e-12  # deg; closer directions are equal


class _Impossible(ValueError):
    """Ends the query; any other error in a function gives a missing value."""


def _refusing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function of geometry whose errors end the query."""

    @wraps(function)
    def call(*values: Any) -> Any:
        try:
            return function(*values)
        except (TypeError, ValueError) as error:
            raise _Impossible(str(error)) from None

    return call


# Geometry


def separation(ra1: float, dec1: float, ra2: float, dec2: float) -> float:
    """Returns the angle between two directions in degrees."""
    return geometry.separation(longitude(ra1), declination(dec1), longitude(ra2), declination(dec2))


def _in_circle(ra: float, dec: float, ra0: float, dec0: float, radius: float) -> int:
    geometry.radius(radius)
    return int(separation(ra, dec, ra0, dec0) <= radius)


def _in_point(ra: float, dec: float, ra0: float, dec0: float) -> int:
    return int(separation(ra, dec, ra0, dec0) <= _NEAR)


def _in_box(  # noqa: PLR0917 - called by SQLite, which knows no names
    ra: float, dec: float, ra0: float, dec0: float, width: float, height: float
) -> int:
    """Returns whether a direction is in a box (ranges of coordinates around a centre)."""
    geometry.check_box(ra0, dec0, width, height)
    away = (longitude(ra) - ra0 + 180) % 360 - 180
    return int(abs(away) <= width / 2 and abs(declination(dec) - dec0) <= height / 2)


def _coordinate(axis: int) -> Callable[[str], float]:
    def coordinate(point: str) -> float:
        shape = parsed(point)
        if shape.kind != "Position":
            raise ValueError(f"COORD{axis + 1} needs a point, not a {shape.kind.lower()}")
        return shape.numbers[axis]

    return coordinate


def _distance(first: str, second: str) -> float:
    points = [parsed(first), parsed(second)]
    for point in points:
        if point.kind != "Position":
            raise ValueError(f"DISTANCE needs two points, not a {point.kind.lower()}")
    return geometry.separation(*points[0].numbers, *points[1].numbers)


_GEOMETRY: dict[str, tuple[int, Callable[..., Any]]] = {
    "separation": (4, separation),
    "in_circle": (5, _in_circle),
    "in_point": (4, _in_point),
    "in_box": (6, _in_box),
    "declination": (1, declination),
    "radius": (1, geometry.radius),
    "reach": (1, lambda radius: max(radius, 0.0)),
    "point": (2, lambda *n: str(geometry.position(*n))),
    "circle": (3, lambda *n: str(geometry.circle(*n))),
    "box": (4, lambda *n: str(geometry.box(*n))),
    "polygon": (-1, lambda *n: str(geometry.polygon(*n))),
    "contains": (2, lambda a, b: int(parsed(b).holds(parsed(a)))),
    "intersects": (2, lambda a, b: int(parsed(a).intersects(parsed(b)))),
    "distance": (2, _distance),
    "area": (1, lambda a: parsed(a).area()),
    "centroid": (1, lambda a: str(geometry.position(*geometry.direction(parsed(a).centre)))),
    "coord1": (1, _coordinate(0)),
    "coord2": (1, _coordinate(1)),
}


# Types


def real(value: float | int) -> float:
    """Returns a number in double precision if that is exactly the same number.

    Raises
    ------
    ValueError
        Double precision cannot represent the integer.
    """
    number = float(value)
    if number != value:
        raise _Impossible(
            f"the integer {value} meets real numbers here, and double precision cannot represent "
            "it; CAST it to DOUBLE PRECISION to accept the nearest value, CAST the real numbers to "
            "BIGINT, or CAST all to VARCHAR"
        )
    return number


def _whole(value: float | int) -> int:
    """Returns an integer result; SQLite turns one beyond 64 bits into a real number."""
    if not isinstance(value, int) or not -(1 << 63) <= value < 1 << 63:
        raise _Impossible(
            f"an integer of about {value:.3g} does not fit into 64 bits; CAST the numbers that "
            "it is computed from to DOUBLE PRECISION"
        )
    return value


def _integer(value: Any, bits: int) -> int:
    try:
        _check_digits(value)
        whole = int(value) if isinstance(value, int | str) else math.trunc(value)
    except (ValueError, OverflowError):
        raise _Impossible(f"CAST: {value!r} is not an integer") from None
    if not -(1 << bits) <= whole < 1 << bits:
        raise _Impossible(f"CAST: {value} does not fit into {bits + 1} bits")
    return whole


def _number(value: Any) -> float:
    try:
        _check_digits(value)
        # CAST asks for the nearest value; without it an integer is kept exactly or refused.
        number = float(value)
        if isinstance(value, str) and math.isinf(number) and "inf" not in value.lower():
            raise _Impossible(f"CAST: {value} is larger than any number of double precision")
        return number
    except ValueError as error:
        if isinstance(error, _Impossible):
            raise
        raise _Impossible(f"CAST: {value!r} is not a number") from None


def _check_digits(value: Any) -> None:
    """Refuses notations that only Python reads as numbers: 1_000 and nan."""
    if isinstance(value, str) and ("_" in value or "nan" in value.lower()):
        raise ValueError(value)


def _float(value: Any) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", _number(value)))[0])
    except OverflowError:
        raise _Impossible(f"CAST: {value} is too large for REAL") from None


def _text(value: Any, length: int | None = None) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text[:length]


def _truth(value: int, length: int | None = None) -> str:
    return ("true" if value else "false")[:length]


# Mathematics


def _rounded(rounding: str) -> Callable[..., float]:
    def rounded(value: float, digits: int = 0) -> float:
        digits = max(min(int(digits), 400), -400)
        if not math.isfinite(value):
            return float(value)
        # Rounds the decimal digits that people see: 0.285 to two digits is 0.29.
        number = Decimal(repr(value))
        if number.adjusted() + digits > 20:  # beyond the last digit
            return real(value)
        found = number.quantize(Decimal(1).scaleb(-digits), rounding=rounding)
        return real(int(found)) if isinstance(value, int) else float(found)

    return rounded


def _modulo(x: float, y: float) -> float | int:
    if isinstance(x, int) and isinstance(y, int):
        rest = abs(x) % abs(y)
        return -rest if x < 0 else rest
    return math.fmod(x, y)


def _exponential(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf  # as in SQLite's own arithmetic


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf


_MATHEMATICS: dict[str, tuple[int, Callable[..., Any]]] = {
    "abs": (1, lambda x: _whole(abs(x)) if isinstance(x, int) else abs(x)),
    "acos": (1, math.acos),
    "asin": (1, math.asin),
    "atan": (1, math.atan),
    "atan2": (2, math.atan2),
    "ceiling": (1, lambda x: real(math.ceil(x)) if math.isfinite(x) else x),
    "cos": (1, math.cos),
    "cot": (1, lambda x: 1 / math.tan(x)),
    "degrees": (1, math.degrees),
    "exp": (1, _exponential),
    "floor": (1, lambda x: real(math.floor(x)) if math.isfinite(x) else x),
    "log": (1, math.log),
    "log10": (1, math.log10),
    "mod": (2, _modulo),
    "pi": (0, lambda: math.pi),
    "power": (2, _power),
    "radians": (1, math.radians),
    "round": (-1, _rounded(ROUND_HALF_UP)),
    "sin": (1, math.sin),
    "sqrt": (1, math.sqrt),
    "tan": (1, math.tan),
    "truncate": (-1, _rounded(ROUND_DOWN)),
    "upper": (1, str.upper),
    "lower": (1, str.lower),
    "real": (1, real),
    "whole": (1, _whole),
    "integer": (2, _integer),
    "number": (1, _number),
    "float": (1, _float),
    "text": (-1, _text),
    "truth": (-1, _truth),
}


def _only(count: int, value: Any) -> Any:
    if count > 1:
        raise _Impossible("a query in an expression gives more than one row")
    return value


def _null_on_null(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*values: Any) -> Any:
        return None if None in values else function(*values)

    return call


def _noted(function: Callable[..., Any], errors: list[str]) -> Callable[..., Any]:
    """Returns a function that records its errors; SQLite reports only that there was one."""

    @wraps(function)
    def call(*values: Any) -> Any:
        try:
            return function(*values)
        except _Impossible as error:
            errors.append(str(error))
            raise QueryError(str(error)) from None
        except (ArithmeticError, ValueError):
            return None

    return call


def register(connection: sqlite3.Connection) -> list[str]:
    """Adds the functions of ADQL to a connection; returns a list that receives their errors."""
    errors: list[str] = []
    functions = {
        **{name: (arity, _refusing(f)) for name, (arity, f) in _GEOMETRY.items()},
        **_MATHEMATICS,
    }
    for name, (arity, function) in functions.items():
        call = _noted(_null_on_null(function), errors)
        connection.create_function(f"adql_{name}", arity, call, deterministic=True)
    connection.create_function("adql_only", 2, _noted(_only, errors), deterministic=True)
    connection.create_function("adql_rand", -1, lambda *_: random.random())  # noqa: S311
    return errors
