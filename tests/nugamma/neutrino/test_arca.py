"""ARCA of km3irf as a telescope."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u

from nugamma.neutrino.arca import BANDS, ArcaTelescope
from nugamma.neutrino.sensitivity import sensitivity, sensitivity_curve
from nugamma.responses.pointsource import power_law

TEN_YEARS = 10 * 365 * u.day


@pytest.fixture(scope="module")
def arca() -> ArcaTelescope:
    return ArcaTelescope()


def test_background_of_vela_x_is_that_of_the_published_maps(arca: ArcaTelescope) -> None:
    """151.3 neutrinos and 0.6 muons within 1.3 deg in ten years, from sky maps."""
    point = arca.point(-45.19 * u.deg, TEN_YEARS, np.array([1.3]) * u.deg)
    assert point.background.sum() == pytest.approx(151.9, rel=0.03)


def test_signal_is_the_area_along_the_path(arca: ArcaTelescope) -> None:
    point = arca.point(-45.19 * u.deg, TEN_YEARS, np.array([60.0]) * u.deg)
    seen = point.counts_true(power_law(2.0))[0]
    from nugamma.neutrino.visibility import time_fractions
    from nugamma.responses.pointsource import integral_flux

    zenith = np.arccos((BANDS[1:] + BANDS[:-1]) / 2) * u.rad
    times = time_fractions(-45.19 * u.deg, BANDS, "ARCA")
    centre = np.sqrt(point.energy_true[1:] * point.energy_true[:-1])
    area = arca.response.area(centre, zenith).to_value("cm2") @ times
    emitted = integral_flux(power_law(2.0), point.energy_true) * TEN_YEARS.to_value("s") * area
    # A part is reconstructed beyond the table, most of it at the ends.
    assert np.all(seen <= emitted * 1.001)
    middle = slice(16, 36)
    assert seen[middle] == pytest.approx(emitted[middle], rel=0.04)


def test_wider_cones_hold_more(arca: ArcaTelescope) -> None:
    point = arca.point(-20 * u.deg, TEN_YEARS)
    total = point.signal.sum(axis=2)
    assert np.all(np.diff(total, axis=0) >= 0)


def test_southern_sources_are_seen_best(arca: ArcaTelescope) -> None:
    curve = sensitivity_curve(arca, [-60, 0, 60] * u.deg)
    assert np.all(np.diff(curve["sensitivity"]) > 0)
    assert np.isinf(sensitivity_curve(arca, 85 * u.deg)["sensitivity"][0])


def test_hard_spectra_are_counted_at_high_energy(arca: ArcaTelescope) -> None:
    point = arca.point(-45 * u.deg, TEN_YEARS)
    hard, soft = (sensitivity(point, power_law(index)) for index in (2.0, 3.0))
    assert hard.energy_range[0] > soft.energy_range[0]
    assert hard.for_sensitivity.energy_min > soft.for_sensitivity.energy_min
