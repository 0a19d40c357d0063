"""Plots of a dataset as numbers with labels, which `opendata.portal.plots` draws.

The paraminfo decides the kind: values between lower and upper edges become steps, a polynomial a
curve, a lookup table a map of colours, a column of numbers a histogram.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from openkm3 import annotated
from openkm3.metadata import Annotation, Parameter

from .cells import numbers, parameter_of, unit_of

if TYPE_CHECKING:
    from astropy.table import Table

_MOST_PLOTS = 6
_MOST_BINS = 5000
_TRANSFORM_LABELS = {"sin_deg": "sin({})", "cos_deg": "cos({})", "log10": "log10({})"}
_POWER = re.compile(r"\^\{(-?\d+)\}")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
#: Columns that identify rows and are not measurements.
_COUNTERS = ("id", "group_id", "event_id", "run_id", "run", "det_id")


def label(parameter: Parameter | None, name: str, unit: str = "") -> str:
    """Returns the label of an axis: name and unit; the unit of the data takes precedence."""
    text = (parameter.name if parameter else None) or name
    unit = unit or (parameter.unit if parameter else None) or ""
    # GeV^{-1} cm^{2} is shown with raised digits.
    unit = _POWER.sub(lambda power: power[1].translate(_RAISED), unit)
    return f"{text} [{unit}]" if unit else text


def plots_of_content(annotation: Annotation, content: annotated.Content) -> list[dict[str, Any]]:
    """Returns the plot of a lookup table or function."""
    info = annotation.paraminfo
    if isinstance(content, annotated.PolynomialContent):
        parameter = info.get("xvalue")
        if parameter is None or parameter.range is None:
            return []  # the range of the function is unknown
        x = np.linspace(*parameter.range, 181)
        y = np.polynomial.polynomial.polyval(x, content.coefficients)
        if not np.all(np.isfinite([x, y])) or x[0] == x[-1]:
            return []
        return [
            {
                "kind": "line",
                "title": annotation.header.name or "Function",
                "x": _rounded(x),
                "y": _rounded(y),
                "xlabel": label(parameter, "x"),
                "ylabel": label(info.get("returnvalue"), "y"),
            }
        ]
    return [
        {
            "kind": "map",
            "title": annotation.header.name or "Lookup table",
            "x": _edges(content.xaxis),
            "y": _edges(content.yaxis),
            "z": [[_short(value) for value in row] for row in content.values],
            **_note(*_absent(np.array(content.values, dtype=float).ravel()), "bin"),
            "xlabel": _axis_label(info.get("xaxis"), content.xaxis, "x"),
            "ylabel": _axis_label(info.get("yaxis"), content.yaxis, "y"),
            "zlabel": label(info.get("returnvalue"), "value"),
        }
    ]


def _axis_label(parameter: Parameter | None, axis: annotated.Axis, name: str) -> str:
    if axis.transform == "linear":
        return label(parameter, name)
    text = (parameter.name if parameter else None) or name
    return _TRANSFORM_LABELS[axis.transform].format(text)


def _edges(axis: annotated.Axis) -> list[float]:
    if axis.edges:
        return _rounded(axis.edges)
    points = axis.points or []
    if len(points) == 1:
        return [points[0] - 0.5, points[0] + 0.5]
    middle = [(a + b) / 2 for a, b in pairwise(points)]
    return _rounded(
        [points[0] - (middle[0] - points[0]), *middle, points[-1] + (points[-1] - middle[-1])]
    )


def plots_of_table(table: Table, annotation: Annotation) -> list[dict[str, Any]]:
    """Returns the plots of a table: its binned value, or histograms of its columns."""
    binned = _binned(table, annotation)
    return [binned] if binned else _histograms(table, annotation)


def _binned(table: Table, annotation: Annotation) -> dict[str, Any] | None:
    """Returns values over bins as steps; None if bins overlap or an edge is missing."""
    info = annotation.paraminfo
    names = {}
    for role in ("lower_edge", "upper_edge", "value"):
        parameter = info.get(role)
        if parameter is None or parameter.columnname not in table.colnames:
            return None
        column = table[parameter.columnname]
        if column.ndim != 1 or getattr(column, "dtype", np.dtype("O")).kind not in "iuf":
            return None
        names[role] = parameter.columnname
    low, high, value = (
        numbers(table[names[role]]) for role in ("lower_edge", "upper_edge", "value")
    )
    if not 0 < len(low) <= _MOST_BINS or not np.all(np.isfinite([low, high])):
        return None
    absent, infinite = _absent(value)
    value[~np.isfinite(value)] = np.nan
    steps = _steps(low, high, value)
    present = value[np.isfinite(value)]
    if steps is None or not len(present):
        return None
    units = {role: unit_of(table[name], info[role]) for role, name in names.items()}
    return {
        "kind": "steps",
        "title": annotation.header.name or label(info["value"], "value", units["value"]),
        "x": _rounded(steps[0]),
        "y": [None if math.isnan(item) else item for item in _rounded(steps[1])],
        "xlabel": _edge_label(info["lower_edge"], units["lower_edge"]),
        "ylabel": label(info["value"], "value", units["value"]),
        "logy": bool(present.min() > 0 and present.max() > 100 * present.min()),
        **_note(absent, infinite, "bin"),
    }


def _steps(
    low: np.ndarray[Any, Any], high: np.ndarray[Any, Any], value: np.ndarray[Any, Any]
) -> tuple[list[float], list[float]] | None:
    """Returns edges and values of bins in order, NaN for gaps; None if bins overlap."""
    order = np.argsort(low, kind="stable")
    low, high, value = low[order], high[order], value[order]
    # Edges written with a few digits need not meet exactly.
    slack = 1e-3 * float(np.min(high - low))
    if slack <= 0 or np.any(low[1:] < high[:-1] - slack):
        return None
    edges, heights = [float(low[0])], []
    for start, stop, height in zip(low, high, value, strict=True):
        if start > edges[-1] + slack:
            edges.append(float(start))
            heights.append(math.nan)
        edges.append(float(stop))
        heights.append(float(height))
    return edges, heights


def _absent(values: np.ndarray[Any, Any]) -> tuple[int, int]:
    """Returns how many numbers are missing, and how many are infinite."""
    return int(np.isnan(values).sum()), int(np.isinf(values).sum())


def _note(absent: int, infinite: int, of: str) -> dict[str, str]:
    """Returns a plot's note on values that it cannot show."""
    counts = ((absent, "without value"), (infinite, "with an infinite value"))
    parts = [
        f"{number} {of}{'s' if number > 1 else ''} {what}" for number, what in counts if number
    ]
    return {"note": ", ".join(parts) + " not shown"} if parts else {}


def _edge_label(parameter: Parameter, unit: str) -> str:
    text = parameter.columnname or ""
    # "Log(E1/GeV)" is more informative than a name without a unit.
    if not unit and "log" in text.lower():
        return f"{parameter.name or ''} {text.replace('1', '').replace('Log(', 'log10(')}".strip()
    return label(parameter, text, unit)


def _histograms(table: Table, annotation: Annotation) -> list[dict[str, Any]]:
    plots = []
    for name in table.colnames:
        column = table[name]
        kind = getattr(column, "dtype", np.dtype("O")).kind
        if column.ndim != 1 or kind not in "iuf" or name.lower() in _COUNTERS:
            continue
        values = numbers(column)
        note = _note(*_absent(values), "row")
        values = values[np.isfinite(values)]
        if len(values) < 2 or values.min() == values.max():
            continue
        parameter = parameter_of(annotation, name)
        axis = label(parameter, parameter.description or name, unit_of(column, parameter))
        ratio = _spans_decades(values)
        plots.append(
            _histogram(
                np.log10(values) if ratio else values,
                name,
                axis,
                ratio,
                kind in "iu" and not ratio,
            )
            | note
        )
        if len(plots) == _MOST_PLOTS:
            break
    return plots


def _spans_decades(values: np.ndarray[Any, Any]) -> bool:
    """Returns whether logarithmic bins suit the values better, as for energies and hit counts.

    They do if most values would fall into the lowest linear bins; not so for angles, which may
    start near zero but fill their range.
    """
    low, high = values.min(), values.max()
    if low <= 0 or high <= 300 * low:
        return False
    return bool(np.mean(values < low + 0.1 * (high - low)) > 0.5)


def _histogram(
    values: np.ndarray[Any, Any], name: str, axis: str, ratio: bool, whole: bool
) -> dict[str, Any]:
    low, high = float(values.min()), float(values.max())
    bins = 40
    distinct = np.unique(values[:100_000])
    if whole:
        # Bins of whole numbers, each with equally many of them.
        width = max(1, math.ceil((high - low + 1) / 40))
        bins = math.ceil((high - low + 1) / width)
        low, high = low - 0.5, low - 0.5 + bins * width
    elif len(distinct) <= 40:
        # Rounded values: one bin for each, without empty ones between them.
        step = float(np.diff(distinct).min())
        bins = round(min((high - low) / step, 199)) + 1
        low, high = low - step / 2, high + step / 2
    counts, edges = np.histogram(values, bins=bins, range=(low, high))
    filled = counts[counts > 0]
    return {
        "kind": "steps",
        "title": name,
        "x": _rounded(edges),
        "y": [int(count) for count in counts],
        "xlabel": f"log10({axis})" if ratio else axis,
        "ylabel": "entries",
        "histogram": True,
        "logy": bool(filled.max() > 1000 * int(np.median(filled))),
    }


def _short(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def _rounded(values: Any) -> list[float]:
    """Round to six digits of the value or, for a narrow span far from zero, of the span."""
    everything = [float(value) for value in values]
    known = [number for number in everything if math.isfinite(number)]
    span, largest = max(known) - min(known), max(map(abs, known))
    digits = 6
    if span and largest > span:
        digits += min(math.ceil(math.log10(largest / span)), 10)
    return [float(f"{number:.{digits}g}") for number in everything]
