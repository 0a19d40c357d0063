"""Limits and p-values against published tables and other implementations."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.utils.masked import Masked
from gammapy.stats import WStatCountsStatistic
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from nugamma.errors import CountingError
from nugamma.neutrino import counting

# Review of Particle Physics, Statistics, table of limits on a Poisson mean without background.
POISSON_90 = {0: 2.30, 1: 3.89, 2: 5.32, 3: 6.68, 4: 7.99, 5: 9.27, 10: 15.41}
POISSON_95 = {0: 3.00, 1: 4.74, 2: 6.30, 3: 7.75, 5: 10.51, 10: 16.96}

# Feldman & Cousins 1998, tables IV and V (90 %): observed, background, interval.
FELDMAN_COUSINS = [
    (0, 0.0, 0.00, 2.44),
    (1, 0.0, 0.11, 4.36),
    (2, 0.0, 0.53, 5.91),
    (3, 0.0, 1.10, 7.42),
    (4, 0.0, 1.47, 8.60),
    (5, 0.0, 1.84, 9.99),
    (3, 3.0, 0.00, 4.42),
    (6, 3.0, 0.15, 8.47),
    (10, 3.0, 2.63, 13.50),
]
# The same, table XII: experimental sensitivity at 90 %.
FELDMAN_COUSINS_SENSITIVITY = {0.0: 2.44, 0.5: 2.86, 1.0: 3.28, 3.0: 4.42, 5.0: 5.18, 8.0: 6.18}

# Cousins, Linnemann & Tucker 2008, table 1: n_on, n_off, tau, Z_Bi, Z_PL (Li & Ma).
ON_OFF = [
    (4, 5.0, 5.0, 1.66, 1.95),
    (6, 18.78, 14.44, 2.63, 2.81),
    (9, 17.83, 4.69, 1.82, 1.99),
    (17, 40.11, 10.56, 4.46, 4.57),
    (50, 55.0, 2.0, 2.93, 3.02),
    (67, 15.0, 0.5, 2.89, 3.04),
    (200, 10.0, 0.1, 2.20, 2.38),
    (523, 2327.0, 5.99, 5.93, 5.95),
]


@pytest.mark.parametrize(("level", "table"), [(0.9, POISSON_90), (0.95, POISSON_95)])
def test_limits_without_background_are_those_of_the_review(
    level: float, table: dict[int, float]
) -> None:
    found = counting.classical_upper_limit(list(table), 0.0, level)
    assert found == pytest.approx(list(table.values()), abs=5e-3)


def test_nothing_seen_excludes_more_than_2_303_events() -> None:
    assert counting.classical_upper_limit(0) == pytest.approx(np.log(10), abs=1e-12)


@settings(deadline=None)
@given(st.integers(0, 60), st.floats(0, 30), st.floats(0.5, 0.999))
def test_classical_limit_solves_its_definition(n: int, b: float, level: float) -> None:
    limit = float(counting.classical_upper_limit(n, b, level))
    assert stats.poisson.cdf(n, limit + b) == pytest.approx(1 - level, rel=1e-9)


@settings(deadline=None)
@given(st.integers(0, 60), st.floats(0, 30))
def test_cls_limit_solves_its_definition(n: int, b: float) -> None:
    limit = float(counting.cls_upper_limit(n, b))
    ratio = stats.poisson.cdf(n, limit + b) / stats.poisson.cdf(n, b)
    assert ratio == pytest.approx(0.1, rel=1e-6)


@settings(deadline=None)
@given(st.floats(0, 1000))
def test_cls_excludes_no_less_than_2_303_events(b: float) -> None:
    assert float(counting.cls_upper_limit(0, b)) == pytest.approx(np.log(10), rel=1e-6)


@pytest.mark.parametrize(("n", "b", "low", "high"), FELDMAN_COUSINS)
def test_intervals_are_those_of_feldman_and_cousins(
    n: int, b: float, low: float, high: float
) -> None:
    assert counting.feldman_cousins(n, b) == pytest.approx((low, high), abs=0.01)


@pytest.mark.parametrize(("b", "expected"), FELDMAN_COUSINS_SENSITIVITY.items())
def test_sensitivity_is_that_of_feldman_and_cousins(b: float, expected: float) -> None:
    found = counting.mean_upper_limit(b, method="feldman-cousins")
    assert found == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("method", ["classical", "cls", "feldman-cousins"])
def test_mean_limit_is_the_mean_over_experiments(method: counting.LimitMethod) -> None:
    drawn = np.random.default_rng(1).poisson(2.5, 20_000)
    counts, times = np.unique(drawn, return_counts=True)
    limits = [counting.upper_limit(int(n), 2.5, method=method) for n in counts]
    expected = np.average(limits, weights=times)
    assert counting.mean_upper_limit(2.5, method=method) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(("sigma", "p"), [(3, 2.6998e-3), (5, 5.7330e-7)])
def test_p_values_are_two_sided(sigma: float, p: float) -> None:
    assert counting.p_value_of(sigma) == pytest.approx(p, rel=1e-4)
    assert counting.sigma_of(p) == pytest.approx(sigma, rel=1e-4)
    assert counting.p_value_of(sigma, sides=1) == pytest.approx(p / 2, rel=1e-4)


@settings(deadline=None)
@given(st.floats(0.001, 200), st.sampled_from([0.0026, 2.7e-3, 5.7e-7]))
def test_critical_count_is_the_smallest(b: float, p: float) -> None:
    n = int(counting.critical_count(b, p))
    assert stats.poisson.sf(n - 1, b) < p
    assert stats.poisson.sf(n - 2, b) >= p


@settings(deadline=None)
@given(st.floats(0, 200), st.floats(0.1, 0.95))
def test_discovery_signal_has_its_power(b: float, power: float) -> None:
    p = counting.p_value_of(5)
    signal = float(counting.discovery_signal(b, p, power))
    n = counting.critical_count(b, p)
    assert stats.poisson.sf(n - 1, b + signal) == pytest.approx(power, rel=1e-6)


def test_what_background_alone_does_needs_no_signal() -> None:
    """P(N >= 1 | 3) = 0.95 already, where a p-value below 0.99 is asked for in half the cases."""
    assert counting.discovery_signal(3.0, 0.99) == 0


def test_p_value_of_a_deficit_has_one_side() -> None:
    assert counting.p_value_of(-1.0, 1) == pytest.approx(stats.norm.sf(-1.0))


def test_one_event_without_background_is_a_discovery() -> None:
    assert counting.critical_count(0.0, 5.7e-7) == 1
    assert counting.discovery_signal(0.0, 5.7e-7) == pytest.approx(np.log(2))


@pytest.mark.parametrize(("n_on", "n_off", "tau", "z_bi", "z_pl"), ON_OFF)
def test_on_off_significances_are_those_of_cousins_and_others(
    n_on: float, n_off: float, tau: float, z_bi: float, z_pl: float
) -> None:
    p = counting.on_off_p_value(n_on, n_off, 1 / tau)
    assert counting.sigma_of(p, sides=1) == pytest.approx(z_bi, abs=6e-3)
    found = counting.li_ma_significance(n_on, n_off, 1 / tau)
    assert found == pytest.approx(z_pl, abs=1.1e-2)


def test_li_ma_is_equation_17() -> None:
    n_on, n_off, alpha = 140.0, 190.0, 0.3
    first = n_on * np.log((1 + alpha) / alpha * n_on / (n_on + n_off))
    second = n_off * np.log((1 + alpha) * n_off / (n_on + n_off))
    expected = np.sqrt(2 * (first + second))
    assert counting.li_ma_significance(n_on, n_off, alpha) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n_on", "n_off", "alpha"), [(0, 4.0, 0.2), (3, 1.0, 0.5), (9, 40.0, 0.1)])
def test_on_off_p_value_is_a_gamma_poisson_mixture(n_on: int, n_off: float, alpha: float) -> None:
    """The mean over backgrounds as the off counts leave them possible."""

    def weighted(b: float) -> float:
        return float(stats.poisson.sf(n_on - 1, alpha * b) * stats.gamma.pdf(b, n_off + 1))

    expected, _ = integrate.quad(weighted, 0, 400, limit=400)
    assert counting.on_off_p_value(n_on, n_off, alpha) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("n_on", "n_off", "alpha"), [(5, 10, 0.2), (20, 10, 0.5), (12, 100, 0.1)])
def test_on_off_limit_is_that_of_gammapys_likelihood(n_on: int, n_off: int, alpha: float) -> None:
    n_sigma = np.sqrt(stats.chi2.ppf(0.9, 1))
    expected = WStatCountsStatistic(n_on, n_off, alpha).compute_upper_limit(n_sigma)
    found = counting.on_off_upper_limit(n_on, n_off, alpha)
    assert found == pytest.approx(float(np.squeeze(expected)), rel=1e-4)


def test_well_measured_background_is_a_known_one() -> None:
    def rise(signal: float) -> float:
        return 2 * (signal + 2 - 5 * np.log(signal + 2) - 5 + 5 * np.log(5)) - 2.70554345

    expected = optimize.brentq(rise, 3, 20)
    found = counting.on_off_upper_limit(5, 2e6, 1e-6)
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("signal", [2.0, 4.0])
def test_on_off_limit_covers(signal: float) -> None:
    background, alpha = 1.5, 0.25
    off = np.arange(25)
    covered = 0.0
    for n_on, p_on in enumerate(stats.poisson.pmf(np.arange(20), signal + background)):
        limits = np.array([counting.on_off_upper_limit(n_on, n, alpha) for n in off])
        covered += p_on * (stats.poisson.pmf(off, background / alpha) * (limits >= signal)).sum()
    assert covered > 0.9


@settings(deadline=None)
@given(st.integers(0, 30), st.floats(0, 10), st.floats(0.01, 100))
def test_combined_limit_of_one_count_is_cls(n: int, b: float, signal: float) -> None:
    found = counting.combined_upper_limit([n], [signal], [b])
    expected = float(counting.cls_upper_limit(n, b)) / signal
    # Events that nothing is expected to give are left to the signal.
    assert found == pytest.approx(expected, rel=1e-4)


def test_background_free_counts_add_up() -> None:
    found = counting.combined_upper_limit([2, 1, 0], [1.0, 3.0, 0.5], [0.0, 0.0, 0.0])
    assert found * 4.5 == pytest.approx(float(counting.classical_upper_limit(3)), rel=1e-4)


def test_a_clean_count_beside_a_dirty_one_gains() -> None:
    alone = counting.combined_upper_limit([0], [1.0], [0.1])
    both = counting.combined_upper_limit([0, 100], [1.0, 1.0], [0.1, 100.0])
    summed = counting.combined_upper_limit([100], [2.0], [100.1])
    assert both < alone < summed


MASKED = np.ma.MaskedArray([1.0, 2.0], mask=[False, True])


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: counting.classical_upper_limit(-1), "observed events"),
        (lambda: counting.classical_upper_limit(1, np.nan), "background"),
        (lambda: counting.classical_upper_limit(1, 1.0, 1.5), "between 0 and 1"),
        (lambda: counting.upper_limit(1, 1.0, method="bayes"), "unknown method"),  # type: ignore[arg-type]
        (lambda: counting.mean_upper_limit(1.0, method="bayes"), "unknown method"),  # type: ignore[arg-type]
        (lambda: counting.on_off_p_value(1, 1, 0.0), "alpha"),
        (lambda: counting.discovery_signal(1.0, 1.5), "p_value and power"),
        (lambda: counting.combined_upper_limit([1], [0.0], [1.0]), "zero everywhere"),
        (lambda: counting.combined_upper_limit([1, 2], [0.0, 1.0], [0.0, 1.0]), "neither"),
        (
            lambda: counting.combined_upper_limit([1, 2], [1.0, 1.0, 1.0], [1.0, 1.0]),
            "same shape",
        ),
        (lambda: counting.combined_upper_limit([1], [np.nan], [1.0]), "signal must be finite"),
        (
            lambda: counting.combined_upper_limit(MASKED, [1.0, 1.0], [1.0, 1.0]),
            "are masked",
        ),
        (lambda: counting.combined_upper_limit([1, 1], MASKED, [1.0, 1.0]), "are masked"),
        (lambda: counting.classical_upper_limit(MASKED), "are masked"),
        (lambda: counting.poisson_p_value(3, Masked(1.0, mask=True)), "are masked"),
        (lambda: counting.on_off_p_value([1, 2], 4, MASKED), "are masked"),
        (lambda: counting.classical_upper_limit(1, 2 * u.s), "plain numbers"),
        (lambda: counting.classical_upper_limit("many"), "plain numbers"),
        (lambda: counting.classical_upper_limit([1, 2], [1.0, 2.0, 3.0]), "same shape"),
        (lambda: counting.feldman_cousins(2.5), "whole count"),  # type: ignore[arg-type]
        (lambda: counting.feldman_cousins(10**13), "up to 1e"),
        (lambda: counting.mean_upper_limit(1e13, method="feldman-cousins"), "up to 1e"),
        (lambda: counting.poisson_p_value(2.5, 1.0), "whole numbers"),
        (lambda: counting.critical_count(1.0, 0.0), "between 0 and 1"),
        (lambda: counting.critical_count(1.0, np.nan), "between 0 and 1"),
        (lambda: counting.sigma_of(1.5), "between 0 and 1"),
        (lambda: counting.sigma_of(np.nan), "finite and not negative"),
        (lambda: counting.p_value_of(np.nan), "must be a finite number"),
        (lambda: counting.p_value_of(-1.0), "two-sided sigma must be zero or more"),
        (lambda: counting.p_value_of([1.0, 2.0]), "must be a finite number"),  # type: ignore[arg-type]
        (lambda: counting.p_value_of(1.0, 3), "1 or 2 sides"),  # type: ignore[arg-type]
        (lambda: counting.feldman_cousins([3, 4]), "one count"),  # type: ignore[arg-type]
        (lambda: counting.upper_limit(3, [1.0, 2.0]), "one count"),  # type: ignore[arg-type]
        (lambda: counting.mean_upper_limit([1.0, 2.0]), "one count"),  # type: ignore[arg-type]
        (lambda: counting.on_off_upper_limit([1, 2], 1, 1.0), "one n_on, n_off and alpha"),  # type: ignore[arg-type]
        (lambda: counting.feldman_cousins(3, 1.0, "90"), "must be a number"),  # type: ignore[arg-type]
        (lambda: counting.on_off_upper_limit(1, 1, np.inf), "alpha"),
    ],
)
def test_impossible_counts_are_refused(call: object, complaint: str) -> None:
    with pytest.raises(CountingError, match=complaint):
        call()  # type: ignore[operator]
