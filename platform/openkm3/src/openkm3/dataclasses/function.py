"""Functions of one parameter."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from .. import annotated
from ..errors import FormatError
from .document import AnnotatedDocument
from .parameters import in_range, in_unit_of


class Function(AnnotatedDocument):
    """A quantity as a function of one parameter."""

    @cached_property
    def content(self) -> annotated.PolynomialContent:
        """Type and coefficients."""
        content = self._document[1]
        if not isinstance(content, annotated.PolynomialContent):
            raise FormatError(self.path, "is not a function")
        return content

    @property
    def functiontype(self) -> str:
        """Type of the function, e.g. ``polynomial``."""
        return self.content.functiontype

    @cached_property
    def data(self) -> list[float]:
        """The coefficients, starting with the lowest order."""
        return list(self.content.coefficients)

    def evaluate(self, xvalue: Any) -> Any:
        """Return the function's value.

        Parameters
        ----------
        xvalue : float, array or astropy.units.Quantity
            The parameter ``xvalue`` of :meth:`show_paraminfo`. A number without a unit is in the
            parameter's unit; masked elements are treated as NaN.

        Returns
        -------
        float, array or None
            Outside the range: None, with a warning, for a number, and NaN in an array.
        """
        parameter = self.annotation.paraminfo.get("xvalue")
        xvalue = in_unit_of(parameter, xvalue)
        values = np.polynomial.polynomial.polyval(np.asarray(xvalue, dtype=float), self.data)
        limits = parameter.range if parameter else None
        if np.ndim(xvalue) == 0:
            return float(values) if not limits or in_range("x", xvalue, limits) else None
        if limits:
            x = np.asarray(xvalue, dtype=float)
            return np.where((x >= limits[0]) & (x <= limits[1]), values, np.nan)
        return values
