"""Limits, p-values and discovery for numbers of events.

All functions take a count n with an expected background b, which comes from theory or simulation
(``background``) or is measured off the source (``n_on``, ``n_off`` and ``alpha``, the ratio of the
exposures). References:

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
from astropy import units as u
from scipy import optimize, special, stats

from nugamma.errors import CountingError
from nugamma.neutrino import belt, posterior
from nugamma.neutrino.tails import at_least, deviance

Floats = npt.NDArray[np.float64]
LimitMethod = Literal["classical", "cls", "feldman-cousins"]


def p_value_of(sigma: float, sides: Literal[1, 2] = 2) -> float:
    """Returns the probability of a normal distribution beyond ``sigma`` standard deviations.

    KM3NeT counts both sides: 3 sigma is 2.7e-3 and 5 sigma is 5.7e-7.

    Raises
    ------
    CountingError
        If ``sigma`` is not a finite number, or negative with two sides.
    """
    if sides not in {1, 2}:
        raise CountingError(f"a normal distribution has 1 or 2 sides, not {sides}")
    if not isinstance(sigma, int | float | np.number) or not np.isfinite(sigma):
        raise CountingError(f"sigma must be a finite number, not {sigma}")
    if sides == 2 and sigma < 0:
        raise CountingError(
            f"a two-sided sigma must be zero or more, not {sigma}; use sides=1 for a deficit"
        )
    return float(sides * stats.norm.sf(sigma))


def sigma_of(p_value: npt.ArrayLike, sides: Literal[1, 2] = 2) -> Floats:
    """Returns the standard deviations of a p-value, infinite for 0; the inverse of `p_value_of`."""
    p = plain_numbers(p_value, "p-values")
    if np.any(p > 1):
        raise CountingError("p-values must be between 0 and 1")
    return np.asarray(stats.norm.isf(p / sides))


def classical_upper_limit(
    observed: npt.ArrayLike, background: npt.ArrayLike = 0.0, level: float = 0.9
) -> Floats:
    """Returns Neyman's upper limit on the signal, where P(N <= observed) is 1 - level.

    It can be negative if much less than the background was observed; `cls_upper_limit` and
    `feldman_cousins` cannot.
    """
    n, b = _counts(observed, background)
    return np.asarray(special.gammaincinv(n + 1, _level(level)) - b)


def cls_upper_limit(
    observed: npt.ArrayLike, background: npt.ArrayLike = 0.0, level: float = 0.9
) -> Floats:
    """Returns the CLs upper limit on the signal, which equals Bayes' with a flat prior.

    It is never negative (Zech, NIM A 277 (1989) 608).
    """
    n, b = _counts(observed, background)
    beyond = special.gammaincc(n + 1, b) * (1 - _level(level))
    limit = np.asarray(special.gammainccinv(n + 1, beyond) - b)
    # With hundreds of events too few, the probability underflows, but its logarithm does not.
    few = beyond < np.finfo(float).tiny
    if few.any():
        limit[few] = [_cls_of_few(*pair, level) for pair in zip(n[few], b[few], strict=True)]
    return limit


#: Relative precision of a continued fraction, and its largest number of terms.
_PRECISION, _MAX_TERMS = 1e-15, 100_000


def _cls_of_few(n: float, b: float, level: float) -> float:
    """Returns the CLs limit where P(N <= n) underflows."""
    start = _log_below(n, b)

    def excess(signal: float) -> float:
        """Returns ln of P(N <= n) with over without the signal, minus ln(1 - level)."""
        change = n * np.log1p(signal / b) - signal + _log_below(n, b + signal) - start
        return float(change - np.log1p(-level))

    top = 1.0
    while excess(top) > 0:
        top *= 2
    return float(optimize.brentq(excess, 0.0, top, xtol=1e-12))


def _log_below(n: float, mean: float) -> float:
    """Returns ln of P(N <= n) / P(N = n) for a mean far above n: 1 + n/mu + n(n-1)/mu^2 + ...

    Legendre's continued fraction of the incomplete gamma function, by Lentz' method (NIST DLMF
    8.9.2), up to terms below `_PRECISION`.
    """
    # Gamma(a, x) = exp(-x) x^a / (x + 1 - a - 1 (1 - a) / (x + 3 - a - ...)), a = n + 1.
    a = n + 1
    term = mean + 1 - a
    fraction, c, d = term, term, 0.0
    for i in range(1, _MAX_TERMS):
        factor, term = -i * (i - a), term + 2
        d = 1 / (term + factor * d)
        c = term + factor / c
        fraction *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return float(np.log(mean / fraction))


def feldman_cousins(
    observed: int, background: float = 0.0, level: float = 0.9
) -> tuple[float, float]:
    """Returns the exact Feldman-Cousins interval of the signal (`nugamma.neutrino.belt`).

    The published tables differ by up to 0.2 events where much less than the background was seen:
    there the limit was forced to fall with the background; here it is the plain construction.

    Returns
    -------
    lower, upper : float
        The lower end is 0 if the count is compatible with background alone.

    Raises
    ------
    CountingError
        If the count is not a whole number, or above 1e11.
    """
    n, b = _one_count(observed, background)
    if n != np.floor(n):
        raise CountingError(f"Feldman-Cousins intervals need a whole count, not {n:g}")
    if max(n, b) > _LARGEST:
        raise CountingError(
            f"Feldman-Cousins intervals are computed up to {_LARGEST:g} events; for more, use the "
            "classical or the CLs limit, which agree with them there"
        )
    return belt.ends(int(n), b, _level(level))


#: Largest count or background: the belt beyond would need more than 300 MB.
_LARGEST = 1e11


def upper_limit(
    observed: int, background: float = 0.0, level: float = 0.9, method: LimitMethod = "classical"
) -> float:
    """Returns the upper limit on the signal by ``classical``, ``cls`` or ``feldman-cousins``."""
    if method == "feldman-cousins":
        return feldman_cousins(observed, background, level)[1]
    if method == "cls":
        return float(cls_upper_limit(*_one_count(observed, background), level))
    if method == "classical":
        return float(classical_upper_limit(*_one_count(observed, background), level))
    raise CountingError(f"unknown method {method!r}: use classical, cls or feldman-cousins")


def mean_upper_limit(
    background: float, level: float = 0.9, method: LimitMethod = "classical"
) -> float:
    """Returns the average upper limit of experiments without signal: the sensitivity in events.

    It is the mean over all counts from the background, weighted by their Poisson probability.
    """
    b = _one_count(0, background)[1]
    # Counts farther out contribute less than 1e-10 of the result.
    reach = 8 * np.sqrt(b) + 30 if b > 0 else 0.0
    ends = max(b - reach, 0.0), b + reach
    # For large backgrounds, limits and probabilities hardly change from one count to the next.
    width = 50 if method == "feldman-cousins" else 500
    step = max(1, int(np.sqrt(b) // width))
    counts = np.arange(int(ends[0]), int(ends[1]) + 1, step)
    weights = stats.poisson.pmf(counts, b)
    weights /= weights.sum()
    if method == "feldman-cousins":
        feldman_cousins(int(counts[-1]), b, level)
        limits = np.array([belt.upper_end(int(n), b, level) for n in counts])
    elif method == "cls":
        limits = cls_upper_limit(counts, b, level)
    elif method == "classical":
        limits = classical_upper_limit(counts, b, level)
    else:
        raise CountingError(f"unknown method {method!r}: use classical, cls or feldman-cousins")
    return float(weights @ limits)


def critical_count(background: npt.ArrayLike, p_value: float) -> npt.NDArray[np.int64]:
    """Returns the smallest count whose p-value from background alone is below ``p_value``."""
    b = _counts(0, background)[1]
    if not 0 < p_value < 1:
        raise CountingError(f"the p-value must be between 0 and 1, not {p_value}")
    z = stats.norm.isf(p_value)
    # Cornish and Fisher's expansion; the defining inequality decides.
    n = np.maximum(np.floor(b + z * np.sqrt(b) + (z * z - 1) / 6), 0.0)
    n = np.where(b > 0, n, 0.0)
    while np.any(high := (n > 0) & (at_least(n - 1, b) < p_value)):
        n = n - high
    while np.any(low := at_least(n, b) >= p_value):
        n = n + low
    return np.asarray(n, dtype=np.int64)


def discovery_signal(background: npt.ArrayLike, p_value: float, power: float = 0.5) -> Floats:
    """Returns the signal that gives such a small p-value with a probability of ``power``.

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
        0.1 events); 0 if background alone is enough.
    """
    if not 0 < p_value < 1 or not 0 < power < 1:
        raise CountingError("p_value and power must be between 0 and 1")
    b = _counts(0, background)[1]
    return np.asarray(np.maximum(special.gammaincinv(critical_count(b, p_value), power) - b, 0.0))


def poisson_p_value(observed: npt.ArrayLike, background: npt.ArrayLike) -> Floats:
    """Returns the probability of at least this many events from background alone."""
    n, b = _counts(observed, background)
    if np.any(n != np.floor(n)):
        raise CountingError("a p-value needs whole numbers of observed events")
    return at_least(n, b)


def on_off_p_value(n_on: npt.ArrayLike, n_off: npt.ArrayLike, alpha: npt.ArrayLike) -> Floats:
    """Returns the probability of ``n_on`` or more events from a measured background alone.

    It is exact: given the total, the count on the source is binomial. ``n_off`` need not be an
    integer (then it is the gamma-Poisson mixture with that many effective counts).

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
    """Returns the significance of Li & Ma's equation 17 in sigma, negative for a deficit."""
    on, off, a = _on_off(n_on, n_off, alpha)
    without = (on + off) / (1 + a)
    statistic = deviance(on, a * without) + deviance(off, without)
    return np.asarray(np.sign(on - a * off) * np.sqrt(statistic))


def on_off_upper_limit(n_on: float, n_off: float, alpha: float, level: float = 0.9) -> float:
    """Returns the profile-likelihood upper limit on the signal with a measured background.

    This is the method of Rolke et al., bounded at zero: if fewer events than expected were seen,
    the likelihood is compared with its value at zero signal. At a level of 90 % its logarithm falls
    by 2.71/2, as in TRolke. With hardly any events and background the limit is too small (1.35
    instead of 2.30 with none at all); from one expected event on it covers.
    """
    numbers = _on_off(n_on, n_off, alpha)
    if any(value.ndim for value in numbers):
        raise CountingError("a limit needs one n_on, n_off and alpha; call it once for each set")
    on, off, a = (float(value) for value in numbers)
    step = float(stats.chi2.ppf(_level(level), 1))
    # Below the expected background the best physical fit is zero signal.
    start = max(on - a * off, 0.0)

    def rise(signal: float) -> float:
        return _profile(on, off, a, signal) - _profile(on, off, a, start) - step

    top = start + step + 5 * np.sqrt(on + a * a * off + 1) + 5
    while rise(top) < 0:
        top = start + 2 * (top - start)
    return float(optimize.brentq(rise, start, top, xtol=1e-10))


def combined_upper_limit(
    observed: npt.ArrayLike, signal: npt.ArrayLike, background: npt.ArrayLike, level: float = 0.9
) -> float:
    """Returns the upper limit on a common strength of several channels, energy bins or sources.

    It is Bayes' limit with a flat prior on the strength; for one count it is `cls_upper_limit`.

    Parameters
    ----------
    observed, signal, background : array_like, shape (n,)
        Events seen, signal events expected at strength 1, and background events, for each count.
    level : float
        Confidence level.
    """
    n, b = _counts(observed, background)
    try:
        s = np.broadcast_to(plain_numbers(signal, "the expected signal"), n.shape).ravel()
    except ValueError as error:
        raise CountingError(
            f"observed, signal and background must have the same shape: {error}"
        ) from None
    n, b = n.ravel(), b.ravel()
    if not s.sum() > 0:
        raise CountingError("the expected signal is zero everywhere; give one that is positive")
    if np.any((n > 0) & (s + b == 0)):
        raise CountingError("events were observed where neither signal nor background is expected")
    return posterior.upper_end(n, s, b, _level(level))


def _profile(on: float, off: float, alpha: float, signal: float) -> float:
    """Returns the deviance of a signal at its best background (Rolke, section 3)."""
    # mu_on = signal + alpha * b and mu_off = b: the best b solves a quadratic equation.
    k = alpha * (on + off) - (1 + alpha) * signal
    root = np.sqrt(k * k + 4 * alpha * (1 + alpha) * off * signal)
    # Two forms of the same solution: each avoids subtracting large numbers.
    b = (k + root) / (2 * alpha * (1 + alpha)) if k >= 0 else 2 * off * signal / (root - k)
    b = max(float(b), 0.0)
    return float(deviance(on, signal + alpha * b) + deviance(off, b))


def _one_count(observed: npt.ArrayLike, background: npt.ArrayLike) -> tuple[float, float]:
    n, b = _counts(observed, background)
    if n.ndim:
        raise CountingError(
            f"give one count and one background, not {n.size}; call it once for each"
        )
    return float(n), float(b)


def _level(level: float) -> float:
    if not isinstance(level, int | float | np.number):
        raise CountingError(f"the confidence level must be a number between 0 and 1, not {level!r}")
    if not 0 < level < 1:
        raise CountingError(f"the confidence level must be between 0 and 1, not {level}")
    return float(level)


def _counts(observed: npt.ArrayLike, background: npt.ArrayLike) -> tuple[Floats, Floats]:
    n = plain_numbers(observed, "observed events")
    b = plain_numbers(background, "the background")
    try:
        n, b = np.broadcast_arrays(n, b)
    except ValueError as error:
        raise CountingError(f"counts and backgrounds must have the same shape: {error}") from None
    return n, b


def plain_numbers(values: npt.ArrayLike, name: str) -> Floats:
    """Returns an array of non-negative numbers; refuses masked, missing and dimensional ones."""
    if np.any(getattr(values, "mask", False)):
        raise CountingError(f"{name}: some values are masked; remove or fill them")
    try:
        if isinstance(values, u.Quantity) or getattr(values, "unit", None) is not None:
            values = u.Quantity(values).to_value(u.one)
        numbers = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise CountingError(f"{name} must be plain numbers without units: {error}") from None
    if not np.all(np.isfinite(numbers)) or np.any(numbers < 0):
        raise CountingError(f"{name} must be finite and not negative")
    return numbers


def _on_off(
    n_on: npt.ArrayLike, n_off: npt.ArrayLike, alpha: npt.ArrayLike
) -> tuple[Floats, Floats, Floats]:
    on, off = _counts(n_on, n_off)
    a = plain_numbers(alpha, "alpha (the ratio of the exposures)")
    if np.any(~(a > 0)):
        raise CountingError("alpha (exposure on the source over exposure off it) must be positive")
    return on, off, np.broadcast_arrays(on, a)[1]
