"""Geometry of ADQL on the sphere.

Shapes are exchanged with SQLite as text in the notation of STC-S (`Position ICRS 20 30`), because a
cell of SQLite cannot contain an array. All angles are in degrees along great circles.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

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
    """Half width of a cone in right ascension, in degrees; None if it contains a pole."""
    if radius < 0 or abs(dec) + radius >= 89.999999:
        return None
    return math.degrees(math.asin(math.sin(math.radians(radius)) / math.cos(math.radians(dec))))


def vector(ra: float, dec: float) -> Vector:
    """Returns the unit vector of a direction."""
    r, d = math.radians(ra), math.radians(dec)
    return math.cos(d) * math.cos(r), math.cos(d) * math.sin(r), math.sin(d)


def direction(v: Vector) -> tuple[float, float]:
    """Returns right ascension (0 to 360) and declination of a vector."""
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
        """Right ascension, declination and radius of a cone around the shape; None if too large."""
        centre = self.centre
        radius = max(_angle(centre, v) for v in self.vertices) + self.radius
        # A cone smaller than a hemisphere is convex: it contains the edges as well as the corners.
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
        if self.radius >= 180:
            return True
        if self.radius > 90 and other.kind == "Polygon":
            # Not convex: an edge between two corners inside may leave it.
            x, y, z = self.vertices[0]
            outside = (-x, -y, -z)
            return not other.contains(outside) and other.distance(outside) >= 180 - self.radius
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
    """Returns a point.

    Raises
    ------
    ValueError
        A coordinate is out of its range.
    """
    return Shape("Position", (longitude(ra), declination(dec)))


def circle(ra: float, dec: float, radius_: float) -> Shape:
    """Returns a circle.

    Raises
    ------
    ValueError
        A coordinate or the radius is out of its range.
    """
    return Shape("Circle", (longitude(ra), declination(dec), radius(radius_)))


def box(ra: float, dec: float, width: float, height: float) -> Shape:
    """Returns the polygon of a box: sides in right ascension and declination around a centre.

    Raises
    ------
    ValueError
        A coordinate or a side is out of its range, or the box is not on one side of the sky.
    """
    check_box(ra, dec, width, height)
    w, low, high = width / 2, dec - height / 2, dec + height / 2
    return Shape("Polygon", (ra - w, low, ra + w, low, ra + w, high, ra - w, high))


def polygon(*numbers: float) -> Shape:
    """Returns a polygon from the coordinates of its corners.

    Raises
    ------
    ValueError
        A coordinate is out of its range, or there are too few.
    """
    if len(numbers) < 6 or len(numbers) % 2:
        raise ValueError("a polygon needs three or more corners of two coordinates")
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return Shape("Polygon", tuple(n for a, d in pairs for n in (longitude(a), declination(d))))


def longitude(ra: float) -> float:
    """Returns a right ascension between 0 and 360 degrees; others wrap around.

    Raises
    ------
    ValueError
        The value is not finite.
    """
    if not math.isfinite(ra):
        raise ValueError(f"a right ascension of {ra} is not a number of degrees")
    return float(ra) if 0 <= ra <= 360 else ra % 360.0


def declination(dec: float) -> float:
    """Returns a declination in degrees.

    Raises
    ------
    ValueError
        The value is not within -90 and 90, for example because coordinates are swapped.
    """
    if not -90 <= dec <= 90:
        raise ValueError(f"a declination of {dec} is not within -90 to 90 deg")
    return float(dec)


def radius(value: float) -> float:
    """Returns the radius of a circle in degrees.

    Raises
    ------
    ValueError
        The value is negative or larger than 180 degrees.
    """
    if not 0 <= value <= 180:
        raise ValueError(f"a circle cannot have the radius {value}; 0 to 180 deg are possible")
    return float(value)


def check_box(ra: float, dec: float, width: float, height: float) -> None:
    """Checks a box.

    Raises
    ------
    ValueError
    """
    longitude(ra)
    declination(dec)
    if not (width >= 0 and height >= 0):
        raise ValueError("a box cannot have negative sides")
    if width >= 180 or abs(dec) + height / 2 > 90:
        raise ValueError("a box wider than 180 deg or over a pole is not supported")


@lru_cache(maxsize=4096)
def parsed(text: str) -> Shape:
    """Reads a shape from text."""
    kind, _, rest = str(text).partition(" ICRS ")
    makers: dict[str, Callable[..., Shape]] = {
        "Position": position,
        "Circle": circle,
        "Polygon": polygon,
    }
    if kind not in makers:
        raise ValueError(f"{text!r} is not a geometry")
    return makers[kind](*map(float, rest.split()))
