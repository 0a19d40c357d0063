"""Maps of colours over two axes."""

from __future__ import annotations

import math
from typing import Any

from django.utils.safestring import SafeString
from lxml.builder import E

from .captions import caption, has_log_colours, known_values
from .frame import Frame, tick

#: The scale of colours takes the place on the right.
_FRAME = Frame(right=548)
_BAR, _BAR_WIDTH, _BAR_LABELS, _BAR_STEPS = 558, 14, 578, 40
_COLOURS = [(4, 32, 58), (10, 90, 138), (40, 150, 170), (126, 200, 150), (255, 225, 120)]


def colour_map(plot: dict[str, Any], simulated: bool) -> SafeString:
    """Returns a map of colours as SVG."""
    xs, ys = plot["x"], plot["y"]
    values = known_values(plot) or [0.0]
    log = has_log_colours(values)
    shown = [value for value in values if value > 0] if log else values
    low, high = min(shown), max(shown)
    x, y = _FRAME.x(xs[0], xs[-1]), _FRAME.y(ys[0], ys[-1])
    cells = [
        _cell(
            x(xs[i]),
            y(ys[j + 1]),
            x(xs[i + 1]) - x(xs[i]) + 0.4,
            y(ys[j]) - y(ys[j + 1]) + 0.4,
            _fraction(value, low, high, log),
        )
        for j, row in enumerate(plot["z"])
        for i, value in enumerate(row)
        # A bin without a value, or of 0 or less on a logarithmic scale, has no colour.
        if value is not None and (value > 0 or not log)
    ]
    words = f"{plot['zlabel']} against {plot['xlabel']} and {plot['ylabel']}"
    return _FRAME.draw(
        [*_FRAME.axes(x, y, plot["xlabel"], plot["ylabel"]), *cells, *_bar(low, high, log)],
        caption(plot["title"], plot),
        caption(words, plot),
        simulated=simulated,
        x=x.attribute(),
        y=y.attribute(),
    )


def _bar(low: float, high: float, log: bool) -> list[Any]:
    """Returns the scale of colours with its ticks."""
    scale = _FRAME.y(low, high, log=log)
    height = (_FRAME.bottom - _FRAME.top) / _BAR_STEPS
    steps = [
        _cell(
            _BAR,
            round(_FRAME.bottom - (number + 1) * height, 1),
            _BAR_WIDTH,
            height + 0.5,
            (number + 0.5) / _BAR_STEPS,
        )
        for number in range(_BAR_STEPS)
    ]
    ticks = scale.ticks() if high > low else []
    labels = [tick(value, _BAR_LABELS, scale(value) + 4) for value in ticks]
    return [*steps, E.g({"class": "ticks"}, *labels)]


def _cell(x: float, y: float, width: float, height: float, fraction: float) -> Any:
    return E.rect(
        x=str(x), y=str(y), width=f"{width:.1f}", height=f"{height:.1f}", fill=_colour(fraction)
    )


def _fraction(value: float, low: float, high: float, log: bool) -> float:
    if log:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low) if high > low else 0.5


def _colour(fraction: float) -> str:
    place = min(max(fraction, 0.0), 1.0) * (len(_COLOURS) - 1)
    index = min(int(place), len(_COLOURS) - 2)
    part = place - index
    mixed = (
        round(a + (b - a) * part) for a, b in zip(_COLOURS[index], _COLOURS[index + 1], strict=True)
    )
    return "#" + "".join(f"{value:02x}" for value in mixed)
