"""Curves, steps over bins, and histograms."""

from __future__ import annotations

from typing import Any

from django.utils.safestring import SafeString

from .captions import caption
from .frame import Frame, path
from .scales import Scale

_FRAME = Frame()


def curve(plot: dict[str, Any], simulated: bool) -> SafeString:
    """Returns a curve or steps as SVG."""
    xs, ys = plot["x"], plot["y"]
    histogram = bool(plot.get("histogram"))
    known = [value for value in ys if value is not None]
    positive = [value for value in known if value > 0]
    log = bool(plot.get("logy") and positive)
    if log:
        low, high = min(positive) / 1.6, max(positive) * 1.6
    else:
        low, high = _span(known, from_zero=histogram)
    x, y = _FRAME.x(xs[0], xs[-1]), _FRAME.y(low, high, log=log)
    if histogram:
        line = f"M{x(xs[0])} {y(low)}V{_steps(xs, ys, x, y).partition(' ')[2]}V{y(low)}Z"
    elif plot["kind"] == "steps":
        line = _steps(xs, ys, x, y)
    else:
        line = "M" + "L".join(f"{x(a)} {y(b)}" for a, b in zip(xs, ys, strict=True))
    words = caption(f"{plot['title']}: {plot['ylabel']} against {plot['xlabel']}", plot)
    return _FRAME.draw(
        [*_FRAME.axes(x, y, plot["xlabel"], plot["ylabel"]),
         path(line, "area" if histogram else "line")],
        words,
        words,
        simulated=simulated,
        x=x.attribute(),
        y=y.attribute(),
    )  # fmt: skip


def _span(values: list[float], *, from_zero: bool) -> tuple[float, float]:
    """Returns the ends of an axis with some room beyond the values."""
    low, high = min(values), max(values)
    if from_zero and low >= 0:
        return 0.0, (high or 1.0) * 1.06
    room = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return low - room, high + room


def _steps(xs: list[float], ys: list[float | None], x: Scale, y: Scale) -> str:
    """Returns steps over bins as a path; bins without a value leave a gap."""
    parts = []
    for number, value in enumerate(ys):
        if value is None:
            continue
        if number and ys[number - 1] is not None:
            parts.append(f"V{y(value)}")
        else:
            parts.append(f"M{x(xs[number])} {y(value)}")
        parts.append(f"H{x(xs[number + 1])}")
    return "".join(parts)
