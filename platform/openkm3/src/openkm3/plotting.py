"""Draws a table as its paraminfo describes it: bins as steps, anything else as a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .errors import MissingPackage, OpenKM3Error
from .formats.columns import ColumnData
from .formats.dataset import DataSet
from .metadata import Annotation, Parameter

if TYPE_CHECKING:
    from astropy.table import Table
    from matplotlib.axes import Axes


def plot(dataset: DataSet, annotation: Annotation, title: str) -> Axes:
    """Draw the main table.

    With parameters ``lower_edge`` and ``upper_edge`` the value is drawn as steps over these bins;
    otherwise the second column is drawn over the first. Values that span more than two orders of
    magnitude get a logarithmic axis.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise MissingPackage("Plotting", "notebook") from None

    _, table = dataset.main_table()
    axes = plt.subplots()[1]
    low, high = (
        _parameter(annotation, table, "lower_edge"),
        _parameter(annotation, table, "upper_edge"),
    )
    if low and high:
        value = _value(annotation, table, {low[0], high[0]})
        lower, upper, heights = (_numbers(table, name) for name in (low[0], high[0], value[0]))
        edges = np.append(lower, upper[-1:])
        if np.isnan(edges).any():
            raise OpenKM3Error(f"{title} cannot be plotted: a bin edge is missing")
        axes.stairs(heights, edges, baseline=None)
        axes.set_xlabel(_label(*low))
    else:
        names = [name for name in table.colnames if table[name].dtype.kind in "iuf"]
        if len(names) < 2:
            raise OpenKM3Error(
                f"{title} cannot be plotted: it has fewer than two columns of numbers"
            )
        value = (names[1], _described(annotation, names[1]))
        heights = _numbers(table, names[1])
        axes.plot(_numbers(table, names[0]), heights)
        axes.set_xlabel(_label(names[0], _described(annotation, names[0])))
    known = heights[np.isfinite(heights)]
    if known.size and known.min() > 0 and known.max() > 100 * known.min():
        axes.set_yscale("log")
    axes.set_ylabel(_label(*value))
    axes.set_title(title)
    return axes


def _numbers(table: Table, name: str) -> NDArray[np.float64]:
    """Return a column as floats; missing values are NaN, which leaves a gap."""
    data = ColumnData.of(table[name])
    if data.kind not in "iufb":
        raise OpenKM3Error(f"column {name!r} cannot be plotted: it does not hold numbers")
    numbers: NDArray[np.float64] = data.numbers()
    return numbers


def _parameter(annotation: Annotation, table: Table, key: str) -> tuple[str, Parameter] | None:
    parameter = annotation.paraminfo.get(key)
    name = parameter.columnname or key if parameter else key
    return (name, parameter or Parameter()) if name in table.colnames else None


def _value(annotation: Annotation, table: Table, taken: set[str]) -> tuple[str, Parameter]:
    if found := _parameter(annotation, table, "value"):
        return found
    name = next(name for name in table.colnames if name not in taken)
    return name, _described(annotation, name)


def _described(annotation: Annotation, name: str) -> Parameter:
    for key, parameter in annotation.paraminfo.items():
        if (parameter.columnname or key) == name:
            return parameter
    return Parameter()


def _label(name: str, parameter: Parameter) -> str:
    text = parameter.name or name
    return f"{text} [{parameter.unit}]" if parameter.unit else text
