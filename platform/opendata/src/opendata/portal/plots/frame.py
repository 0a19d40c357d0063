"""The frame of a plot: where the axes are, their labels, and the marks that every plot has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString
from lxml import etree
from lxml.builder import E

from opendata.records.texts import cleaned

from .scales import Scale


@dataclass(frozen=True)
class Frame:
    """Size of a plot and the rectangle between its axes, in units of the drawing."""

    width: int = 640
    height: int = 360
    left: int = 78
    right: int = 622
    top: int = 18
    bottom: int = 302

    def x(self, low: float, high: float) -> Scale:
        """Returns the scale of the horizontal axis."""
        return Scale(low, high, self.left, self.right)

    def y(self, low: float, high: float, *, log: bool = False) -> Scale:
        """Returns the scale of the vertical axis."""
        return Scale(low, high, self.bottom, self.top, log)

    def axes(self, x: Scale, y: Scale, xlabel: str, ylabel: str) -> list[Any]:
        """Returns grid, ticks and labels."""
        across = (self.left + self.width - 18) / 2
        down = f"translate(16 {(self.top + self.bottom) / 2}) rotate(-90)"
        return [
            E.g(
                {"class": "grid"},
                *(path(f"M{x(value)} {self.top}V{self.bottom}") for value in x.ticks()),
                *(path(f"M{self.left} {y(value)}H{self.right}") for value in y.ticks()),
            ),
            E.g(
                {"class": "ticks"},
                *(tick(value, x(value), self.bottom + 18, "middle") for value in x.ticks()),
                *(tick(value, self.left - 8, y(value) + 4, "end") for value in y.ticks()),
            ),
            text(xlabel, "label", x=across, y=self.height - 12, anchor="middle"),
            text(ylabel, "label", transform=down, anchor="middle"),
        ]

    def draw(
        self, inside: Sequence[Any], title: str, description: str, *, simulated: bool, **data: str
    ) -> SafeString:
        """Returns the drawing as a part of a page.

        Parameters
        ----------
        inside
            Its elements.
        title, description
            What a pointer that rests on it shows, and what a screen reader says.
        simulated
            Whether it is marked as simulated.
        **data
            Attributes for the script, without their ``data-``.
        """
        mark = [simulated_mark(self.right - 8, self.top + 18)] if simulated else []
        return drawing(
            [*inside, *mark], "plot", (self.width, self.height), title, description, **data
        )


def drawing(
    inside: Sequence[Any],
    style: str,
    size: tuple[int, int],
    title: str,
    description: str,
    **data: str,
) -> SafeString:
    """Returns elements as an SVG within a page; see :meth:`Frame.draw`."""
    attributes = {
        "class": style,
        "viewBox": f"0 0 {size[0]} {size[1]}",
        "role": "img",
        "aria-label": cleaned(description),
        **{f"data-{name}": value for name, value in data.items()},
    }
    root = E.svg(attributes, E.title(cleaned(title)), *inside)
    # The serializer has escaped every text.
    return SafeString(etree.tostring(root, encoding="unicode"))


def path(line: str, style: str = "") -> Any:
    """Returns a line."""
    return E.path({"class": style, "d": line} if style else {"d": line})


def text(words: str, style: str = "", *, anchor: str = "", **place: float | str) -> Any:
    """Returns a text; `style` is its class, `anchor` which part of it is at its place."""
    attributes = {name: str(value) for name, value in place.items()}
    if style:
        attributes = {"class": style} | attributes
    if anchor:
        attributes["text-anchor"] = anchor
    return E.text(attributes, cleaned(words))


def tick(value: float, x: float, y: float, anchor: str = "") -> Any:
    """Returns the number beside a tick; very large and small ones as powers of ten."""
    element = text(f"{value:g}", x=x, y=y, anchor=anchor)
    mantissa, _, power = f"{value:.3g}".partition("e")
    if power and (abs(value) >= 1e5 or abs(value) < 1e-3):
        element.text = "10" if mantissa == "1" else f"{mantissa}·10"
        element.append(E.tspan({"dy": "-5", "font-size": "9"}, str(int(power))))
    return element


def simulated_mark(x: float, y: float) -> Any:
    """Returns the mark of what was not measured, in the upper right corner."""
    return text("SIMULATED", "simulated", x=x, y=y, anchor="end")
