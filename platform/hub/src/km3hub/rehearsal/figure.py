"""The figure of a rehearsal: how long everybody waited, and what the machine had left.

Plain SVG, because the hub's environment has no plotting library. It follows the reader's colour
scheme.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from km3hub.rehearsal.crowd import Rehearsal
from km3hub.rehearsal.report import phase_seconds
from km3hub.rehearsal.verdict import Verdict

__all__ = ["as_svg"]

_WIDTH, _PANEL, _LEFT, _RIGHT, _TOP = 860, 230, 70, 190, 76
_GAP = 74
#: Colours that colour-blind readers can tell apart (Okabe and Ito), by curve.
_COLOURS = {
    "login": "#0072b2",
    "server": "#d55e00",
    "kernel": "#009e73",
    "first cell": "#cc79a7",
    "ready to work": "currentColor",
    "memory left": "#0072b2",
    "cores in use": "#d55e00",
    "participants": "currentColor",
}
_STYLE = """
svg { color: #0b2135; background: #ffffff; font: 14px system-ui, sans-serif; }
text { fill: currentColor; }
.title { font-size: 18px; font-weight: 600; } .soft { opacity: 0.75; font-size: 12px; }
.grid { stroke: currentColor; opacity: 0.18; } .axis { stroke: currentColor; opacity: 0.6; }
.line { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
.go { fill: #00735a; font-weight: 700; } .no { fill: #b3261e; font-weight: 700; }
@media (prefers-color-scheme: dark) {
  svg { color: #e6f1f8; background: #0a1a28; } .go { fill: #4fd6b0; } .no { fill: #ff8a80; }
}
"""


@dataclass(frozen=True)
class _Panel:
    """An area with axes; data are scaled into it."""

    top: float
    largest_x: float
    x_title: str
    y_titles: tuple[tuple[float, str], ...]
    """Height from 0 to 1, and what is written there."""

    @property
    def width(self) -> float:
        return _WIDTH - _LEFT - _RIGHT

    def point(self, x: float, y: float) -> str:
        """Returns the coordinates of a point; `y` from 0 to 1."""
        across = _LEFT + self.width * x / self.largest_x
        return f"{across:.1f},{self.top + _PANEL * (1 - y):.1f}"

    def frame(self) -> list[str]:
        """Returns axes, grid and their labels."""
        bottom = self.top + _PANEL
        axes = f"M{_LEFT} {self.top}V{bottom}H{_LEFT + self.width}"
        parts = [f'<path class="axis" d="{axes}" fill="none"/>']
        for height, title in self.y_titles:
            y = bottom - height * _PANEL
            parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}h{self.width}"/>')
            parts.append(_text(_LEFT - 8, y + 4, title, "soft", anchor="end"))
        for value in _ticks(self.largest_x):
            x = _LEFT + self.width * value / self.largest_x
            parts.append(_text(x, bottom + 18, f"{value:g}", "soft", anchor="middle"))
        middle = _LEFT + self.width / 2
        parts.append(_text(middle, bottom + 38, self.x_title, "soft", anchor="middle"))
        return parts

    def curve(self, name: str, points: Sequence[tuple[float, float]], row: int) -> list[str]:
        """Returns a line and its entry in the legend."""
        colour = _COLOURS[name]
        path = " ".join(self.point(x, y) for x, y in points)
        x, y = _LEFT + self.width + 16, self.top + 12 + 24 * row
        return [
            f'<polyline class="line" stroke="{colour}" points="{path}"/>',
            f'<path class="line" stroke="{colour}" d="M{x} {y - 5}h22"/>',
            f'<text x="{x + 30}" y="{y}">{escape(name)}</text>',
        ]


def as_svg(rehearsal: Rehearsal, verdict: Verdict, *, hub: str) -> str:
    """Returns the figure."""
    panels = [_waits(rehearsal), *([_machine(rehearsal)] if rehearsal.machine else [])]
    height = _TOP + len(panels) * (_PANEL + _GAP)
    users = rehearsal.plan.users
    passed = sum(not outcome.failed for outcome in rehearsal.outcomes)
    word, kind = ("GO", "go") if verdict.go else ("NO GO", "no")
    body = [part for panel in panels for part in panel]
    title = f"Rehearsal with {users} participants"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img"'
            f' aria-label="{title}: {word}">',
            f"<style>{_STYLE}</style>",
            _text(_LEFT, 30, title, "title"),
            _text(_LEFT, 54, f"{hub}: {passed} of {users} succeeded", "soft"),
            _text(_WIDTH - 24, 34, word, f"title {kind}", anchor="end"),
            *body,
            "</svg>\n",
        ]
    )


def _text(x: float, y: float, text: str, kind: str, *, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} class="{kind}">{escape(text)}</text>'


def _waits(rehearsal: Rehearsal) -> list[str]:
    """Returns the panel of the fractions that have passed each phase after a time."""
    phases = {name: s for name, s in phase_seconds(rehearsal).items() if s and name in _COLOURS}
    largest = _nice(max((seconds[-1] for seconds in phases.values()), default=1.0))
    titles = tuple((part / 4, f"{25 * part} %") for part in range(5))
    panel = _Panel(_TOP, largest, "seconds that a phase took", titles)
    parts = panel.frame()
    users = rehearsal.plan.users
    for row, (name, seconds) in enumerate(phases.items()):
        points = [(0.0, 0.0)]
        for number, value in enumerate(seconds):
            points += [(value, number / users), (value, (number + 1) / users)]
        parts += panel.curve(name, [*points, (largest, len(seconds) / users)], row)
    return parts


def _machine(rehearsal: Rehearsal) -> list[str]:
    """Returns the panel of memory, cores and participants over time."""
    machine = rehearsal.machine
    if machine is None:
        return []
    top = _TOP + _PANEL + _GAP
    titles = tuple((part / 4, f"{25 * part} %") for part in range(5))
    largest = _nice(machine.samples[-1].seconds)
    panel = _Panel(top, largest, "seconds since the beginning (100 %: the machine, or all)", titles)
    users = rehearsal.plan.users
    curves = {
        "memory left": [(s.seconds, s.available / machine.memory) for s in machine.samples],
        "cores in use": [(s.seconds, min(1.0, s.cpu / machine.cores)) for s in machine.samples],
        "participants": [(s.seconds, s.holding / users) for s in machine.samples],
    }
    parts = panel.frame()
    for row, (name, points) in enumerate(curves.items()):
        parts += panel.curve(name, points, row)
    return parts


def _nice(value: float) -> float:
    """Returns the next larger number with one digit of 1, 2, 3, 4, 5, 6 or 8."""
    if value <= 0:
        return 1.0
    power = float(10 ** math.floor(math.log10(value)))
    return next(step * power for step in (1, 2, 3, 4, 5, 6, 8, 10) if step * power >= value)


def _ticks(largest: float) -> list[float]:
    return [largest * part / 4 for part in range(5)]
