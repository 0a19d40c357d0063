"""Plots of a data set, as numbers with labels; the pages draw them.

What is drawn follows from the paraminfo: a value between a lower and an upper edge is a step line,
a polynomial a curve, a lookup table a map of colours, a column of numbers a histogram.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from openkm3 import annotated
from openkm3.metadata import Annotation, Parameter

from .cells import parameter_of

if TYPE_CHECKING:
    from astropy.table import Table

_MOST_PLOTS = 6
_MOST_BINS = 5000
_TRANSFORM_LABELS = {"sin_deg": "sin({})", "cos_deg": "cos({})", "log10": "log10({})"}
_POWER = re.compile(r"\^\{(-?\d+)\}")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
#: Columns that are names of rows, not measurements.
_COUNTERS = ("id", "group_id", "event_id", "run_id", "run", "det_id")


def label(parameter: Parameter | None, name: str, unit: str = "") -> str:
    """Return the label of an axis: name and unit."""
    text = (parameter.name if parameter else None) or name
    unit = (parameter.unit if parameter else None) or unit
    # GeV^{-1} cm^{2} is written as people read it.
    unit = _POWER.sub(lambda power: power[1].translate(_RAISED), unit)
    return f"{text} [{unit}]" if unit else text


def plots_of_content(annotation: Annotation, content: annotated.Content) -> list[dict[str, Any]]:
    """Return the plot of a lookup table or function."""
    info = annotation.paraminfo
    if isinstance(content, annotated.PolynomialContent):
        parameter = info.get("xvalue")
        low, high = (parameter.range if parameter else None) or (0.0, 1.0)
        x = np.linspace(low, high, 181)
        y = np.polynomial.polynomial.polyval(x, content.coefficients)
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
            "z": [
                [None if value is None else _short(value) for value in row]
                for row in content.values
            ],
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
    """Return the plots of a table: its binned value, or histograms of its columns."""
    binned = _binned(table, annotation)
    return [binned] if binned else _histograms(table, annotation)


def _binned(table: Table, annotation: Annotation) -> dict[str, Any] | None:
    info = annotation.paraminfo
    names = {}
    for role in ("lower_edge", "upper_edge", "value"):
        parameter = info.get(role)
        if parameter is None or parameter.columnname not in table.colnames:
            return None
        names[role] = parameter.columnname
    low, high, value = (
        np.asarray(table[names[role]], dtype=float)
        for role in ("lower_edge", "upper_edge", "value")
    )
    if not 0 < len(low) <= _MOST_BINS or not np.all(np.isfinite([low, high, value])):
        return None
    positive = value[value > 0]
    return {
        "kind": "steps",
        "title": annotation.header.name or label(info["value"], "value"),
        "x": _rounded([*low, high[-1]]),
        "y": _rounded(value),
        "xlabel": _edge_label(info["lower_edge"]),
        "ylabel": label(info["value"], "value"),
        "logy": bool(len(positive) == len(value) and value.max() > 100 * value.min()),
    }


def _edge_label(parameter: Parameter) -> str:
    text = parameter.columnname or ""
    # "Log(E1/GeV)" says more than a name without unit does.
    if not parameter.unit and "log" in text.lower():
        return f"{parameter.name or ''} {text.replace('1', '').replace('Log(', 'log10(')}".strip()
    return label(parameter, text)


def _histograms(table: Table, annotation: Annotation) -> list[dict[str, Any]]:
    plots = []
    for name in table.colnames:
        column = table[name]
        if column.ndim != 1 or column.dtype.kind not in "iuf" or name.lower() in _COUNTERS:
            continue
        values = np.asarray(column, dtype=float)
        values = values[np.isfinite(values)]
        if len(values) < 2 or values.min() == values.max():
            continue
        parameter = parameter_of(annotation, name)
        axis = label(parameter, parameter.description or name, str(column.unit or ""))
        # Energies and hit counts span decades: bins of equal ratio show them.
        ratio = values.min() > 0 and values.max() > 300 * values.min()
        plots.append(
            _histogram(
                np.log10(values) if ratio else values,
                name,
                axis,
                ratio,
                column.dtype.kind in "iu" and not ratio,
            )
        )
        if len(plots) == _MOST_PLOTS:
            break
    return plots


def _histogram(
    values: np.ndarray[Any, Any], name: str, axis: str, ratio: bool, whole: bool
) -> dict[str, Any]:
    low, high = float(values.min()), float(values.max())
    bins = 40
    distinct = np.unique(values[:100_000])
    if whole:
        # Bins of whole numbers, so that none gets more of them than its neighbour.
        width = max(1, math.ceil((high - low + 1) / 40))
        bins = math.ceil((high - low + 1) / width)
        low, high = low - 0.5, low - 0.5 + bins * width
    elif len(distinct) <= 40:
        # Rounded values: a bin each, without empty ones between them.
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


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _rounded(values: Any) -> list[float]:
    """Round to six digits of the value or, for a narrow span far from zero, of the span."""
    numbers = [float(value) for value in values]
    span, largest = max(numbers) - min(numbers), max(map(abs, numbers))
    digits = 6
    if span and largest > span:
        digits += min(math.ceil(math.log10(largest / span)), 10)
    return [float(f"{number:.{digits}g}") for number in numbers]
