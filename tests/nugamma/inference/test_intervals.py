"""Intervals of f: the published ones from the published scans, and exact ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nugamma.errors import InferenceError
from nugamma.inference.intervals import Posterior
from nugamma.inference.summary import summarise

CTA, KM3NET, COMBINED = 1, 2, 3
#: Mean mode, 68 % and 90 % interval, 68 % and 90 % quantile of the mode: the published routines
#: applied to the published scans.
PUBLISHED = {
    ("VelaX", 0, CTA): (0.078, 0.031, 0.247, 0.027, 0.378, 0.060, 0.145),
    ("VelaX", 0, KM3NET): (0.069, 0.024, 0.218, 0.008, 0.334, 0.032, 0.251),
    ("VelaX", 0, COMBINED): (0.044, 0.013, 0.152, 0.004, 0.253, 0.028, 0.144),
    ("VelaX", 1, CTA): (0.784, 0.490, 0.920, 0.297, 0.968, 0.684, 0.410),
    ("VelaX", 1, KM3NET): (0.889, 0.718, 0.960, 0.597, 0.982, 0.846, 0.657),
    ("VelaX", 1, COMBINED): (0.886, 0.734, 0.959, 0.624, 0.984, 0.842, 0.708),
    ("RXJ1713", 0, CTA): (0.359, 0.139, 0.714, 0.049, 0.885, 0.592, 1.000),
    ("RXJ1713", 0, KM3NET): (0.169, 0.054, 0.492, 0.023, 0.712, 0.202, 0.491),
    ("RXJ1713", 0, COMBINED): (0.162, 0.054, 0.466, 0.021, 0.675, 0.201, 0.459),
    ("RXJ1713", 1, CTA): (0.703, 0.304, 0.883, 0.117, 0.958, 0.527, 0.000),
    ("RXJ1713", 1, KM3NET): (0.865, 0.575, 0.966, 0.373, 0.989, 0.828, 0.603),
    ("RXJ1713", 1, COMBINED): (0.889, 0.606, 0.974, 0.404, 0.990, 0.879, 0.681),
}
SCAN = np.linspace(0, 1, 21)


@pytest.mark.parametrize(("source", "hadronic", "case"), PUBLISHED)
def test_published_scans_give_the_published_intervals(
    joint: Path, source: str, hadronic: int, case: int
) -> None:
    table = Table.read(joint / f"scan_{source}_{hadronic}.0.csv")
    table = table[table["case"] == case]
    table.sort(["seed", "f_value"])
    scans = {name: np.array(table[name]).reshape(-1, 21) for name in table.colnames}
    f = scans["int_PD"]
    if case != KM3NET:
        f = f / (scans["int_PD"] + scans["int_IC"])
    found = summarise(f, scans["stat_total"], hadronic=bool(hadronic))
    numbers = (
        found.mode_mean,
        *found.ci68,
        *found.ci90,
        found.quantile68,
        found.quantile90,
    )
    assert numbers == pytest.approx(PUBLISHED[source, hadronic, case], abs=1e-3)


@settings(max_examples=30, deadline=None)
@given(
    middle=st.floats(0.0, 1.0), width=st.floats(0.08, 0.5), level=st.sampled_from([0.5, 0.68, 0.9])
)
def test_one_peak_has_one_exact_interval(middle: float, width: float, level: float) -> None:
    """The published routine, the exact one and a truncated Gaussian agree."""
    posterior = Posterior(SCAN, ((SCAN - middle) / width) ** 2)
    (exact,) = posterior.highest_density_set(level)
    assert posterior.credible_interval(level) == pytest.approx(exact, abs=2e-3)
    gauss = stats.truncnorm(-middle / width, (1 - middle) / width, middle, width)
    assert gauss.cdf(exact[1]) - gauss.cdf(exact[0]) == pytest.approx(level, abs=1e-3)
    assert posterior.mode == pytest.approx(middle, abs=1e-3)


def test_two_peaks_make_two_exact_intervals_and_one_published() -> None:
    dts = np.minimum((SCAN / 0.1) ** 2, ((SCAN - 0.9) / 0.05) ** 2 + 1)
    posterior = Posterior(SCAN, dts)
    low, high = posterior.highest_density_set(0.9)
    assert low[0] == 0
    assert low[1] < 0.3
    assert high[0] > 0.7
    content = posterior.content(low) + posterior.content(high)
    assert content == pytest.approx(0.9, abs=1e-3)
    published = posterior.credible_interval(0.9)
    assert published[0] <= posterior.mode <= published[1]


def test_the_profile_interval_is_wilks() -> None:
    posterior = Posterior(SCAN, ((SCAN - 0.5) / 0.1) ** 2)
    assert posterior.profile_interval(0.9) == pytest.approx((0.5 - 0.1645, 0.5 + 0.1645), abs=1e-3)
    assert Posterior(SCAN, SCAN).profile_interval(0.9) == pytest.approx((0.0, 1.0))


@pytest.mark.parametrize(
    ("f", "dts", "words"),
    [
        (SCAN[:3], SCAN[:3], "four points"),
        (SCAN, SCAN[:-1], "four points"),
        (SCAN[::-1], SCAN, "ascend"),
        (SCAN * 2, SCAN, "within"),
        (SCAN, np.full(21, np.nan), "non-finite"),
    ],
)
def test_invalid_scans_are_refused(f: np.ndarray, dts: np.ndarray, words: str) -> None:
    with pytest.raises(InferenceError, match=words):
        Posterior(f, dts)


def test_bad_sets_and_levels_are_refused() -> None:
    with pytest.raises(InferenceError, match="shape"):
        summarise(SCAN, SCAN, hadronic=True)
    with pytest.raises(InferenceError, match="level"):
        Posterior(SCAN, SCAN).credible_interval(68)
