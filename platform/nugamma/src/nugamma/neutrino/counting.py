"""Limits, p-values and discovery for numbers of events.

Everything here is about one count n with an expected background b: from theory or simulation
(``background`` a number), or measured beside the source (``n_on``, ``n_off`` and ``alpha``, the
ratio of the exposures). References:

- Poisson limits: Review of Particle Physics, Statistics, section on Poisson data.
- Feldman & Cousins, Phys. Rev. D 57 (1998) 3873, arXiv:physics/9711021.
- Hill & Rawlins, Astropart. Phys. 19 (2003) 393, arXiv:astro-ph/0209350 (average upper limit).
- Li & Ma, ApJ 272 (1983) 317; Rolke, Lopez & Conrad, NIM A 551 (2005) 493.
- Cousins, Linnemann & Tucker, NIM A 595 (2008) 480, arXiv:physics/0702156.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from gammapy.stats import WStatCountsStatistic
from scipy import integrate, optimize, special, stats

from nugamma.errors import CountingError

Floats = npt.NDArray[np.float64]
LimitMethod = Literal["classical", "cls", "feldman-cousins"]


def p_value_of(sigma: float, sides: Literal[1, 2] = 2) -> float:
    """Probability of a normal distribution beyond ``sigma`` standard deviations.

    KM3NeT counts both sides: 3 sigma is 2.7e-3 and 5 sigma 5.7e-7.
    """
    return float(sides * stats.norm.sf(sigma))


def sigma_of(p_value: npt.ArrayLike, sides: Literal[1, 2] = 2) -> Floats:
    """Standard deviations of a p-value, the inverse of `p_value_of`."""
    return np.asarray(stats.norm.isf(np.asarray(p_value, dtype=float) / sides))


def classical_upper_limit(
    observed: npt.ArrayLike, background: npt.ArrayLike = 0.0, level: float = 0.9
) -> Floats:
    """Neyman's upper limit on the signal: P(N <= observed) is 1 - level at the limit.

    It can be negative where much less than the background was observed; `cls_upper_limit` and
    `feldman_cousins` cannot.
    """
    n, b = _counts(observed, background)
    return np.asarray(special.gammaincinv(n + 1, _level(level)) - b)


def cls_upper_limit(
    observed: npt.ArrayLike, background: npt.ArrayLike = 0.0, level: float = 0.9
) -> Floats:
    """Upper limit on the signal by CLs; the same as Bayes' with a flat prior.

    Never negative and never smaller than without background (Zech, NIM A 277 (1989) 608).
    """
    n, b = _counts(observed, background)
    beyond = special.gammaincc(n + 1, b) * (1 - _level(level))
    limit = special.gammainccinv(n + 1, beyond) - b
    # Hundreds of events too few: the probability is no longer a number, but its slope is.
    with np.errstate(all="ignore"):
        steep = -np.log1p(-level) / (1 - n / b)
    return np.asarray(np.where(beyond > 0, limit, steep))


def feldman_cousins(
    observed: int, background: float = 0.0, level: float = 0.9
) -> tuple[float, float]:
    """Interval of Feldman and Cousins for the signal, to 0.001 events.

    Their tables differ by up to 0.2 events where much less than the background was seen: there
    they force the limit to fall with the background, here it is the plain construction.

    Returns
    -------
    lower, upper : float
        The lower end is 0 where the count is compatible with background alone.
    """
    n, b = (float(value) for value in _counts(observed, background))
    top = float(classical_upper_limit(n, 0.0, 0.5 + _level(level) / 2)) + 3
    inside = _belt(np.arange(0.0, top, 0.01), b, level, int(n))[:, int(n)]
    coarse = np.flatnonzero(inside)
    # The ends are the outermost signals that contain the count: as counts are whole numbers, the
    # belt can have gaps.
    ends = []
    for end in (coarse[0], coarse[-1]):
        fine = np.arange(max(end - 1, 0), end + 1.05, 0.1) * 0.01
        kept = fine[_belt(fine, b, level, int(n))[:, int(n)]]
        ends.append(float(kept.min() if end == coarse[0] else kept.max()))
    return (0.0 if coarse[0] == 0 else ends[0]), ends[1]


def _belt(signals: Floats, background: float, level: float, reach: int) -> npt.NDArray[np.bool_]:
    """Which counts (columns, 0 to ``reach`` at least) each signal (row) accepts."""
    mean = float(signals[-1]) + background
    counts = np.arange(int(max(reach, mean) + 10 * np.sqrt(max(reach, mean) + 4)) + 10)
    largest = _log_poisson(counts, np.maximum(counts, background))
    log_p = _log_poisson(counts, signals[:, np.newaxis] + background)
    order = np.argsort(largest - log_p, axis=1, kind="stable")
    sums = np.cumsum(np.take_along_axis(np.exp(log_p), order, axis=1), axis=1)
    # The count that brings the sum to the level is the last one to be taken.
    taken = np.concatenate([np.ones((len(signals), 1), bool), sums[:, :-1] < _level(level)], axis=1)
    accepted = np.empty_like(taken)
    np.put_along_axis(accepted, order, taken, axis=1)
    return accepted


def upper_limit(
    observed: int, background: float = 0.0, level: float = 0.9, method: LimitMethod = "classical"
) -> float:
    """Upper limit on the signal by one of the methods above."""
    if method == "feldman-cousins":
        return feldman_cousins(observed, background, level)[1]
    if method == "cls":
        return float(cls_upper_limit(observed, background, level))
    if method == "classical":
        return float(classical_upper_limit(observed, background, level))
    raise CountingError(f"unknown method {method!r}: classical, cls or feldman-cousins")


def mean_upper_limit(
    background: float, level: float = 0.9, method: LimitMethod = "classical"
) -> float:
    """Average upper limit of many experiments without signal: the sensitivity, in events.

    The mean over all counts that the background can give, each with its Poisson probability.
    """
    b = float(_counts(0, background)[1])
    # What lies beyond weighs less than 1e-10 of the result.
    ends = (stats.poisson.ppf(1e-13, b), stats.poisson.isf(1e-13, b)) if b > 0 else (0, 0)
    counts = np.arange(int(ends[0]), int(ends[1]) + 1)
    weights = stats.poisson.pmf(counts, b)
    if method == "feldman-cousins":
        top = float(classical_upper_limit(counts[-1], 0.0, 0.5 + _level(level) / 2)) + 3
        signals = np.arange(0.0, top, 0.005)
        belt = _belt(signals, b, level, int(counts[-1]))[:, counts]
        limits = signals[len(signals) - 1 - np.argmax(belt[::-1], axis=0)]
    elif method == "cls":
        limits = cls_upper_limit(counts, b, level)
    elif method == "classical":
        limits = classical_upper_limit(counts, b, level)
    else:
        raise CountingError(f"unknown method {method!r}: classical, cls or feldman-cousins")
    return float(weights @ limits)


def critical_count(background: npt.ArrayLike, p_value: float) -> npt.NDArray[np.int64]:
    """Smallest count whose probability from background alone is below ``p_value``."""
    b = _counts(0, background)[1]
    n = np.where(b > 0, np.nan_to_num(stats.poisson.isf(p_value, b)), 0).astype(int)
    # isf may be off by one at an edge; the defining inequality decides.
    n = np.maximum(n - 2, 0)
    while np.any(low := stats.poisson.sf(n - 1, b) >= p_value):
        n = n + low
    return np.asarray(n)


def discovery_signal(background: npt.ArrayLike, p_value: float, power: float = 0.5) -> Floats:
    """Signal that gives a p-value this small with a probability of ``power``.

    Parameters
    ----------
    background : array_like
        Expected background events.
    p_value : float
        For example ``p_value_of(5)``.
    power : float
        0.5 is the usual definition of the discovery potential.

    Returns
    -------
    ndarray
        Expected signal events, the exact solution (published values are often rounded up to
        0.1 events).
    """
    if not 0 < p_value < 1 or not 0 < power < 1:
        raise CountingError("p_value and power must be between 0 and 1")
    n = critical_count(background, p_value)
    return np.asarray(special.gammaincinv(n, power) - background)


def poisson_p_value(observed: npt.ArrayLike, background: npt.ArrayLike) -> Floats:
    """Probability that background alone gives as many events or more."""
    n, b = _counts(observed, background)
    return np.asarray(stats.poisson.sf(n - 1, b))


def on_off_p_value(n_on: npt.ArrayLike, n_off: npt.ArrayLike, alpha: npt.ArrayLike) -> Floats:
    """Probability that background alone gives ``n_on`` or more, the background being measured.

    Exact: given the total, the counts on the source are binomial. Holds for ``n_off`` that are
    no integers too (then it is the gamma-Poisson mixture with that many effective counts).

    Parameters
    ----------
    n_on, n_off : array_like
        Counts on and off the source.
    alpha : array_like
        Exposure on the source over exposure off the source.
    """
    on, off, a = _on_off(n_on, n_off, alpha)
    p = special.betainc(np.maximum(on, 1e-300), off + 1, a / (1 + a))
    return np.asarray(np.where(on > 0, p, 1.0))


def li_ma_significance(n_on: npt.ArrayLike, n_off: npt.ArrayLike, alpha: npt.ArrayLike) -> Floats:
    """Significance of equation 17 of Li & Ma in standard deviations; negative for a deficit."""
    on, off, a = _on_off(n_on, n_off, alpha)
    return np.asarray(WStatCountsStatistic(on, off, a).sqrt_ts)


def on_off_upper_limit(n_on: float, n_off: float, alpha: float, level: float = 0.9) -> float:
    """Upper limit on the signal with a measured background, by the profile likelihood.

    The method of Rolke et al., bounded at zero: where fewer events than expected were seen, the
    likelihood is compared with its value at zero signal. At a level of 90 % its logarithm falls
    by 2.71/2, as in TRolke. With hardly any events and hardly any background the limit is too
    small (1.35 instead of 2.30 for none at all); from one expected event on it covers.
    """
    on, off, a = (float(value) for value in _on_off(n_on, n_off, alpha))
    step = float(stats.chi2.ppf(_level(level), 1))
    # Below the expected background the best fit within the physical region is zero signal.
    start = max(on - a * off, 0.0)

    def rise(signal: float) -> float:
        return _profile(on, off, a, signal) - _profile(on, off, a, start) - step

    top = start + step + 5 * np.sqrt(on + a * a * off + 1) + 5
    return float(optimize.brentq(rise, start, top, xtol=1e-10))


def combined_upper_limit(
    observed: npt.ArrayLike, signal: npt.ArrayLike, background: npt.ArrayLike, level: float = 0.9
) -> float:
    """Upper limit on a common strength of several counts: channels, energy bins or sources.

    Bayes' limit with a flat prior on the strength; of one count it is `cls_upper_limit`.

    Parameters
    ----------
    observed, signal, background : array_like, shape (n,)
        Of each count: the events seen, the events expected at strength 1, the background.
    level : float
    """
    n, b = (np.ravel(values) for values in _counts(observed, background))
    s = np.broadcast_to(np.asarray(signal, dtype=float), n.shape)
    if np.any(s < 0) or not np.all(np.isfinite(s)) or not s.sum() > 0:
        raise CountingError("the expected signal must not be negative, and somewhere above zero")
    if np.any((n > 0) & (s + b == 0)):
        raise CountingError("events were observed where neither signal nor background is expected")

    def log_likelihood(strength: Floats) -> Floats:
        mu = np.multiply.outer(strength, s) + b
        return np.asarray((special.xlogy(n, mu) - mu).sum(axis=-1))

    # The posterior falls at least as fast as exp(-strength * sum(s)) beyond all counts.
    top = (n.sum() + 12 * np.sqrt(n.sum() + 1) + 30) / s.sum()
    strengths = np.linspace(0.0, top, 20001)
    log_l = log_likelihood(strengths)
    posterior = integrate.cumulative_simpson(np.exp(log_l - log_l.max()), x=strengths, initial=0)
    return float(np.interp(_level(level), posterior / posterior[-1], strengths))


def _profile(on: float, off: float, alpha: float, signal: float) -> float:
    """-2 ln likelihood of a signal, at the background that is best for it (Rolke, section 3)."""
    # mu_on = signal + alpha * b and mu_off = b: the best b solves a quadratic equation.
    k = alpha * (on + off) - (1 + alpha) * signal
    b = (k + np.sqrt(k * k + 4 * alpha * (1 + alpha) * off * signal)) / (2 * alpha * (1 + alpha))
    b = max(float(b), 0.0)
    mu = np.array([signal + alpha * b, b])
    return float(2 * (mu - special.xlogy(np.array([on, off]), np.maximum(mu, 1e-300))).sum())


def _log_poisson(counts: npt.ArrayLike, mean: npt.ArrayLike) -> Floats:
    return np.asarray(special.xlogy(counts, mean) - mean - special.gammaln(np.add(counts, 1)))


def _level(level: float) -> float:
    if not 0 < level < 1:
        raise CountingError(f"a confidence level is between 0 and 1, here it is {level}")
    return float(level)


def _counts(observed: npt.ArrayLike, background: npt.ArrayLike) -> tuple[Floats, Floats]:
    n, b = np.broadcast_arrays(
        np.asarray(observed, dtype=float), np.asarray(background, dtype=float)
    )
    for name, values in (("observed events", n), ("the background", b)):
        if not np.all(np.isfinite(values)) or np.any(values < 0):
            raise CountingError(f"{name} must be zero or more, and a number")
    return n, b


def _on_off(
    n_on: npt.ArrayLike, n_off: npt.ArrayLike, alpha: npt.ArrayLike
) -> tuple[Floats, Floats, Floats]:
    on, off = _counts(n_on, n_off)
    a = np.asarray(alpha, dtype=float)
    if np.any(~(a > 0)) or not np.all(np.isfinite(a)):
        raise CountingError("alpha, the ratio of the exposures on and off, must be above zero")
    return on, off, np.broadcast_arrays(on, a)[1]
