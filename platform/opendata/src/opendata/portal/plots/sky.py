"""Maps of the whole sky in the Hammer projection, equatorial coordinates."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.safestring import SafeString
from lxml.builder import E

from .frame import drawing, path, simulated_mark, text

#: Degrees; a smaller circle on a map of the whole sky is a dot.
SMALLEST_RING = 0.8
_SIZE = (640, 332)
_CENTRE, _SEMI_AXES = (320, 166), (300, 150)
#: Right ascension of the left and right edge, in degrees: both are 0 h.
_LEFT, _RIGHT = 359.999, 0.001
#: Points beyond this number are drawn small.
_MANY = 500


def sky(
    points: dict[str, Any], *, simulated: bool = False, radius: float | None = None
) -> SafeString:
    """Returns positions as a sky map.

    Parameters
    ----------
    points
        `ra` and `dec` in degrees; `rows`, `step` and `missing` say what is not shown.
    simulated
        Whether the map is marked as simulated.
    radius
        In degrees: a circle is drawn around each position.
    """
    places = [project(ra, dec) for ra, dec in zip(points["ra"], points["dec"], strict=True)]
    # The script reads the places of the points from this path.
    dots = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in places)
    rings = [
        path(_line(_circle(ra, dec, max(radius, SMALLEST_RING)), 1) + "Z", "ring")
        for ra, dec in zip(points["ra"], points["dec"], strict=True)
        if radius
    ]
    words = _description(points, len(places))
    return drawing(
        [
            path(_line(_edge(), 1) + "Z", "sea"),
            path(_graticule(), "graticule"),
            path(dots, f"dots {'many' if len(places) > _MANY else 'few'}"),
            *rings,
            E.g({"class": "ticks"}, *_labels()),
            *([simulated_mark(620, 22)] if simulated else []),
        ],
        "plot sky",
        _SIZE,
        words,
        words,
    )


def project(ra: float, dec: float) -> tuple[float, float]:
    """Returns the place of a position; right ascension grows to the left, 12 h is in the middle."""
    longitude, latitude = math.radians(180 - ra), math.radians(dec)
    z = math.sqrt(1 + math.cos(latitude) * math.cos(longitude / 2))
    return (
        _CENTRE[0] + _SEMI_AXES[0] * math.cos(latitude) * math.sin(longitude / 2) / z,
        _CENTRE[1] - _SEMI_AXES[1] * math.sin(latitude) / z,
    )


def _description(points: dict[str, Any], drawn: int) -> str:
    shown = f" (every {points['step']}th shown)" if points.get("step", 1) > 1 else ""
    missing = points.get("missing", 0)
    rows = f"{missing} more row{'s' if missing != 1 else ''}"
    without = f", {rows} without a position" if missing else ""
    count = points.get("rows", drawn)
    return f"Sky map of {count} positions{shown}, equatorial coordinates{without}"


def _line(positions: Iterable[tuple[float, float]], digits: int) -> str:
    places = (project(ra, dec) for ra, dec in positions)
    return "M" + "L".join(f"{x:.{digits}f} {y:.{digits}f}" for x, y in places)


def _graticule() -> str:
    """Returns lines every 4 h and every 30 degrees."""
    meridians = [
        [(ra, dec) for dec in range(-90, 91, 5)] for ra in (_RIGHT, 60, 120, 180, 240, 300, _LEFT)
    ]
    parallels = [
        [(max(_RIGHT, min(ra, _LEFT)), dec) for ra in range(0, 361, 5)]
        for dec in (-60, -30, 0, 30, 60)
    ]
    return "".join(_line(positions, 0) for positions in [*meridians, *parallels])


def _edge() -> Sequence[tuple[float, float]]:
    left = [(_LEFT, dec) for dec in range(-90, 91, 3)]
    return left + [(_RIGHT, dec) for dec in range(90, -91, -3)]


def _labels() -> list[Any]:
    hours = [(f"{ra // 15} h", project(ra, 0)) for ra in (60, 120, 180, 240, 300)]
    degrees = [(f"{dec:+d}°", project(_LEFT, dec)) for dec in (-60, -30, 30, 60)]
    return [
        *(text(words, x=f"{x:.0f}", y=f"{y - 5:.0f}", anchor="middle") for words, (x, y) in hours),
        *(
            text(words, x=f"{x - 6:.0f}", y=f"{y + 4:.0f}", anchor="end")
            for words, (x, y) in degrees
        ),
    ]


def _circle(ra: float, dec: float, radius: float) -> list[tuple[float, float]]:
    """Returns positions at an angular distance from one, all in degrees."""
    positions = []
    a, d, r = math.radians(ra), math.radians(dec), math.radians(radius)
    for angle in range(0, 360, 10):
        t = math.radians(angle)
        sine = math.sin(d) * math.cos(r) + math.cos(d) * math.sin(r) * math.cos(t)
        east = a + math.atan2(
            math.sin(t) * math.sin(r) * math.cos(d), math.cos(r) - math.sin(d) * sine
        )
        declination = math.asin(max(-1, min(1, sine)))
        positions.append((math.degrees(east) % 360, math.degrees(declination)))
    return positions
