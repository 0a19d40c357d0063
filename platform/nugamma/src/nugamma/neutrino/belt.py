"""The belt of Feldman and Cousins for one Poisson count, exact and without a grid.

For a signal s with background b, counts are accepted in descending order of

    R(k) = P(k | s + b) / P(k | max(k, b)),

which has a single maximum, until their total probability reaches the level. So a count n is
accepted if all counts with a larger R together have a probability below the level. These counts lie
on one side of n, from its neighbour to some m, and n and m change places where R(n) = R(m):

    s + b = exp[(L(m) - L(n)) / (m - n)],  L(k) = k ln max(k, b) - max(k, b).

L is convex, so these places are in the order of m: between two of them the set of counts with a
larger R is constant, and its probability is a smooth function of s that rises and then falls. The
outermost signals that accept n are therefore at one of these places, or at a root between two.

Source: Feldman & Cousins, Phys. Rev. D 57 (1998) 3873, section IV B.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

Floats = npt.NDArray[np.float64]


def ends(n: int, background: float, level: float) -> tuple[float, float]:
    """Returns the smallest and largest signal that accept a count.

    Memory and time grow with the square root of the larger of count and background (10 ms and less
    than 1 MB at ten thousand).
    """
    return lower_end(n, background, level), upper_end(n, background, level)


def upper_end(n: int, background: float, level: float) -> float:
    """Returns the largest signal that accepts a count."""
    drop = _drop(level)
    best = max(float(n), background)
    top = best + np.sqrt(2 * best * drop) + 2 * drop + 1
    while _excess(top, n, best) < drop:
        top = best + 2 * (top - best)
    top = float(optimize.brentq(lambda mean: _excess(mean, n, best) - drop, best, top))
    # By Bernstein's inequality no larger count has such a large R. The places of all counts up to
    # the background are at zero signal, so only the last of them is needed.
    m = np.arange(max(n + 1, int(background)), int(top + np.sqrt(2 * top * drop) + drop) + 4)
    # From each place to the next the counts n + 1 to m have a larger R than n.
    places = np.maximum(_places(n, m, background), background)
    left, right, m = places[:-1], places[1:], m[:-1]
    at_right = _between(n + 1, m, right)
    accepted = (at_right < level) | (_between(n + 1, m, left) < level)
    accepted &= (right > left) & (left < top)
    if not accepted.any():
        # Before the first place nothing has a larger R.
        return float(places[0]) - background
    last = int(np.flatnonzero(accepted)[-1])
    if at_right[last] < level:
        return float(right[last]) - background
    # The probability starts below the level and rises through it once.
    root = _root(n + 1, int(m[last]), float(left[last]), float(right[last]), level)
    return root - background


def lower_end(n: int, background: float, level: float) -> float:
    """Returns the smallest signal that accepts a count, 0 if background alone explains it."""
    if n <= background:
        return 0.0
    drop = _drop(level)
    bottom = 0.0
    if _excess(1e-300, n, n) > drop:
        bottom = float(optimize.brentq(lambda mean: _excess(mean, n, n) - drop, 1e-300, n))
    start = max(bottom, background)
    # Smaller counts have a probability below 1e-18 at all signals considered.
    m = np.arange(max(int(start - 9 * np.sqrt(start) - 40), 0), n)
    # Below each place, down to the one before, the counts m to n - 1 have a larger R than n.
    right = np.maximum(_places(n, m, background), start)
    left = np.append(start, right[:-1])
    at_left = _between(m, n - 1, left)
    accepted = (at_left < level) | (_between(m, n - 1, right) < level)
    accepted &= right > left
    if not accepted.any():
        # Above the last place nothing has a larger R.
        return float(right[-1]) - background
    first = int(np.flatnonzero(accepted)[0])
    if at_left[first] < level:
        return float(left[first]) - background
    # The probability ends below the level and falls through it once.
    root = _root(int(m[first]), n - 1, float(right[first]), float(left[first]), level)
    return root - background


def _drop(level: float) -> float:
    """Returns the largest -ln R of an accepted count.

    By Chernoff's bound neither tail is more likely than R(n), so 2 R(n) > 1 - level is needed.
    """
    return float(np.log(2 / (1 - level)))


def _excess(mean: float, n: int, best: float) -> float:
    """Returns -ln R(n)."""
    return mean - best - float(special.xlogy(n, mean / best if best else 1.0))


def _places(n: int, m: npt.NDArray[np.int64], background: float) -> Floats:
    """Returns the means s + b at which n and each m change places."""
    return np.asarray(np.exp(_slope(n, m.astype(float), background)))


def _slope(n: int, m: Floats, background: float) -> Floats:
    """Returns (L(m) - L(n)) / (m - n) without subtracting large numbers.

    With x = (M - N) / N, N = max(n, b) and M = max(m, b), it is
    ln N + (m ln(1 + x) - (M - N)) / (m - n).
    """
    near, far = max(float(n), background), np.maximum(m, background)
    if near == 0.0:
        # n and b are 0: L(n) is 0.
        return np.asarray(np.log(m) - 1)
    step = far - near
    with np.errstate(divide="ignore"):
        # m ln(1 + x) is 0 at m = 0, where x is -1.
        part = special.xlog1py(m, step / near)
    return np.asarray(np.log(near) + (part - step) / (m - n))


def _between(first: npt.ArrayLike, last: npt.ArrayLike, mean: npt.ArrayLike) -> Floats:
    """Returns the probability of the counts from first to last."""
    first = np.asarray(first, dtype=float)
    below = np.where(first > 0, special.gammaincc(np.maximum(first, 1), mean), 0.0)
    return np.asarray(special.gammaincc(np.asarray(last, dtype=float) + 1, mean) - below)


def _root(first: int, last: int, under: float, over: float, level: float) -> float:
    """Returns the mean between two others at which these counts have the probability `level`."""

    def excess(mean: float) -> float:
        return float(_between(first, last, mean)) - level

    if not excess(over) > 0:
        return over
    return float(optimize.brentq(excess, under, over, xtol=1e-12, rtol=1e-14))
