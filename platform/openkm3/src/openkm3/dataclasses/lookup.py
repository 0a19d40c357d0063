"""Lookup tables."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from .. import annotated
from ..errors import FormatError
from ..messages import log
from .document import AnnotatedDocument
from .parameters import in_range, in_unit_of

if TYPE_CHECKING:
    import pandas as pd


class LookUpTable(AnnotatedDocument):
    """A quantity on a grid of two parameters."""

    @cached_property
    def content(self) -> annotated.LookupContent:
        """Axes and values."""
        content = self._document[1]
        if not isinstance(content, annotated.LookupContent):
            raise FormatError(self.path, "is not a lookup table")
        return content

    @cached_property
    def data(self) -> dict[int, list[float | None]]:
        """Column number to list of values, as ``DataFrame.from_dict`` expects."""
        return {
            number: [row[number] for row in self.content.values]
            for number in range(len(self.content.xaxis))
        }

    def lookup(self, xvalue: float, yvalue: float) -> float | None:
        """Return the quantity at a point.

        Parameters
        ----------
        xvalue, yvalue : float or astropy.units.Quantity
            The parameters ``xaxis`` and ``yaxis`` of :meth:`show_paraminfo`. A number without a
            unit is in the parameter's unit.

        Returns
        -------
        float or None
            Value of the bin or nearest point. None, with a warning, outside the range and where the
            table has no value.
        """
        known = self.annotation.paraminfo
        xvalue = in_unit_of(known.get("xaxis"), xvalue)
        yvalue = in_unit_of(known.get("yaxis"), yvalue)
        for axis, value in (("x", xvalue), ("y", yvalue)):
            parameter = self.annotation.paraminfo.get(f"{axis}axis")
            if parameter and parameter.range and not in_range(axis, value, parameter.range):
                return None
        row = self.content.values[self.content.yaxis.index(yvalue)]
        result = row[self.content.xaxis.index(xvalue)]
        if result is None:
            log.warning("The table has no value at x value %s, y value %s", xvalue, yvalue)
        return result

    def get_dataframe(self) -> pd.DataFrame:
        """Return the table; its index and columns are the points or bin centres of the axes."""
        import pandas as pd

        frame = pd.DataFrame.from_dict(self.data).astype(float)
        for side, axis in (("columns", self.content.xaxis), ("index", self.content.yaxis)):
            values = axis.points or [
                (a + b) / 2 for a, b in zip(axis.edges or [], (axis.edges or [])[1:], strict=False)
            ]
            label = "xaxis" if side == "columns" else "yaxis"
            parameter = self.annotation.paraminfo.get(label)
            name = parameter.name if parameter and parameter.name else label
            if axis.transform != "linear":
                name = f"{axis.transform.split('_')[0]}({name})"
            index = pd.Index(np.round(values, 12), name=name)
            frame = frame.set_axis(index, axis=side)
        return frame
