"""Intervals of the hadronic fraction f from a scan of delta TS, arXiv:2309.03007 section 4."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats
from scipy.interpolate import BSpline, make_interp_spline

from nugamma.errors import InferenceError
from nugamma.inference.feldman_cousins import check_level

Floats = npt.NDArray[np.float64]
Interval = tuple[float, float]

#: Cells of f between 0 and 1 on which the published analysis searches the ends of an interval.
COARSE = 1000
#: Subdivisions of each cell, for integrals and crossings (ours).
FINE = 20
#: Where the published analysis starts to search the density at the ends of an interval: the height
#: of a Gaussian that contains 90 % above it, and half of the maximum for smaller levels.
START_90, START_68 = 0.26, 0.5
#: How far a fitted fraction may be outside [0, 1], by the accuracy of its fit (published: 1e-3).
BEYOND = 0.05


class Posterior:
    """Density of f, p(f) ~ exp(-delta TS / 2) with a flat prior on [0, 1].

    Delta TS is a cubic spline through the points of the scan; the density is zero outside them.

    Parameters
    ----------
    f
        Hadronic fraction at each point, ascending, within [0, 1], at least four.
    dts
        Delta TS at each point.

    Raises
    ------
    InferenceError
        If there are fewer than four points, or they do not ascend, leave [0, 1] or are not finite.
    """

    def __init__(self, f: npt.ArrayLike, dts: npt.ArrayLike) -> None:
        self.f = np.asarray(f, dtype=float)
        self.dts = np.asarray(dts, dtype=float)
        if self.f.ndim != 1 or self.f.shape != self.dts.shape or len(self.f) < 4:
            raise InferenceError("a scan needs at least four points, with one delta TS per f")
        if not (np.all(np.isfinite(self.f)) and np.all(np.isfinite(self.dts))):
            raise InferenceError("the scan has non-finite numbers")
        if np.any(np.diff(self.f) <= 0) or self.f[0] < -BEYOND or self.f[-1] > 1 + BEYOND:
            raise InferenceError("the values of f in a scan must ascend within [0, 1]")

    @cached_property
    def _spline(self) -> BSpline:
        return make_interp_spline(self.f, self.dts, k=3)

    def density(self, f: npt.ArrayLike) -> Floats:
        """Returns the density at `f`, which is 1 where delta TS is zero."""
        f = np.asarray(f, dtype=float)
        inside = (f >= self.f[0]) & (f <= self.f[-1])
        curve = self._spline(np.clip(f, self.f[0], self.f[-1]))
        return np.where(inside, np.exp(-curve / 2), 0.0)

    @cached_property
    def _grid(self) -> tuple[Floats, Floats, Floats]:
        """f, density and its integral from 0, on the fine grid."""
        f = np.linspace(0.0, 1.0, COARSE * FINE + 1)
        density = self.density(f)
        steps = (density[1:] + density[:-1]) / 2 / (COARSE * FINE)
        return f, density, np.concatenate([[0.0], np.cumsum(steps)])

    @cached_property
    def _samples(self) -> tuple[Floats, Floats]:
        f = np.linspace(self.f[0], self.f[-1], COARSE + 1)
        return f, self.density(f)

    @cached_property
    def mode(self) -> float:
        """Most probable f."""
        f, density = self._samples
        return float(f[density.argmax()])

    def content(self, interval: Interval) -> float:
        """Returns the probability that f lies in an interval."""
        f, _, integral = self._grid
        low, high = np.interp(interval, f, integral)
        return float((high - low) / integral[-1])

    def credible_interval(self, level: float) -> Interval:
        """Returns the highest-density interval around the mode, as in the published analysis.

        On either side of the mode it ends where the density is closest to a common height, chosen
        for the required content. It has no gaps, so with several peaks its content can differ from
        `level`; `highest_density_set` is exact.

        Parameters
        ----------
        level
            Content, for example 0.68.
        """
        check_level(level)
        samples = self._samples[1]
        weight = START_90 if level >= 0.9 else START_68
        start = weight * samples.max() + (1 - weight) * samples.min()

        def excess(height: Floats) -> float:
            return self.content(self._ends(float(height[0]))) - level

        # Powell's hybrid method stops where the content jumps, as in the published routine.
        return self._ends(float(optimize.root(excess, x0=start, tol=1e-8).x[0]))

    def _ends(self, height: float) -> Interval:
        density = self._grid[1][::FINE]
        peak = int(density.argmax())
        if density[peak] < height:
            return peak / COARSE, peak / COARSE
        if density.min() > height:
            return 0.0, 1.0
        left = int(np.abs(density[: peak + 1] - height).argmin())
        right = peak + int(np.abs(density[peak:] - height).argmin())
        low = 0.0 if left == 0 else self._crossing(left, height)
        return low, 1.0 if right == COARSE else self._crossing(right, height)

    def _crossing(self, node: int, height: float) -> float:
        """Returns where the density crosses `height` in the cells beside a node, or the node."""
        f, density, _ = self._grid
        for first in (node * FINE, (node - 1) * FINE):
            above = density[first : first + FINE + 1] - height
            changes = np.flatnonzero(above[:-1] * above[1:] <= 0)
            if len(changes):
                at = int(changes[0])
                step = above[at] - above[at + 1]
                share = above[at] / step if step else 0.0
                return float(f[first + at] + share * (f[1] - f[0]))
        return node / COARSE

    def highest_density_set(self, level: float) -> list[Interval]:
        """Returns the exact region of highest density: each f in it is more probable than outside.

        Parameters
        ----------
        level
            Content of the region.

        Returns
        -------
        list of (low, high)
            Ascending and disjoint; more than one if the curve has several peaks.
        """
        check_level(level)
        f, density, _ = self._grid
        heights = (density[1:] + density[:-1]) / 2
        order = np.argsort(-heights, kind="stable")
        shares = np.cumsum(heights[order])
        needed = int(np.searchsorted(shares, level * shares[-1])) + 1
        inside = np.zeros(len(heights) + 2, dtype=int)
        inside[1 + order[:needed]] = 1
        edges = np.diff(inside)
        starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        return [(float(f[i]), float(f[j])) for i, j in zip(starts, stops, strict=True)]

    def profile_interval(self, level: float) -> Interval:
        """Returns the profile-likelihood interval, delta TS below the chi-squared quantile (Wilks).

        Parameters
        ----------
        level
            Confidence level.

        Returns
        -------
        low, high
            Outermost f whose delta TS above the minimum is at most the quantile.
        """
        check_level(level)
        f, density = self._samples
        inside = density >= density.max() * np.exp(-stats.chi2.ppf(level, df=1) / 2)
        first, last = np.flatnonzero(inside)[[0, -1]]
        return float(f[first]), float(f[last])
