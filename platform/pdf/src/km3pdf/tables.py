"""Tables that are wider than the page: smaller letters, then a page on its side."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["fit"]

#: How many characters a line of a table has, upright and on its side, at the size of pages.css.
UPRIGHT, SIDEWAYS = 88, 134
#: What the space between two columns is worth, in characters.
GAP = 2
#: Letters of a table are not made smaller than this part of their size before the page is turned,
TURN = 0.65
#: with its whole cell; and not smaller than this at all (3.4 points): then cells wrap.
SMALLEST = 0.42
#: The usual size of letters in a table, in em; as in pages.css.
SIZE = 0.9


def fit(root: Element) -> None:
    """Make each wide table fit its page.

    Parameters
    ----------
    root
        A page of the exporter; it is changed in place.
    """
    for cell in root.iter("div"):
        if "cell" not in cell.get("class", "").split():
            continue
        tables = {table: _width(table) for table in cell.iter("table")}
        widest = max(tables.values(), default=0)
        turned = TURN * widest > UPRIGHT
        if turned:
            _add(cell, "class", "sideways", " ")
        line = SIDEWAYS if turned else UPRIGHT
        for table, width in tables.items():
            if width > line:
                _add(table, "class", "wide", " ")
                size = SIZE * max(SMALLEST, line / width)
                _add(table, "style", f"font-size: {size:.2f}em", "; ")


def _add(element: Element, name: str, value: str, separator: str) -> None:
    element.set(name, separator.join(filter(None, (element.get(name), value))))


def _width(table: Element) -> int:
    """Return how many characters a row needs."""
    widest: dict[int, int] = {}
    for row in table.iter("tr"):
        for place, cell in enumerate(row):
            longest = max(map(len, "".join(cell.itertext()).split("\n")), default=0)
            widest[place] = max(widest.get(place, 0), longest)
    return sum(widest.values()) + GAP * len(widest)
