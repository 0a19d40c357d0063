"""Geometry of ADQL on the sphere, and the functions of ADQL that SQLite lacks.

Shapes are exchanged with SQLite as text in the manner of STC-S (`Position ICRS 20 30`), because a
cell of SQLite holds no arrays. All angles are degrees, all great circles.
"""

from __future__ import annotations

import itertools
import math
import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, wraps
from typing import Any

from opendata.vo.engine.errors import QueryError

Vector = tuple[float, float, float]


def separation(ra1: float, dec1: float, ra2: float, dec2: float) -> float:
    """Angle between two directions in degrees (Vincenty's formula, exact at all angles)."""
    d1, d2 = math.radians(dec1), math.radians(dec2)
    dl = math.radians(ra2 - ra1)
    s1, c1, s2, c2 = math.sin(d1), math.cos(d1), math.sin(d2), math.cos(d2)
    sl, cl = math.sin(dl), math.cos(dl)
    return math.degrees(
        math.atan2(math.hypot(c2 * sl, c1 * s2 - s1 * c2 * cl), s1 * s2 + c1 * c2 * cl)
    )


def ra_reach(dec: float, radius: float) -> float | None:
    """Half width in right ascension of a cone in degrees; None where it contains a pole."""
    if radius < 0 or abs(dec) + radius >= 89.999999:
        return None
    return math.degrees(math.asin(math.sin(math.radians(radius)) / math.cos(math.radians(dec))))


def vector(ra: float, dec: float) -> Vector:
    """Give the unit vector of a direction."""
    r, d = math.radians(ra), math.radians(dec)
    return math.cos(d) * math.cos(r), math.cos(d) * math.sin(r), math.sin(d)


def direction(v: Vector) -> tuple[float, float]:
    """Give right ascension (0 to 360) and declination of a vector."""
    return math.degrees(math.atan2(v[1], v[0])) % 360, math.degrees(
        math.atan2(v[2], math.hypot(v[0], v[1]))
    )


def _cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _angle(a: Vector, b: Vector) -> float:
    return math.degrees(math.atan2(math.hypot(*_cross(a, b)), _dot(a, b)))


@dataclass(frozen=True)
class Shape:
    """A point, circle or polygon; a box is the polygon of its corners.

    Attributes
    ----------
    kind : str
        `Position`, `Circle` or `Polygon`.
    numbers : tuple of float
        Coordinates in degrees as in STC-S.
    """

    kind: str
    numbers: tuple[float, ...]

    def __str__(self) -> str:
        return " ".join((self.kind, "ICRS", *map(repr, self.numbers)))

    @cached_property
    def vertices(self) -> list[Vector]:
        """Corners of a polygon, or the centre."""
        last = len(self.numbers) if self.kind == "Polygon" else 2
        return [vector(*self.numbers[i : i + 2]) for i in range(0, last, 2)]

    @property
    def radius(self) -> float:
        """Radius of a circle, 0 of a point."""
        return self.numbers[2] if self.kind == "Circle" else 0.0

    @cached_property
    def centre(self) -> Vector:
        """Middle of the shape."""
        total = [sum(axis) for axis in zip(*self.vertices, strict=True)]
        length = math.hypot(*total) or 1.0
        return total[0] / length, total[1] / length, total[2] / length

    def cap(self) -> tuple[float, float, float] | None:
        """Right ascension, declination and radius of a cone around the shape, if one is small."""
        centre = self.centre
        radius = max(_angle(centre, v) for v in self.vertices) + self.radius
        # Smaller than a hemisphere a cone is convex: it holds the edges as well as the corners.
        return (*direction(centre), radius) if radius < 85 else None

    def contains(self, v: Vector) -> bool:
        """Whether a direction is in the shape or on its edge."""
        if self.kind != "Polygon":
            return _angle(self.vertices[0], v) <= self.radius + 1e-12
        turns = 0.0
        corners = self.vertices
        for a, b in zip(corners, corners[1:] + corners[:1], strict=True):
            left, right = _cross(v, a), _cross(v, b)
            if math.hypot(*left) < 1e-14 or math.hypot(*right) < 1e-14:
                return _dot(v, a) > 0 or _dot(v, b) > 0
            turns += math.atan2(_dot(v, _cross(left, right)), _dot(left, right))
        return abs(turns) > math.pi and _dot(v, self.centre) > -0.1

    def distance(self, v: Vector) -> float:
        """Angle from a direction to the edges of a polygon in degrees."""
        corners = self.vertices
        best = 180.0
        for a, b in zip(corners, corners[1:] + corners[:1], strict=True):
            normal = _cross(a, b)
            length = math.hypot(*normal)
            if length > 0 and _dot(_cross(normal, a), v) >= 0 and _dot(_cross(b, normal), v) >= 0:
                best = min(
                    best,
                    abs(math.degrees(math.asin(max(-1.0, min(1.0, _dot(normal, v) / length))))),
                )
            else:
                best = min(best, _angle(a, v), _angle(b, v))
        return best

    def intersects(self, other: Shape) -> bool:
        """Whether two shapes have a direction in common."""
        if self.kind != "Polygon" and other.kind != "Polygon":
            return _angle(self.centre, other.centre) <= self.radius + other.radius + 1e-12
        if self.kind != "Polygon":
            return other.intersects(self)
        if other.kind != "Polygon":
            at = other.vertices[0]
            return self.contains(at) or self.distance(at) <= other.radius
        return (
            any(self.contains(v) for v in other.vertices)
            or any(other.contains(v) for v in self.vertices)
            or self._edges_cross(other)
        )

    def _edges_cross(self, other: Shape) -> bool:
        mine, theirs = self.vertices, other.vertices
        for a, b in zip(mine, mine[1:] + mine[:1], strict=True):
            n1 = _cross(a, b)
            for c, d in zip(theirs, theirs[1:] + theirs[:1], strict=True):
                n2 = _cross(c, d)
                if (
                    _dot(n1, c) * _dot(n1, d) < 0
                    and _dot(n2, a) * _dot(n2, b) < 0
                    and (_dot(_cross(n1, n2), a) * _dot(_cross(n1, n2), c) > 0)
                ):
                    return True
        return False

    def holds(self, other: Shape) -> bool:
        """Whether the whole other shape is in this one."""
        if self.kind == "Position":
            return other.radius == 0 and all(self.contains(v) for v in other.vertices)
        if other.kind == "Polygon" or self.kind == "Polygon":
            inside = all(self.contains(v) for v in other.vertices)
            if self.kind != "Polygon":
                return inside
            edge = self.distance(other.vertices[0]) >= other.radius
            return inside and (edge if other.kind != "Polygon" else not self._edges_cross(other))
        return _angle(self.centre, other.centre) + other.radius <= self.radius + 1e-12

    def area(self) -> float:
        """Area in square degrees."""
        square = math.degrees(1) ** 2
        if self.kind != "Polygon":
            return 2 * math.pi * (1 - math.cos(math.radians(self.radius))) * square
        a, *rest = self.vertices
        total = 0.0
        for b, c in itertools.pairwise(rest):
            volume = _dot(a, _cross(b, c))
            total += 2 * math.atan2(volume, 1 + _dot(a, b) + _dot(b, c) + _dot(c, a))
        return abs(total) * square


def position(ra: float, dec: float) -> Shape:
    """Give a point."""
    return Shape("Position", (float(ra), _declination(dec)))


def circle(ra: float, dec: float, radius: float) -> Shape:
    """Give a circle."""
    if radius < 0:
        raise ValueError(f"a circle cannot have the radius {radius}")
    return Shape("Circle", (float(ra), _declination(dec), float(radius)))


def box(ra: float, dec: float, width: float, height: float) -> Shape:
    """Give the polygon of a box: sides in right ascension and declination around a centre."""
    if width < 0 or height < 0:
        raise ValueError("a box cannot have negative sides")
    if width >= 180 or abs(dec) + height / 2 > 90:
        raise ValueError("a box wider than 180 deg or over a pole is not supported")
    w, low, high = width / 2, dec - height / 2, dec + height / 2
    return Shape("Polygon", (ra - w, low, ra + w, low, ra + w, high, ra - w, high))


def polygon(*numbers: float) -> Shape:
    """Give a polygon from the coordinates of its corners."""
    if len(numbers) < 6 or len(numbers) % 2:
        raise ValueError("a polygon needs three or more corners of two coordinates")
    return Shape("Polygon", tuple(map(float, numbers)))


def _declination(dec: float) -> float:
    if not -90 <= dec <= 90:
        raise ValueError(f"a declination of {dec} is not within -90 to 90 deg")
    return float(dec)


@lru_cache(maxsize=4096)
def parsed(text: str) -> Shape:
    """Read a shape from text."""
    kind, _, rest = str(text).partition(" ICRS ")
    makers: dict[str, Callable[..., Shape]] = {
        "Position": position,
        "Circle": circle,
        "Polygon": polygon,
    }
    if kind not in makers:
        raise ValueError(f"{text!r} is no geometry")
    return makers[kind](*map(float, rest.split()))


def in_box(  # noqa: PLR0917 - called by SQLite, which knows no names
    ra: float, dec: float, ra0: float, dec0: float, width: float, height: float
) -> bool:
    """Whether a direction is in a box (coordinate ranges around a centre)."""
    return abs((ra - ra0 + 180) % 360 - 180) <= width / 2 and abs(dec - dec0) <= height / 2


def _truncate(x: float, digits: int = 0) -> float:
    return float(math.trunc(x * 10**digits) / 10**digits)


def _round(x: float, digits: int = 0) -> float:
    # ADQL means the rounding of schools, Python's round() goes to even digits.
    return math.copysign(math.floor(abs(x) * 10**digits + 0.5) / 10**digits, x)


_FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "separation": (4, separation),
    "in_box": (6, in_box),
    "point": (2, lambda a, d: str(position(a, d))),
    "circle": (3, lambda a, d, r: str(circle(a, d, r))),
    "box": (4, lambda a, d, w, h: str(box(a, d, w, h))),
    "polygon": (-1, lambda *n: str(polygon(*n))),
    "contains": (2, lambda a, b: parsed(b).holds(parsed(a))),
    "intersects": (2, lambda a, b: parsed(a).intersects(parsed(b))),
    "distance": (2, lambda a, b: _angle(parsed(a).centre, parsed(b).centre)),
    "area": (1, lambda a: parsed(a).area()),
    "centroid": (1, lambda a: str(position(*direction(parsed(a).centre)))),
    "coord1": (1, lambda a: parsed(a).numbers[0]),
    "coord2": (1, lambda a: parsed(a).numbers[1]),
    "abs": (1, abs),
    "acos": (1, math.acos),
    "asin": (1, math.asin),
    "atan": (1, math.atan),
    "atan2": (2, math.atan2),
    "ceiling": (1, lambda x: float(math.ceil(x))),
    "cos": (1, math.cos),
    "cot": (1, lambda x: 1 / math.tan(x)),
    "degrees": (1, math.degrees),
    "exp": (1, math.exp),
    "floor": (1, lambda x: float(math.floor(x))),
    "log": (1, math.log),
    "log10": (1, math.log10),
    "mod": (
        2,
        lambda x, y: (
            math.fmod(x, y)
            if isinstance(x, float) or isinstance(y, float)
            else int(math.copysign(abs(x) % abs(y), x))
        ),
    ),
    "pi": (0, lambda: math.pi),
    "power": (2, math.pow),
    "radians": (1, math.radians),
    "round": (-1, _round),
    "sin": (1, math.sin),
    "sqrt": (1, math.sqrt),
    "tan": (1, math.tan),
    "truncate": (-1, _truncate),
    "upper": (1, lambda x: str(x).upper()),
    "lower": (1, lambda x: str(x).lower()),
    "ivo_nocasematch": (2, lambda a, b: int(_like(str(b).lower(), str(a).lower()))),
}


def _like(pattern: str, text: str) -> bool:
    parts = pattern.split("%")
    if len(parts) == 1:
        return text == pattern
    if not text.startswith(parts[0]):
        return False
    at = len(parts[0])
    for part in parts[1:-1]:
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return text.endswith(parts[-1]) and len(text) - at >= len(parts[-1])


def _null_on_null(function: Callable[..., Any], errors: list[str]) -> Callable[..., Any]:
    @wraps(function)
    def call(*values: Any) -> Any:
        if None in values:
            return None
        try:
            return function(*values)
        except (ArithmeticError, OverflowError):
            return None
        except (TypeError, ValueError) as error:
            if str(error).startswith("math domain error") or "expected a" in str(error):
                return None
            errors.append(str(error))
            raise QueryError(str(error)) from None

    return call


def register(connection: sqlite3.Connection) -> list[str]:
    """Give a connection the functions of ADQL; what they complain about comes in the list."""
    errors: list[str] = []
    for name, (arity, function) in _FUNCTIONS.items():
        connection.create_function(
            f"adql_{name}", arity, _null_on_null(function, errors), deterministic=True
        )
    connection.create_function("adql_rand", -1, lambda *_: random.random())  # noqa: S311
    return errors
