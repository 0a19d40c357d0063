"""Geometry: shapes, predicates, and the rectangle around a cone for which an index is used.

CONTAINS and INTERSECTS are numbers: 1, 0, or NULL if an argument is NULL. A condition that holds
for 1 only is combined with the rectangle where false and NULL are equivalent.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import replace

from adqlite import geometry
from adqlite.errors import QueryError
from adqlite.translation import sql, types
from adqlite.translation.functions import check_count
from adqlite.translation.sql import Sql
from adqlite.translation.terms import (
    ASCII,
    DOUBLE,
    LONG,
    POINT,
    REGION,
    Kind,
    Shape,
    Typed,
    column_of,
    value_of,
)

_MARGIN = 1e-9  # deg; rounding must not exclude a row of the cone from the rectangle
_FRAMES = {"", "ICRS", "J2000", "FK5"}
_MAKERS: dict[str, Callable[..., geometry.Shape]] = {
    "point": geometry.position,
    "circle": geometry.circle,
    "box": geometry.box,
    "polygon": geometry.polygon,
}
_SIZES = {"point": 2, "circle": 3, "box": 4, "polygon": None}
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
FUNCTIONS = frozenset(
    {"point", "circle", "box", "polygon", "region", "contains", "intersects", "distance"}
    | {"area", "centroid", "coord1", "coord2", "coordsys"}
)


def call(name: str, values: Sequence[Typed]) -> Typed:
    """Returns a function of geometry.

    Raises
    ------
    QueryError
        It does not accept these arguments, or a coordinate is out of range.
    """
    function = name.lower()
    if function in _MAKERS:
        return _shape(function, values)
    if function == "region":
        raise QueryError("REGION is not supported; use CIRCLE, BOX or POLYGON")
    if function in {"contains", "intersects"}:
        check_count(name, len(values), 2, 2)
        return _predicate(function, _geometry(values[0], name), _geometry(values[1], name))
    if function == "distance":
        return _distance(values)
    check_count(name, len(values), 1, 1)
    value = _geometry(values[0], name)
    if function == "coordsys":
        known = sql.negated(sql.is_null(value.sql))
        return value_of(sql.case([(known, sql.text("ICRS"))], None), ASCII)
    column = {
        "area": column_of(DOUBLE, unit="deg**2"),
        "centroid": POINT,
        "coord1": column_of(DOUBLE, unit="deg", ucd="pos.eq.ra"),
        "coord2": column_of(DOUBLE, unit="deg", ucd="pos.eq.dec"),
    }[function]
    return value_of(sql.call(f"adql_{function}", value.sql), column)


def _geometry(value: Typed, where: str) -> Typed:
    types.need(value, (Kind.GEOMETRY, Kind.TEXT), where.upper())
    return value


def _shape(function: str, values: Sequence[Typed]) -> Typed:
    """Returns a shape; a point may replace two coordinates, and the frame may come first."""
    if values and values[0].kind is Kind.TEXT:
        if not values[0].sql.text.startswith("'"):
            raise QueryError(
                f"{function.upper()} takes numbers; only the frame 'ICRS' may stand before them"
            )
        frame = values[0].sql.text.strip("'").strip().upper()
        if frame not in _FRAMES:
            raise QueryError(f"coordinates have to be ICRS; {values[0].sql.text} is not supported")
        values = values[1:]
    numbers: list[Typed] = []
    for value in values:
        if value.shape is not None and value.shape.function == "point" and function != "point":
            numbers.extend(value.shape.values)
        elif value.kind is Kind.GEOMETRY and function != "point":
            numbers.extend(
                value_of(sql.call(f"adql_coord{axis}", value.sql), DOUBLE) for axis in (1, 2)
            )
        else:
            types.need(value, (Kind.NUMBER,), function.upper())
            numbers.append(value)
    needed = _SIZES[function]
    if needed is not None and len(numbers) != needed:
        raise QueryError(
            f"{function.upper()} needs {needed} numbers (a point may stand for the first two), "
            f"not {len(numbers)}"
        )
    known = _known(numbers)
    if known is not None:
        # Computed here once instead of for each row; impossible shapes fail even without rows.
        written = sql.text(str(_made(function, known)))
    else:
        # Check the numbers that are known now.
        _made(function, [number.number or 0.0 for number in numbers])
        written = sql.call(f"adql_{function}", *(number.sql for number in numbers))
    column = POINT if function == "point" else REGION
    return Typed(written, Kind.GEOMETRY, column, shape=Shape(function, tuple(numbers)))


def _known(values: Sequence[Typed]) -> tuple[float, ...] | None:
    numbers = tuple(value.number for value in values if value.number is not None)
    return numbers if len(numbers) == len(values) else None


def _made(function: str, numbers: Sequence[float]) -> geometry.Shape:
    try:
        return _MAKERS[function](*numbers)
    except ValueError as error:
        raise QueryError(str(error)) from None


def _predicate(function: str, first: Typed, second: Typed) -> Typed:
    ordered = [(first, second)] if function == "contains" else [(first, second), (second, first)]
    for one, other in ((_as_point(one), other) for one, other in ordered):
        if one.shape is None or one.shape.function != "point" or other.shape is None:
            continue
        if other.shape.function in {"point", "circle", "box"}:
            numbers = [value.sql for value in (*one.shape.values, *other.shape.values)]
            written = sql.call(f"adql_in_{other.shape.function}", *numbers)
            return Typed(written, Kind.NUMBER, LONG, shape=Shape("in", (one, other)))
        written = sql.call("adql_contains", one.sql, other.sql)
        return Typed(written, Kind.NUMBER, LONG, shape=Shape("in", (one, other)))
    return value_of(sql.call(f"adql_{function}", first.sql, second.sql), LONG)


def _as_point(value: Typed) -> Typed:
    """Returns a computed point as its two coordinates.

    Whether a point is in a box depends on its coordinates, however the point was made.
    """
    if value.shape is not None or value.column.xtype != POINT.xtype:
        return value
    axes = [value_of(sql.call(f"adql_coord{axis}", value.sql), DOUBLE) for axis in (1, 2)]
    return replace(value, shape=Shape("point", tuple(axes)))


def _distance(values: Sequence[Typed]) -> Typed:
    column = column_of(DOUBLE, unit="deg", ucd="pos.angDistance")
    if len(values) == 4:
        values = [_shape("point", values[:2]), _shape("point", values[2:])]
    check_count("DISTANCE", len(values), 2, 2)
    first, second = (_geometry(value, "DISTANCE") for value in values)
    points = [v.shape.values for v in (first, second) if v.shape and v.shape.function == "point"]
    if len(points) == 2:
        written = sql.call("adql_separation", *(value.sql for point in points for value in point))
        shape = Shape("separation", (first, second))
        return Typed(written, Kind.NUMBER, column, shape=shape)
    return value_of(sql.call("adql_distance", first.sql, second.sql), column)


# Conditions for indexes


def hints(symbol: str, left: Typed, right: Typed) -> list[Sql]:
    """Returns conditions implied by a comparison for which SQLite can use an index."""
    for one, other, compared in (
        (left, right, symbol),
        (right, left, _MIRRORED.get(symbol, symbol)),
    ):
        if one.shape is None:
            continue
        if one.shape.function == "in" and other.number is not None:
            holds = _COMPARED[compared]
            if holds(1, other.number) and not holds(0, other.number):
                return _around(*one.shape.values)
        if one.shape.function == "separation" and compared in {"<", "<=", "="}:
            first, second = (value.shape for value in one.shape.values)
            if first is not None and second is not None:
                return _rectangle(first.values, second.values, other)
    return []


def _around(point: Typed, region: Typed) -> list[Sql]:
    if point.shape is None or region.shape is None:
        return []
    function, values = region.shape.function, region.shape.values
    if function == "circle":
        return _rectangle(point.shape.values, values[:2], values[2], reach="adql_radius")
    if function == "point":
        return _rectangle(point.shape.values, values, _constant(0.0))
    known = _known(values)
    cap = _made(function, known).cap() if known is not None else None
    if cap is None:
        return []
    ra, dec, radius = map(_constant, cap)
    return _rectangle(point.shape.values, (ra, dec), radius)


def _constant(number: float) -> Typed:
    return Typed(sql.number(number), Kind.NUMBER, DOUBLE, number=number)


def _is_position(ra: Typed, dec: Typed) -> bool:
    """Returns whether two values are the position of a published table, whose range is known."""
    if ra.source is None or ra.source is not dec.source or ra.source.table is None:
        return False
    return ra.source.table.position == (ra.column.name, dec.column.name)


def _rectangle(
    point: Sequence[Typed], centre: Sequence[Typed], radius: Typed, *, reach: str = "adql_reach"
) -> list[Sql]:
    """Returns conditions that every direction in a cone fulfils, for which indexes can be used."""
    conditions: list[Sql] = []
    # Either of the two may be the table: the distance is symmetric.
    for (ra, dec), (ra0, dec0) in ((point, centre), (centre, point)):
        if not _is_position(ra, dec):
            continue
        if radius.number is None or dec0.number is None:
            # These functions refuse values out of range, as the comparison itself does.
            middle = sql.call("adql_declination", dec0.sql)
            width = sql.infix("+", sql.call(reach, radius.sql), sql.number(_MARGIN))
            low, high = sql.infix("-", middle, width), sql.infix("+", middle, width)
            conditions.append(sql.between(dec.sql, low, high))
            continue
        reach_dec = max(radius.number, 0.0) + _MARGIN
        conditions.append(_range(dec, dec0.number - reach_dec, dec0.number + reach_dec))
        if ra0.number is None:
            continue
        reach_ra = geometry.ra_reach(dec0.number, radius.number)
        if reach_ra is not None:
            centre_ra = ra0.number % 360
            west, east = centre_ra - reach_ra - _MARGIN, centre_ra + reach_ra + _MARGIN
            ranges = [(west, east)]
            if west <= 0:
                ranges.append((west + 360, east + 360))
            if east >= 360:
                ranges.append((west - 360, east - 360))
            conditions.append(sql.some([_range(ra, *pair) for pair in ranges]))
    return conditions


def _range(value: Typed, low: float, high: float) -> Sql:
    return sql.between(value.sql, sql.number(low), sql.number(high))
