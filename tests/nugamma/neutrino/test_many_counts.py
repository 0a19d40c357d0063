"""Counts from none to 1e10: limits and p-values against definitions and exact arithmetic."""

from __future__ import annotations

import tracemalloc
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from nugamma.neutrino import counting

#: 10^k, as no fit, table or grid of some range holds.
MANY = [10.0**k for k in range(11)]


def accepts(signal: float, n: int, background: float, level: float) -> bool:
    """The construction of Feldman and Cousins as they describe it, count by count."""
    mean = signal + background
    counts = np.arange(int(max(mean, n) + 12 * np.sqrt(max(mean, n) + 4)) + 12)
    log_p = stats.poisson.logpmf(counts, mean)
    ratio = log_p - stats.poisson.logpmf(counts, np.maximum(counts, background))
    order = np.argsort(-ratio, kind="stable")
    before = np.cumsum(np.exp(log_p[order]))
    rank = int(np.flatnonzero(order == n)[0])
    return rank == 0 or bool(before[rank - 1] < level)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 60),
    st.one_of(st.just(0.0), st.floats(0.01, 40)),
    st.sampled_from([0.5, 0.6827, 0.9, 0.95, 0.99]),
)
def test_ends_of_the_interval_are_where_the_belt_ends(n: int, b: float, level: float) -> None:
    """Just inside it accepts the count, and nowhere outside: exact to 1e-6 events."""
    low, high = counting.feldman_cousins(n, b, level)
    assert accepts(high - 1e-6, n, b, level) or high == 0
    beyond = high + np.append(1e-6, np.linspace(0.003, 6 + 3 * np.sqrt(n + b), 150))
    assert not any(accepts(s, n, b, level) for s in beyond)
    if low > 0:
        assert accepts(low + 1e-6, n, b, level)
        before = np.append(low - 1e-6, np.linspace(0, low - 1e-6, 80))
        assert not any(accepts(s, n, b, level) for s in before if s >= 0)


@pytest.mark.parametrize(("n", "b"), [(10_000, 10_000.0), (10_000, 9_500.3), (9_900, 10_000.0)])
def test_ten_thousand_counts_need_no_memory_to_speak_of(n: int, b: float) -> None:
    tracemalloc.start()
    low, high = counting.feldman_cousins(n, b)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6
    assert accepts(high - 1e-6, n, b, 0.9)
    assert not any(accepts(high + d, n, b, 0.9) for d in (1e-6, 0.1, 1, 3, 10))
    assert (low > 0) == (n - b > 2 * np.sqrt(b))
    if low:
        assert accepts(low + 1e-6, n, b, 0.9)
        assert not any(accepts(low - d, n, b, 0.9) for d in (1e-6, 0.1, 1, 3, 10))


@pytest.mark.parametrize(("n", "b"), [(0, 1e5), (100, 2000.5), (9_000, 20_000.0)])
def test_far_less_than_the_background_has_the_interval_of_the_belt(n: int, b: float) -> None:
    low, high = counting.feldman_cousins(n, b)
    assert low == 0
    assert accepts(high - 1e-6, n, b, 0.9)
    assert not any(accepts(high + d, n, b, 0.9) for d in (1e-6, 0.1, 1, 3, 10))


@pytest.mark.parametrize("n", [0, 1000, 10**8])
def test_far_less_than_a_large_background_needs_no_memory_to_speak_of(n: int) -> None:
    tracemalloc.start()
    assert counting.feldman_cousins(n, 1e10)[0] == 0
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e8


@pytest.mark.parametrize("n", [0, 3, 40, 10**6])
@pytest.mark.parametrize("beyond", [0.3, 1e-3, 5.7e-7, 2.0**-40, 2.0**-52])
def test_combined_limit_of_levels_near_one_is_the_tail_of_a_gamma(n: int, beyond: float) -> None:
    """Without background the posterior is a gamma distribution."""
    found = counting.combined_upper_limit([n], [1.0], [0.0], 1 - beyond)
    expected = stats.gamma.isf(1 - (1 - beyond), n + 1)
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("n", [1e6, 1e8, 1e10])
def test_belt_of_many_counts_is_that_of_a_gaussian(n: float) -> None:
    """Table X of Feldman & Cousins: 0 and 1.64 sigma at 0, 0.00 and 2.64 at 1, 1.35 and 4.64 at 3.

    The last is [x - 1.645, x + 1.645] where the bound is far, as Neyman's central interval.
    """
    sigma = np.sqrt(n)
    for x, expected in ((0, (0, 1.64)), (1, (0, 2.64)), (3, (1.37, 4.64))):
        found = counting.feldman_cousins(int(n + x * sigma), n)
        assert np.array(found) / sigma == pytest.approx(expected, abs=0.025)


@pytest.mark.parametrize("n", [0.0, *MANY])
def test_combined_limit_is_right_from_none_to_1e10(n: float) -> None:
    found = counting.combined_upper_limit([n], [1.0], [n])
    assert found == pytest.approx(float(counting.cls_upper_limit(n, n)), rel=1e-6)
    if n >= 1e4:
        # A Gaussian that is cut at its middle: half of it, less a tenth of that, below.
        assert found / np.sqrt(n) == pytest.approx(stats.norm.isf(0.05), rel=5 / np.sqrt(n))


@pytest.mark.parametrize(
    ("n", "s", "b"),
    [
        ([3, 0, 7], [1.0, 0.2, 2.0], [1.0, 0.1, 9.0]),
        ([1, 40], [1e-3, 5.0], [0.0, 50.0]),
        ([12, 12], [1.0, 1e-6], [0.0, 12.0]),
    ],
)
def test_combined_limit_holds_its_part_of_the_posterior(
    n: list[int], s: list[float], b: list[float]
) -> None:
    """The posterior as a product of SciPy's Poisson probabilities, integrated by QUADPACK."""

    def posterior(strength: float) -> float:
        return float(np.prod(stats.poisson.pmf(n, strength * np.array(s) + b)) * 1e6)

    limit = counting.combined_upper_limit(n, s, b)
    end, knots = 12 * limit, {"limit": 500, "points": [limit / 4, limit, 2 * limit]}
    inside, _ = integrate.quad(posterior, 0, limit, limit=500)
    everything, _ = integrate.quad(posterior, 0, end, **knots)
    assert inside / everything == pytest.approx(0.9, abs=1e-6)


def test_counts_of_all_sizes_are_combined() -> None:
    """What says nothing changes nothing, what says the most decides."""
    alone = counting.combined_upper_limit([1e10], [1e6], [1e10])
    assert counting.combined_upper_limit([1e10, 3], [1e6, 1e-6], [1e10, 3.0]) == pytest.approx(
        alone, rel=1e-5
    )
    # Ten equal counts are one of ten times as many.
    parts = counting.combined_upper_limit([1e8] * 10, [1.0] * 10, [1e8] * 10)
    assert parts == pytest.approx(counting.combined_upper_limit([1e9], [10.0], [1e9]), rel=1e-6)
    for scale in (1e-200, 1e200):
        found = counting.combined_upper_limit([4], [scale], [2.0]) * scale
        assert found == pytest.approx(float(counting.cls_upper_limit(4, 2.0)), rel=1e-6)


def below(n: int, mean: Decimal) -> Decimal:
    """P(N <= n), less its factor exp(-mean), in 60 digits."""
    term = total = Decimal(1)
    for k in range(1, n + 1):
        term = term * mean / k
        total += term
    return total


@pytest.mark.parametrize(("n", "b"), [(0, 1e4), (10, 1000.0), (150, 2000.0), (1000, 2500.0)])
def test_cls_limit_of_hundreds_of_events_too_few(n: int, b: float) -> None:
    limit = float(counting.cls_upper_limit(n, b))
    with localcontext() as context:
        context.prec = 60
        ratio = below(n, Decimal(b) + Decimal(limit)) / below(n, Decimal(b)) * Decimal(-limit).exp()
    assert float(ratio) == pytest.approx(0.1, rel=1e-8)


@pytest.mark.parametrize("b", [1e5, 1e6, 1e8, 1e10])
@pytest.mark.parametrize("z", [3.0, 4.4, 4.7, 6.0, 12.0])
def test_p_values_of_many_counts(b: float, z: float) -> None:
    """P(N >= n) is an integral over the gamma distribution, here by QUADPACK.

    scipy.stats.poisson.sf is wrong by 37 % at 1e8 events and 4.7 sigma.
    """
    n = np.ceil(b + z * np.sqrt(b))
    width = np.sqrt(b)

    def density(x: float) -> float:
        # Relative to its value at b, so that only small numbers are added up.
        return float(np.exp((n - 1) * np.log1p(x / b) - x))

    area, _ = integrate.quad(density, -8 * width, 0, epsabs=0, epsrel=1e-10, limit=500)
    # Stirling's series of the value at b, again of differences only.
    d = (n - 1 - b) / b
    deviance = b * ((1 + d) * np.log1p(d) - d)
    value = np.exp(-deviance - 1 / (12 * (n - 1))) / np.sqrt(2 * np.pi * (n - 1))
    expected = value * area
    assert float(counting.poisson_p_value(n, b)) == pytest.approx(expected, rel=1e-5)
    if z == 4.7:
        # The next smaller count is more probable by z / sqrt(b).
        between = expected * (1 + 0.5 * z / np.sqrt(b))
        assert counting.critical_count(b, between) == n


@pytest.mark.parametrize("b", [1e6, 1e8, 1e10, 1e12])
def test_discovery_of_many_counts_is_that_of_a_gaussian(b: float) -> None:
    p = counting.p_value_of(5)
    expected = stats.norm.isf(p)
    found = float(counting.discovery_signal(b, p)) / np.sqrt(b)
    assert found == pytest.approx(expected, rel=2 / np.sqrt(b) + 1e-5)


@pytest.mark.parametrize(
    ("n_on", "n_off", "alpha"),
    [(100_020_000, 10**14, 1e-6), (10**10 + 2 * 10**5, 10**16, 1e-6), (995_000, 10**9, 1e-3)],
)
def test_li_ma_of_many_counts_is_equation_17_in_60_digits(
    n_on: int, n_off: int, alpha: float
) -> None:
    with localcontext() as context:
        context.prec = 60
        on, off, a = Decimal(n_on), Decimal(n_off), Decimal(alpha)
        first = on * ((1 + a) / a * on / (on + off)).ln()
        second = off * ((1 + a) * off / (on + off)).ln()
        expected = float((2 * (first + second)).sqrt() * (1 if on > a * off else -1))
    assert float(counting.li_ma_significance(n_on, n_off, alpha)) == pytest.approx(
        expected, rel=1e-7
    )


@pytest.mark.parametrize("n", [1e6, 1e8, 1e10])
def test_on_off_limit_of_many_counts_is_that_of_a_gaussian(n: float) -> None:
    found = counting.on_off_upper_limit(n, n * 1e6, 1e-6) / np.sqrt(n)
    assert found == pytest.approx(np.sqrt(stats.chi2.ppf(0.9, 1)), rel=3 / np.sqrt(n))


@pytest.mark.parametrize("method", ["classical", "cls", "feldman-cousins"])
def test_mean_limit_of_many_counts_is_that_of_a_gaussian(method: counting.LimitMethod) -> None:
    """The mean over a Gaussian x of its limits: by CLs Phi(x - s) / Phi(x) = 0.1."""
    b = 1e6 if method == "feldman-cousins" else 1e10
    found = counting.mean_upper_limit(b, method=method) / np.sqrt(b)
    if method == "classical":
        expected = stats.norm.isf(0.1)
    elif method == "cls":

        def weighted(x: float) -> float:
            return float(stats.norm.pdf(x) * (x - stats.norm.ppf(0.1 * stats.norm.cdf(x))))

        expected, _ = integrate.quad(weighted, -8, 8)
    else:
        x = np.linspace(-3.9, 3.9, 79)
        # As in table X: the interval of Feldman and Cousins for a Gaussian, by its definition.
        limits = [_gaussian_end(value) for value in x]
        expected = float(np.average(limits, weights=stats.norm.pdf(x)))
    assert found == pytest.approx(expected, rel=2e-3)


def _gaussian_end(x: float) -> float:
    """Largest mean >= 0 that accepts x, in steps of 0.001."""
    mean = np.arange(0.0, max(x, 0) + 4, 0.001)
    # R(y) = R(x): with x below the mean, the counts of larger R reach up to y.
    drop = (x - mean) ** 2 if x >= 0 else mean**2 - 2 * x * mean
    y = mean + np.sqrt(np.maximum(drop, 0))
    held = stats.norm.cdf(y - mean) - stats.norm.cdf(x - mean)
    return float(mean[(held < 0.9) | (mean <= x)].max())
