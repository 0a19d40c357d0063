"""Content of annotated JSON: values on a grid, and functions."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Callable
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_TRANSFORMS: dict[str, Callable[[float], float]] = {
    "linear": float,
    "sin_deg": lambda value: math.sin(math.radians(value)),
    "cos_deg": lambda value: math.cos(math.radians(value)),
    "log10": lambda value: math.log10(value) if value > 0 else -math.inf,
}


class _Content(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Axis(_Content):
    """The binning of a parameter.

    Either the `edges` of bins, or `points`, of which the nearest is used. Both increase, and both
    are values of the transformed parameter (``sin_deg``: the sine of an angle in degrees).
    """

    transform: Literal["linear", "sin_deg", "cos_deg", "log10"] = "linear"
    edges: list[float] | None = Field(default=None, min_length=2)
    points: list[float] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _has_edges_or_points(self) -> Self:
        values = self.edges or self.points
        if values is None or (self.edges and self.points):
            raise ValueError("an axis has either edges or points")
        if any(b <= a for a, b in itertools.pairwise(values)):
            raise ValueError("the values of an axis must increase")
        return self

    def __len__(self) -> int:
        return len(self.points) if self.points else len(self.edges or [0]) - 1

    def index(self, value: float) -> int:
        """Return the index of the bin or nearest point; a value beyond an end gets the last one."""
        where = _TRANSFORMS[self.transform](value)
        if self.edges:
            return min(max(bisect.bisect_right(self.edges, where) - 1, 0), len(self) - 1)
        points = self.points or []
        return min(range(len(points)), key=lambda number: abs(points[number] - where))


class LookupContent(_Content):
    """Values on a grid: one list per bin of the y axis, in it one value per bin of the x axis.

    A missing value is None, ``null`` in JSON.
    """

    xaxis: Axis
    yaxis: Axis
    values: list[list[float | None]]

    @model_validator(mode="after")
    def _fills_the_grid(self) -> Self:
        if len(self.values) != len(self.yaxis) or any(
            len(row) != len(self.xaxis) for row in self.values
        ):
            raise ValueError(
                f"the values are not {len(self.yaxis)} rows of {len(self.xaxis)} columns"
            )
        return self


class PolynomialContent(_Content):
    """A polynomial; the coefficients start with the lowest order."""

    functiontype: Literal["polynomial"]
    coefficients: list[float] = Field(min_length=1)


Content = LookupContent | PolynomialContent
