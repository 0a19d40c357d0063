"""Geometry: shapes, what lies in them, and the rectangle around a cone that an index answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from antlr4 import TerminalNode

from opendata.vo.engine import geometry
from opendata.vo.engine.errors import QueryError
from opendata.vo.engine.translation.expressions import Expressions
from opendata.vo.engine.translation.terms import (
    MAKERS,
    MARGIN,
    Geometry,
    Value,
    is_position,
    rule_of,
    unwrap,
)


class Shapes(Expressions):
    """Writes the functions of geometry."""

    def geometry(self, node: Any) -> Geometry:
        """Read a shape, or an expression that gives one."""
        core = unwrap(node)
        kind = rule_of(core)
        if kind in {"Point", "Circle", "Box", "Polygon"}:
            needed = {"Point": 2, "Circle": 3, "Box": 4}.get(kind)
            values = list(self._coordinates(core))
            if needed is not None and len(values) != needed:
                raise QueryError(
                    f"{kind.upper()} needs {needed} numbers (and a point in place of "
                    f"the first two is allowed), not {len(values)}"
                )
            return Geometry(kind.lower(), values)
        if kind == "Centroid":
            inner = self.geometry(core.getChild(2))
            return Geometry("text", [Value(f"adql_centroid({inner.sql})")])
        if kind == "Region":
            raise QueryError("REGION is not supported; use CIRCLE, BOX or POLYGON")
        return Geometry("text", [self.value(core)])

    def _coordinates(self, node: Any) -> Iterator[Value]:
        for child in node.getChildren():
            if isinstance(child, TerminalNode):
                continue
            core = unwrap(child)
            if rule_of(core) == "Coordinates":
                yield from self._coordinates(core)
            elif rule_of(core) == "Point":
                yield from self.geometry(core).values
            elif rule_of(child) == "Coord_sys" and core.getText().startswith("'"):
                if core.getText()[1:-1].strip().upper() not in {"", "ICRS", "J2000", "FK5"}:
                    raise QueryError(f"coordinates are ICRS here, {core.getText()} is not known")
            else:
                yield self.value(core)

    def _write_point(self, node: Any) -> str:
        return self.geometry(node).sql

    _write_circle = _write_point
    _write_box = _write_point
    _write_polygon = _write_point
    _write_centroid = _write_point
    _write_region = _write_point

    def _write_area(self, node: Any) -> str:
        return f"adql_area({self.geometry(node.getChild(2)).sql})"

    def _write_coord1(self, node: Any) -> str:
        return f"adql_coord1({self.geometry(node.getChild(2)).sql})"

    def _write_coord2(self, node: Any) -> str:
        return f"adql_coord2({self.geometry(node.getChild(2)).sql})"

    def _write_extract_coordsys(self, node: Any) -> str:
        return "'ICRS'"

    def _write_contains(self, node: Any) -> str:
        inner, outer = self.geometry(node.getChild(2)), self.geometry(node.getChild(4))
        if inner.kind == "point":
            return self._point_in(inner.values, outer)
        return f"adql_contains({inner.sql}, {outer.sql})"

    def _write_intersects(self, node: Any) -> str:
        first, second = self.geometry(node.getChild(2)), self.geometry(node.getChild(4))
        for one, other in ((first, second), (second, first)):
            if one.kind == "point":
                return self._point_in(one.values, other)
        return f"adql_intersects({first.sql}, {second.sql})"

    def _predicate(self, node: Any) -> str:
        sides = [node.getChild(0), node.getChild(2)]
        function = next(s for s in sides if rule_of(unwrap(s)) in {"Contains", "Intersects"})
        other = next(s for s in sides if s is not function).getText()
        sql = self.write(unwrap(function))
        if other not in {"0", "1"}:
            return f"({sql}) = {self.write(next(s for s in sides if s is not function))}"
        # A condition by itself, not one that is compared with 1: only then an index can help.
        return f"({sql})" if other == "1" else f"(NOT ({sql}))"

    _write_contains_predicate = _predicate
    _write_intersects_predicate = _predicate

    def _write_comparison_predicate(self, node: Any) -> str:
        left, operator, right = (node.getChild(i) for i in range(3))
        symbol = operator.getText()
        if rule_of(unwrap(left)) in {"Contains", "Intersects"} or rule_of(unwrap(right)) in {
            "Contains",
            "Intersects",
        }:
            if symbol == "=":
                return self._predicate(node)
        elif rule_of(unwrap(left)) == "Distance" and symbol in {"<", "<="}:
            return self._within(unwrap(left), symbol, right)
        elif rule_of(unwrap(right)) == "Distance" and symbol in {">", ">="}:
            return self._within(unwrap(right), symbol.replace(">", "<"), left)
        return f"{self.write(left)} {symbol} {self.write(right)}"

    def _within(self, distance: Any, symbol: str, radius: Any) -> str:
        points = self._distance_points(distance)
        sql = self.write(distance)
        limit = self.value(radius)
        condition = f"{sql} {symbol} {limit.sql}"
        if points is None:
            return condition
        rectangle = self._rectangle(points[:2], points[2:], limit)
        return f"({' AND '.join([*rectangle, condition])})"

    def _distance_points(self, node: Any) -> list[Value] | None:
        values: list[Value] = []
        for child in node.getChildren():
            if isinstance(child, TerminalNode):
                continue
            if rule_of(child) == "Coord_value":
                shape = self.geometry(child)
                if shape.kind != "point":
                    return None
                values.extend(shape.values)
            else:
                values.append(self.value(child))
        return values if len(values) == 4 else None

    def _write_distance(self, node: Any) -> str:
        values = self._distance_points(node)
        if values is not None:
            return f"adql_separation({', '.join(v.sql for v in values)})"
        shapes = [self.geometry(c).sql for c in node.getChildren() if rule_of(c) == "Coord_value"]
        return f"adql_distance({', '.join(shapes)})"

    def _point_in(self, point: list[Value], shape: Geometry) -> str:
        if shape.kind == "circle":
            centre, radius = shape.values[:2], shape.values[2]
            test = f"adql_separation({', '.join(v.sql for v in [*point, *centre])}) <= {radius.sql}"
            return " AND ".join([*self._rectangle(point, centre, radius), test])
        if shape.kind == "point":
            pairs = ", ".join(v.sql for v in [*point, *shape.values])
            return f"adql_separation({pairs}) <= 1e-12"
        values = ", ".join(v.sql for v in [*point, *shape.values])
        if shape.kind == "box":
            test = f"adql_in_box({values})"
        else:
            test = f"adql_contains(adql_point({', '.join(v.sql for v in point)}), {shape.sql})"
        numbers = [v.number for v in shape.values]
        if shape.kind != "text" and None not in numbers:
            given = [n for n in numbers if n is not None]
            try:
                cap = MAKERS[shape.kind](*given).cap()
            except ValueError as error:
                raise QueryError(str(error)) from None
            if cap is not None:
                values_of_cap = [Value(repr(n), number=n) for n in cap]
                return " AND ".join(
                    [*self._rectangle(point, values_of_cap[:2], values_of_cap[2]), test]
                )
        return test

    def _rectangle(self, point: list[Value], centre: list[Value], radius: Value) -> list[str]:
        """Write conditions that every direction in a cone fulfils, and that indexes answer."""
        conditions: list[str] = []
        # Which of the two is the table does not matter for the distance, but for the index.
        for (ra, dec), (ra0, dec0) in (
            ((point[0], point[1]), (centre[0], centre[1])),
            ((centre[0], centre[1]), (point[0], point[1])),
        ):
            if not is_position(ra, dec):
                continue
            if radius.number is None or dec0.number is None:
                reach = f"({radius.sql} + {MARGIN!r})"
                conditions.append(
                    f"{dec.sql} BETWEEN {dec0.sql} - {reach} AND {dec0.sql} + {reach}"
                )
                continue
            reach_dec = max(radius.number, 0.0) + MARGIN
            low, high = dec0.number - reach_dec, dec0.number + reach_dec
            conditions.append(f"{dec.sql} BETWEEN {low!r} AND {high!r}")
            if ra0.number is None:
                continue
            reach_ra = geometry.ra_reach(dec0.number, radius.number)
            if reach_ra is not None:
                middle = ra0.number % 360
                low, high = middle - reach_ra - MARGIN, middle + reach_ra + MARGIN
                ranges = [(low, high)]
                if low <= 0:
                    ranges.append((low + 360, high + 360))
                if high >= 360:
                    ranges.append((low - 360, high - 360))
                conditions.append(
                    "(" + " OR ".join(f"{ra.sql} BETWEEN {a!r} AND {b!r}" for a, b in ranges) + ")"
                )
        return conditions
