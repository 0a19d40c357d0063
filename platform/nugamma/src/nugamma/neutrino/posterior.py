"""Posterior of a common strength of several Poisson counts, with a flat prior above zero.

Its logarithm, sum(n ln(strength s + b) - strength s), is concave: a single peak that falls at least
exponentially on both sides. So its maximum is a root, its ends are found by doubling steps, and a
grid between them, as fine as the peak is narrow, covers it from no event to 1e10.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import integrate, optimize, special

Floats = npt.NDArray[np.float64]

#: Fall of the logarithm at which the peak ends: exp(-45) = 3e-20.
_NEGLIGIBLE = 45.0
#: Points on the peak; the limit is exact to 1e-6 of its width.
_POINTS = 20001


def upper_end(n: Floats, signal: Floats, background: Floats, level: float) -> float:
    """Returns the strength below which the posterior has a probability of ``level``.

    Parameters
    ----------
    n, signal, background : ndarray, shape (k,)
        Events seen, signal events expected at strength 1 (at least one positive) and background
        events, for each count.
    level : float
        Credibility.
    """
    # Units in which all signals together are one event.
    unit = float(signal.sum())
    seen = signal > 0
    n, s, b = n[seen], signal[seen] / unit, background[seen]
    best = _top(n, s, b)
    mean = best * s + b

    def fall(strength: Floats | float) -> Floats:
        """Returns how far the logarithm is below its maximum, without large numbers."""
        step = np.asarray(strength, dtype=float) - best
        change = np.multiply.outer(step, np.where(n > 0, s / np.where(mean > 0, mean, 1.0), 0.0))
        with np.errstate(divide="ignore"):
            terms = special.xlog1py(n, np.maximum(change, -1.0))
        return np.asarray(step * s.sum() - terms.sum(axis=-1))

    # No peak is narrower than one event.
    width = 1.0
    while fall(best + width) < _NEGLIGIBLE:
        width *= 2
    before = best
    while before > 1e-3 and fall(max(best - before / 2, 0.0)) > _NEGLIGIBLE:
        before /= 2
    low, high = best - before, best + width
    strengths = np.linspace(low, high, _POINTS)
    density = np.exp(-fall(strengths))
    below = integrate.cumulative_simpson(density, x=strengths, initial=0)
    if level < 0.5:
        return float(np.interp(level, below / below[-1], strengths)) / unit
    # Summed from the far end, as the tail beyond a level near 1 is below the sum's rounding error.
    beyond = integrate.cumulative_simpson(density[::-1], dx=strengths[1] - strengths[0], initial=0)
    share = np.log(beyond[1:] / beyond[-1])
    return float(np.interp(np.log1p(-level), share, strengths[::-1][1:])) / unit


def _top(n: Floats, s: Floats, b: Floats) -> float:
    """Returns the strength of maximum likelihood, at least 0; the signals sum to 1."""

    def slope(strength: float) -> float:
        mean = strength * s + b
        rates = np.divide(n * s, mean, out=np.zeros_like(mean), where=n > 0)
        return float(rates.sum() - s.sum())

    # Counts without background are all signal; the others may be.
    low, high = float(n[b == 0].sum()), float(n.sum())
    with np.errstate(over="ignore"):
        if low == high or slope(low) <= 0:
            return low
        return float(optimize.brentq(slope, low, high, xtol=1e-300, rtol=1e-14))
