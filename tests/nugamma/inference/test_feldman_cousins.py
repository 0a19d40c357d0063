"""Feldman and Cousins' intervals agree with the tables of their paper."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nugamma.errors import InferenceError
from nugamma.inference.feldman_cousins import (
    accepts,
    critical_values,
    fraction_interval,
    poisson_interval,
)


@pytest.mark.parametrize(
    ("level", "observed", "background", "low", "high"),
    [
        # Phys. Rev. D 57 (1998) 3873, tables II and IV
        (0.6827, 0, 0.0, 0.00, 1.29),
        (0.6827, 1, 0.0, 0.37, 2.75),
        (0.6827, 2, 0.0, 0.74, 4.25),
        (0.9, 0, 0.0, 0.00, 2.44),
        (0.9, 1, 0.0, 0.11, 4.36),
        (0.9, 2, 0.0, 0.53, 5.91),
        (0.9, 3, 0.0, 1.10, 7.42),
        (0.9, 4, 0.0, 1.47, 8.60),
        (0.9, 5, 0.0, 1.84, 9.99),
        (0.9, 10, 0.0, 5.50, 16.50),
        (0.9, 0, 1.0, 0.00, 1.61),
        (0.9, 3, 3.0, 0.00, 4.42),
    ],
)
def test_published_intervals(
    level: float, observed: int, background: float, low: float, high: float
) -> None:
    assert poisson_interval(observed, background, level) == pytest.approx((low, high), abs=0.0051)


@settings(max_examples=60, deadline=None)
@given(mean=st.floats(0.0, 30.0), background=st.floats(0.01, 30.0), level=st.floats(0.5, 0.99))
def test_the_acceptance_region_holds_the_level(
    mean: float, background: float, level: float
) -> None:
    total = stats.poisson(mean + background)
    inside = [n for n in range(120) if accepts(n, [mean], background, level)[0]]
    assert total.pmf(inside).sum() >= level - 1e-9
    assert inside == list(range(inside[0], inside[-1] + 1))


@pytest.mark.parametrize(
    ("observed", "background", "level"), [(-1, 0, 0.9), (1, -1, 0.9), (1, np.nan, 0.9), (1, 0, 1)]
)
def test_impossible_counts_are_refused(observed: int, background: float, level: float) -> None:
    with pytest.raises(InferenceError):
        poisson_interval(observed, background, level)


def test_the_interval_of_f_covers_where_gaussian_limits_do_not() -> None:
    """A Gaussian measurement with f limited to [0, 1] (section IV.B of the paper)."""
    rng = np.random.default_rng(5)
    f = np.linspace(0, 1, 21)
    width = 0.3

    def scans(measured: np.ndarray) -> np.ndarray:
        stat = ((measured[:, None] - f) / width) ** 2
        return stat - stat.min(axis=1, keepdims=True)

    toys = np.array([scans(rng.normal(true, width, 4000))[:, i] for i, true in enumerate(f)])
    critical = critical_values(toys, 0.9)
    assert critical[10] == pytest.approx(2.7, abs=0.2)  # far from both ends: chi-squared
    covered = []
    for index in (0, 5, 20):
        data = scans(rng.normal(f[index], width, 1000))
        intervals = np.array([fraction_interval(f, scan, critical) for scan in data])
        covered.append(
            np.mean((intervals[:, 0] <= f[index] + 1e-9) & (intervals[:, 1] >= f[index] - 1e-9))
        )
    assert covered == pytest.approx([0.9, 0.9, 0.9], abs=0.03)


def test_an_interval_of_f_without_accepted_points_is_the_best_point() -> None:
    f = np.linspace(0, 1, 5)
    assert fraction_interval(f, np.array([4.0, 2, 1, 3, 5]), np.zeros(5)) == (0.5, 0.5)
