"""Plots and sky maps of records, as SVG within a page.

They follow the page's colours, dark and light, and need no script. What a script reads off them,
positions included, it takes from their attributes (`static/opendata/plots.js`).
"""

from __future__ import annotations

from typing import Any

from django.utils.safestring import SafeString

from .captions import caption
from .colourmaps import colour_map
from .curves import curve
from .sky import SMALLEST_RING, sky

__all__ = ["SMALLEST_RING", "caption", "draw", "sky"]


def draw(plot: dict[str, Any], *, simulated: bool = False) -> SafeString:
    """Returns a plot that :mod:`opendata.describing.plots` described."""
    return (colour_map if plot["kind"] == "map" else curve)(plot, simulated)
