"""Intervals of Feldman and Cousins, Phys. Rev. D 57 (1998) 3873."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from nugamma.errors import InferenceError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Spacing of the signal means at which the acceptance region is built: everywhere, and (at least as
#: fine as in the paper) around the ends of the interval, this far to either side.
COARSE, FINE, MARGIN = 0.05, 0.001, 0.3


def accepts(observed: int, means: npt.ArrayLike, background: float, level: float) -> Bools:
    """Returns whether a count lies in the acceptance region of each signal mean.

    Counts are accepted in the order of their likelihood ratio to the best physical mean max(0, n -
    b), section IV of
    the paper, until their probability reaches `level`.

    Parameters
    ----------
    observed
        Observed count.
    means
        Expected signal counts, shape (n_means,).
    background
        Expected background counts.
    level
        Confidence level.
    """
    total = np.asarray(means, dtype=float)[:, None] + background
    most = max(float(total.max()), observed)
    counts = np.arange(int(most + 12 * np.sqrt(most) + 25))
    probability = stats.poisson.pmf(counts, total)
    best = np.maximum(counts, background)
    # log of P(n | mean + b) / P(n | best + b); the factorials cancel
    ratio = special.xlogy(counts, total) - special.xlogy(counts, best) + best - total
    better = ratio > ratio[:, [observed]] + 1e-12
    return np.asarray(np.where(better, probability, 0.0).sum(axis=1) < level - 1e-12)


def poisson_interval(
    observed: int, background: float = 0.0, level: float = 0.9
) -> tuple[float, float]:
    """Returns the confidence interval of a signal mean with a known background.

    Parameters
    ----------
    observed
        Observed count.
    background
        Expected background, known without uncertainty.
    level
        Confidence level.

    Returns
    -------
    low, high
        The smallest and largest signal mean that accept the count. For few counts on a larger
        background the tables of the paper are up to 0.13 longer, as there the upper end is not
        allowed to rise when the background falls.

    Raises
    ------
    InferenceError
        If the count or the background is negative or the level is not between 0 and 1.
    """
    if observed < 0 or int(observed) != observed:
        raise InferenceError(f"the observed count must be a whole number >= 0, not {observed}")
    if not (np.isfinite(background) and background >= 0):
        raise InferenceError(f"the background must be a finite number >= 0, not {background}")
    check_level(level)
    # The region of a mean contains counts near mean + b, so the means that accept n are near n - b.
    width = 8 * np.sqrt(observed + 1) + 10
    start = max(0.0, observed - background - width)
    means = np.arange(start, observed + width, COARSE)
    inside = np.flatnonzero(accepts(observed, means, background, level))
    rough = means[inside[[0, -1]]] if len(inside) else np.zeros(2)
    ends = []
    for end, pick in ((rough[0], 0), (rough[1], -1)):
        near = np.arange(max(0.0, end - MARGIN), end + MARGIN, FINE)
        found = near[accepts(observed, near, background, level)]
        ends.append(float(found[pick]) if len(found) else 0.0)
    return ends[0], ends[1]


def critical_values(dts: Floats, level: float) -> Floats:
    """Returns the critical delta TS of each true f, from pseudo-experiments made at it.

    Parameters
    ----------
    dts
        Delta TS at the true f in each pseudo-experiment, shape (n_f, n_pseudo).
    level
        Confidence level.

    Returns
    -------
    ndarray, shape (n_f,)
        The smallest values that include at least the fraction `level` of the pseudo-experiments.
    """
    check_level(level)
    return np.quantile(dts, level, axis=1, method="inverted_cdf")


def fraction_interval(f: Floats, dts: Floats, critical: Floats) -> tuple[float, float]:
    """Returns the confidence interval of f, where the curve is below the critical values.

    Parameters
    ----------
    f, dts
        Scan of the data, shape (n_f,).
    critical
        From `critical_values`, at the same f.

    Returns
    -------
    low, high
        Outermost accepted f, interpolated linearly between the points of the scan.
    """
    if not len(f) == len(dts) == len(critical):
        raise InferenceError("f, delta TS and critical values must have the same length")
    margin = np.asarray(critical) - np.asarray(dts)
    inside = np.flatnonzero(margin >= 0)
    if not len(inside):
        best = float(f[int(np.argmin(dts))])
        return best, best

    def edge(inner: int, outer: int) -> float:
        if outer in {-1, len(f)}:
            return float(f[inner])
        weight = margin[inner] / (margin[inner] - margin[outer])
        return float(f[inner] + weight * (f[outer] - f[inner]))

    first, last = int(inside[0]), int(inside[-1])
    return edge(first, first - 1), edge(last, last + 1)


def check_level(level: float) -> None:
    """Refuses a confidence level outside (0, 1)."""
    if not 0 < level < 1:
        raise InferenceError(
            f"level {level} is out of range; give a number between 0 and 1, for example 0.9"
        )
