"""Drawing plots and sky maps as SVG, in the colours of the page (they follow dark and light)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

_W, _H = 640, 360
#: Degrees; a smaller circle on a map of the whole sky is a dot.
SMALLEST_RING = 0.8
_LEFT, _RIGHT, _TOP, _BOTTOM = 78, 18, 18, 58


@dataclass(frozen=True)
class Scale:
    """From values to pixels, linear or logarithmic."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the pixel of a value."""
        low, high = self.low, self.high
        if low == high:
            return round((self.start + self.stop) / 2, 1)
        if self.log:
            low, high, value = math.log10(low), math.log10(high), math.log10(max(value, self.low))
        return round(self.start + (value - low) / (high - low) * (self.stop - self.start), 1)

    def ticks(self) -> list[float]:
        """Return round values between the ends."""
        if self.log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            step = max(1, (last - first) // 5)
            return [10.0**power for power in range(first, last + 1, step)]
        if self.low == self.high:
            return [self.low]
        rough = (self.high - self.low) / 6
        power = 10 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)
        first = math.ceil(self.low / step - 1e-9)
        return [
            round(number * step, 12) for number in range(first, int(self.high / step + 1e-9) + 1)
        ]


def _number(value: float) -> str:
    if value and (abs(value) >= 1e5 or abs(value) < 1e-3):
        mantissa, _, power = f"{value:.3g}".partition("e")
        if not power:
            return f"{value:g}"
        base = "10" if mantissa == "1" else f"{mantissa}·10"
        return f'{base}<tspan dy="-5" font-size="9">{int(power)}</tspan>'
    return f"{value:g}"


def _axes(x: Scale, y: Scale, xlabel: str, ylabel: str) -> str:
    parts = ['<g class="grid">']
    for value in x.ticks():
        parts.append(f'<path d="M{x(value)} {_TOP}V{_H - _BOTTOM}"/>')
    for value in y.ticks():
        parts.append(f'<path d="M{_LEFT} {y(value)}H{_W - _RIGHT}"/>')
    parts.append('</g><g class="ticks">')
    for value in x.ticks():
        parts.append(
            f'<text x="{x(value)}" y="{_H - _BOTTOM + 18}" text-anchor="middle">'
            f"{_number(value)}</text>"
        )
    for value in y.ticks():
        parts.append(
            f'<text x="{_LEFT - 8}" y="{y(value) + 4}" text-anchor="end">{_number(value)}</text>'
        )
    middle = (_TOP + _H - _BOTTOM) / 2
    parts.append(
        f'</g><text class="label" x="{(_LEFT + _W - _RIGHT) / 2}" y="{_H - 12}" '
        'text-anchor="middle">'
        f"{escape(xlabel)}</text>"
        f'<text class="label" transform="translate(16 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(ylabel)}</text>"
    )
    return "".join(parts)


def _frame(
    inside: str, title: str, text: str, simulated: bool, right: int = _W - _RIGHT
) -> SafeString:
    mark = (
        f'<text class="simulated" x="{right - 8}" y="{_TOP + 18}" text-anchor="end">'
        "SIMULATED</text>"
        if simulated
        else ""
    )
    return mark_safe(  # noqa: S308 - every text inside went through escape()
        f'<svg class="plot" viewBox="0 0 {_W} {_H}" role="img" aria-label="{escape(text)}">'
        f"<title>{escape(title)}</title>{inside}{mark}</svg>"
    )


def _span(values: list[float], *, zero: bool) -> tuple[float, float]:
    low, high = min(values), max(values)
    if zero and low >= 0:
        return 0.0, (high or 1.0) * 1.06
    room = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return low - room, high + room


def draw(plot: dict[str, Any], *, simulated: bool = False) -> SafeString:
    """Return a plot of :mod:`opendata.describing.plots` as SVG."""
    return _map(plot, simulated) if plot["kind"] == "map" else _curve(plot, simulated)


def caption(text: str, plot: dict[str, Any]) -> str:
    """Return a text about a plot with how many values the plot cannot show."""
    notes = [plot["note"]] if plot.get("note") else []
    if plot["kind"] == "map" and _has_log_colours(values := _known(plot)):
        blank = sum(value <= 0 for value in values)
        plural = "s" if blank > 1 else ""
        notes += [f"{blank} bin{plural} of 0 or less left empty"] if blank else []
    return f"{text} ({', '.join(notes)})" if notes else text


def _known(plot: dict[str, Any]) -> list[float]:
    return [value for row in plot["z"] for value in row if value is not None]


def _has_log_colours(values: list[float]) -> bool:
    positive = [value for value in values if value > 0]
    return len(positive) > 0.5 * len(values) and max(positive) > 100 * min(positive)


def _curve(plot: dict[str, Any], simulated: bool) -> SafeString:
    xs, ys = plot["x"], plot["y"]
    known = [value for value in ys if value is not None]
    positive = [value for value in known if value > 0]
    log = bool(plot.get("logy") and positive)
    if log:
        low, high = min(positive) / 1.6, max(positive) * 1.6
    else:
        low, high = _span(known, zero=bool(plot.get("histogram")))
    x = Scale(xs[0], xs[-1], _LEFT, _W - _RIGHT)
    y = Scale(low, high, _H - _BOTTOM, _TOP, log)
    if plot.get("histogram"):
        path = _steps(xs, ys, x, y)
        path = f"M{x(xs[0])} {y(low)}V" + path.partition(" ")[2] + f"V{y(low)}Z"
    elif plot["kind"] == "steps":
        path = _steps(xs, ys, x, y)
    else:
        path = "M" + "L".join(f"{x(a)} {y(b)}" for a, b in zip(xs, ys, strict=True))
    style = "area" if plot.get("histogram") else "line"
    inside = _axes(x, y, plot["xlabel"], plot["ylabel"]) + f'<path class="{style}" d="{path}"/>'
    text = caption(f"{plot['title']}: {plot['ylabel']} against {plot['xlabel']}", plot)
    return _frame(inside, text, text, simulated)


def _steps(xs: list[float], ys: list[float | None], x: Scale, y: Scale) -> str:
    """Return steps over bins as path; bins without value leave a gap."""
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


def _map(plot: dict[str, Any], simulated: bool) -> SafeString:
    xs, ys, rows = plot["x"], plot["y"], plot["z"]
    values = _known(plot) or [0.0]
    positive = [value for value in values if value > 0]
    log = _has_log_colours(values)
    low, high = (min(positive), max(positive)) if log else (min(values), max(values))

    def shade(value: float) -> float:
        if log:
            return math.log(value / low) / math.log(high / low)
        return (value - low) / (high - low) if high > low else 0.5

    right = _W - _RIGHT - 74  # the scale of colours needs the rest
    x = Scale(xs[0], xs[-1], _LEFT, right)
    y = Scale(ys[0], ys[-1], _H - _BOTTOM, _TOP)
    cells = [
        f'<rect x="{x(xs[i])}" y="{y(ys[j + 1])}" width="{x(xs[i + 1]) - x(xs[i]) + 0.4:.1f}" '
        f'height="{y(ys[j]) - y(ys[j + 1]) + 0.4:.1f}" fill="{_colour(shade(value))}"/>'
        for j, row in enumerate(rows)
        for i, value in enumerate(row)
        # What has no value, or none on a scale of ratios, has no colour of the scale.
        if value is not None and (value > 0 or not log)
    ]
    bar = "".join(
        f'<rect x="{_W - 82}" y="{_TOP + (_H - _BOTTOM - _TOP) * (1 - (n + 1) / 40):.1f}" '
        f'width="14" '
        f'height="{(_H - _BOTTOM - _TOP) / 40 + 0.5:.1f}" fill="{_colour((n + 0.5) / 40)}"/>'
        for n in range(40)
    )
    scale = Scale(low, high, _H - _BOTTOM, _TOP, log)
    bar += (
        '<g class="ticks">'
        + "".join(
            f'<text x="{_W - 62}" y="{scale(value) + 4}">{_number(value)}</text>'
            for value in (scale.ticks() if high > low else [])
        )
        + "</g>"
    )
    # The axes are drawn over the whole width: shrink them to the map.
    axes = _axes(x, y, plot["xlabel"], plot["ylabel"]).replace(f"H{_W - _RIGHT}", f"H{right}")
    text = caption(f"{plot['zlabel']} against {plot['xlabel']} and {plot['ylabel']}", plot)
    return _frame(axes + "".join(cells) + bar, caption(plot["title"], plot), text, simulated, right)


_COLOURS = [(4, 32, 58), (10, 90, 138), (40, 150, 170), (126, 200, 150), (255, 225, 120)]


def _colour(fraction: float) -> str:
    place = min(max(fraction, 0.0), 1.0) * (len(_COLOURS) - 1)
    index = min(int(place), len(_COLOURS) - 2)
    part = place - index
    mixed = (
        round(a + (b - a) * part) for a, b in zip(_COLOURS[index], _COLOURS[index + 1], strict=True)
    )
    return "#" + "".join(f"{value:02x}" for value in mixed)


def _project(ra: float, dec: float) -> tuple[float, float]:
    """Hammer projection; right ascension grows to the left, 12 h in the middle."""
    longitude, latitude = math.radians(180 - ra), math.radians(dec)
    z = math.sqrt(1 + math.cos(latitude) * math.cos(longitude / 2))
    return (
        320 + 300 * math.cos(latitude) * math.sin(longitude / 2) / z,
        166 - 150 * math.sin(latitude) / z,
    )


def sky(
    points: dict[str, Any], *, simulated: bool = False, radius: float | None = None
) -> SafeString:
    """Return positions as sky map; with a radius (degrees) a circle is drawn around each."""
    lines = [
        "M" + "L".join("{:.0f} {:.0f}".format(*_project(ra, dec)) for dec in range(-90, 91, 5))
        for ra in (0.001, 60, 120, 180, 240, 300, 359.999)
    ] + [
        "M"
        + "L".join(
            "{:.0f} {:.0f}".format(*_project(max(0.001, min(ra, 359.999)), dec))
            for ra in range(0, 361, 5)
        )
        for dec in (-60, -30, 0, 30, 60)
    ]
    places = [_project(ra, dec) for ra, dec in zip(points["ra"], points["dec"], strict=True)]
    dots = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in places)
    labels = "".join(
        f'<text x="{_project(ra, 0)[0]:.0f}" y="{_project(ra, 0)[1] - 5:.0f}" '
        f'text-anchor="middle">{ra // 15} h</text>'
        for ra in (60, 120, 180, 240, 300)
    ) + "".join(
        f'<text x="{_project(359.999, dec)[0] - 6:.0f}" y="{_project(359.999, dec)[1] + 4:.0f}" '
        'text-anchor="end">'
        f"{dec:+d}°</text>"
        for dec in (-60, -30, 30, 60)
    )
    rings = ""
    if radius:
        for ra, dec in zip(points["ra"], points["dec"], strict=True):
            rings += f'<path class="ring" d="M{_ring(ra, dec, max(radius, SMALLEST_RING))}Z"/>'
    count = points.get("rows", len(places))
    shown = f" (every {points['step']}th shown)" if points.get("step", 1) > 1 else ""
    mark = (
        '<text class="simulated" x="620" y="22" text-anchor="end">SIMULATED</text>'
        if simulated
        else ""
    )
    lost = points.get("missing", 0)
    without = f", {lost} more row{'s' if lost != 1 else ''} without a position" if lost else ""
    text = f"Sky map of {count} positions{shown}, equatorial coordinates{without}"
    size = "many" if len(places) > 500 else "few"
    return mark_safe(  # noqa: S308 - numbers only
        f'<svg class="plot sky" viewBox="0 0 640 332" role="img" aria-label="{text}">'
        f"<title>{text}</title>"
        f'<path class="sea" d="{_outline()}"/><path class="graticule" d="{"".join(lines)}"/>'
        f'<path class="dots {size}" d="{dots}"/>{rings}<g class="ticks">{labels}</g>{mark}</svg>'
    )


def _ring(ra: float, dec: float, radius: float) -> str:
    steps = []
    a, d, r = math.radians(ra), math.radians(dec), math.radians(radius)
    for angle in range(0, 360, 10):
        t = math.radians(angle)
        sine = math.sin(d) * math.cos(r) + math.cos(d) * math.sin(r) * math.cos(t)
        east = a + math.atan2(
            math.sin(t) * math.sin(r) * math.cos(d), math.cos(r) - math.sin(d) * sine
        )
        steps.append(
            "{:.1f} {:.1f}".format(
                *_project(math.degrees(east) % 360, math.degrees(math.asin(max(-1, min(1, sine)))))
            )
        )
    return "L".join(steps)


def _outline() -> str:
    left = [_project(359.999, dec) for dec in range(-90, 91, 3)]
    right = [_project(0.001, dec) for dec in range(90, -91, -3)]
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in left + right) + "Z"
