"""What a plot says in words."""

from __future__ import annotations

from typing import Any


def caption(text: str, plot: dict[str, Any]) -> str:
    """Returns a text about a plot, with how many values the plot cannot show."""
    notes = [plot["note"]] if plot.get("note") else []
    if plot["kind"] == "map" and has_log_colours(values := known_values(plot)):
        empty = sum(value <= 0 for value in values)
        plural = "s" if empty > 1 else ""
        notes += [f"{empty} bin{plural} of 0 or less left empty"] if empty else []
    return f"{text} ({', '.join(notes)})" if notes else text


def known_values(plot: dict[str, Any]) -> list[float]:
    """Returns the values of a map, without the bins that have none."""
    return [value for row in plot["z"] for value in row if value is not None]


def has_log_colours(values: list[float]) -> bool:
    """Returns whether colours show the logarithm: most values are positive and span decades."""
    positive = [value for value in values if value > 0]
    return len(positive) > 0.5 * len(values) and max(positive) > 100 * min(positive)
