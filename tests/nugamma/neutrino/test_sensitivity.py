"""Sensitivity and discovery potential: against their definitions and what is published."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable, Table
from scipy import stats

from nugamma.errors import CountingError, ResponseError, VisibilityError
from nugamma.neutrino import counting
from nugamma.neutrino.sensitivity import sensitivity, sensitivity_curve, write_curve
from nugamma.responses.arca230 import Arca230
from nugamma.responses.pointsource import (
    RADII,
    PointResponse,
    integral_flux,
    power_law,
    solid_angle,
)

DATA = Path(__file__).resolve().parents[4] / "shared/data/arca230"
NORM = 1e-12 * u.Unit("TeV-1 cm-2 s-1")
needs_tables = pytest.mark.skipif(
    not DATA.is_dir(),
    reason=f"no tables of ARCA230; put data/*.csv of KM3NeT-ARCA-irf into {DATA}",
)


class Telescope:
    """One true and two reconstructed energies, a Gaussian point spread of 1 deg."""

    def point(
        self, declination: u.Quantity, livetime: u.Quantity, radius: u.Quantity = RADII
    ) -> PointResponse:
        inside = 1 - np.exp(-(radius.to_value("deg") ** 2) / 2)
        seen = 1e15 if declination < 50 * u.deg else 0.0
        return PointResponse(
            name="a telescope",
            declination=declination,
            livetime=livetime,
            energy_true=np.array([1.0, 10.0]) * u.TeV,
            energy_reco=np.array([0.1, 1.0, 100.0]) * u.TeV,
            radius=radius,
            signal=inside[:, None, None]
            * livetime.to_value("s")
            / 3e8
            * np.array([seen / 4, seen]),
            background=np.multiply.outer(solid_angle(radius), [4e3, 4e2]),
        )


@pytest.fixture(scope="module")
def tracks() -> Arca230:
    return Arca230.read(DATA)


def test_flux_in_bins_is_the_integral_of_the_power_law() -> None:
    flux = integral_flux(power_law(2.0, NORM), np.array([1.0, 10.0, 100.0]) * u.TeV)
    assert flux == pytest.approx([0.9e-12, 0.09e-12])


def test_solid_angle_of_all_directions() -> None:
    assert solid_angle(180 * u.deg) == pytest.approx(4 * np.pi)


def test_sensitivity_is_the_mean_limit_over_the_signal() -> None:
    point = Telescope().point(0 * u.deg, 3e8 * u.s)
    found = sensitivity(point, power_law(2.0, NORM))
    chosen = found.for_sensitivity
    limit = counting.mean_upper_limit(chosen.background)
    assert found.sensitivity == pytest.approx(limit / chosen.signal, rel=1e-9)
    background = solid_angle(chosen.radius) * (400 if chosen.energy_min == 1 * u.TeV else 4400)
    assert chosen.background == pytest.approx(float(background))


def test_the_best_selection_is_the_best() -> None:
    point = Telescope().point(0 * u.deg, 3e8 * u.s)
    best = sensitivity(point, power_law(2.0, NORM))
    for radius in RADII[::6]:
        fixed = sensitivity(point, power_law(2.0, NORM), radius=radius)
        assert best.sensitivity <= fixed.sensitivity * (1 + 1e-6)
        assert best.discovery_5sigma <= fixed.discovery_5sigma * (1 + 1e-9)


def test_best_cone_on_much_background_is_that_of_a_gaussian() -> None:
    """The radius of the largest signal over square root of background: 1.585 deviations."""
    point = Telescope().point(0 * u.deg, 3e8 * u.s)
    buried = dataclasses.replace(point, background=1e4 * point.background)
    radius = sensitivity(buried, power_law(2.0, NORM)).for_sensitivity.radius
    assert radius.to_value("deg") == pytest.approx(1.585, rel=0.06)


def test_half_of_the_experiments_at_the_discovery_flux_discover() -> None:
    point = Telescope().point(0 * u.deg, 3e8 * u.s)
    found = sensitivity(point, power_law(2.0, NORM))
    chosen = found.for_discovery
    drawn = np.random.default_rng(2).poisson(
        chosen.background + found.discovery_5sigma * chosen.signal, 40_000
    )
    p_values = stats.poisson.sf(drawn - 1, chosen.background)
    assert np.mean(p_values < counting.p_value_of(5)) == pytest.approx(0.5, abs=0.01)


def test_five_sigma_need_more_than_three() -> None:
    found = sensitivity(Telescope().point(0 * u.deg, 3e8 * u.s), power_law(2.0, NORM))
    assert found.discovery_5sigma > found.discovery_3sigma > 0


def test_twice_the_livetime_gains_more_than_a_square_root_and_less_than_two() -> None:
    one, two = (
        sensitivity(Telescope().point(0 * u.deg, t * u.s), power_law(2.0, NORM)).sensitivity
        for t in (3e8, 6e8)
    )
    # The background of this telescope does not grow, so the gain is the full factor.
    assert one / two == pytest.approx(2, rel=1e-3)


def test_a_source_that_is_never_seen_is_an_error() -> None:
    point = Telescope().point(80 * u.deg, 3e8 * u.s)
    with pytest.raises(VisibilityError, match="never in the field of view"):
        sensitivity(point, power_law(2.0, NORM))


def test_curve_has_infinite_flux_where_nothing_is_seen() -> None:
    curve = sensitivity_curve(Telescope(), [0, 80] * u.deg, [2.0, 2.5])
    assert len(curve) == 4
    assert list(curve["index"]) == [2.0, 2.0, 2.5, 2.5]
    assert np.isinf(curve["sensitivity"][[1, 3]]).all()
    assert np.isfinite(curve["sensitivity"][[0, 2]]).all()


def test_curve_is_written_as_ecsv_and_read_back(tmp_path: Path) -> None:
    curve = sensitivity_curve(Telescope(), [0, 20] * u.deg)
    write_curve(curve, tmp_path / "curve.ecsv")
    read = QTable.read(tmp_path / "curve.ecsv")
    assert read.colnames == curve.colnames
    assert read["sensitivity"].unit == u.Unit("TeV-1 cm-2 s-1")
    for name in curve.colnames:
        assert u.Quantity(read[name]).value == pytest.approx(u.Quantity(curve[name]).value, 1e-3)
    assert read.meta["confidence_level"] == 0.9
    assert Table.read(tmp_path / "curve.ecsv")["declination"].unit == u.deg


def test_impossible_options_are_refused() -> None:
    with pytest.raises(CountingError, match="livetime"):
        sensitivity_curve(Telescope(), livetime=0 * u.day)
    with pytest.raises(CountingError, match="unknown method"):
        sensitivity_curve(Telescope(), 0 * u.deg, method="bayes")  # type: ignore[arg-type]
    point = Telescope().point(0 * u.deg, 3e8 * u.s)
    with pytest.raises(ResponseError, match="negative or not finite"):
        point.counts(power_law(2.0, -NORM))
    with pytest.raises(ResponseError, match="do not fit"):
        PointResponse(**{**vars(point), "background": point.background[:-1]})
    with pytest.raises(ResponseError, match="negative or non-finite numbers"):
        PointResponse(**{**vars(point), "background": -point.background})


@needs_tables
def test_best_cone_beats_the_published_example(tracks: Arca230) -> None:
    """4.46e-5 GeV-1 m-2 s-1 with a cone of 1 deg at sin(declination) 0.475 in one year."""
    declination = np.arcsin(0.475) * u.rad
    curve = sensitivity_curve(tracks, declination, livetime=365.25 * u.day, energy=1 * u.GeV)
    assert curve["sensitivity"][0].to_value("GeV-1 m-2 s-1") < 4.46e-5


@needs_tables
def test_northern_sky_is_hidden_from_tracks(tracks: Arca230) -> None:
    """Down-going tracks are cut away, so what never sets is never seen."""
    curve = sensitivity_curve(tracks, [65, 80] * u.deg)
    assert np.isinf(curve["sensitivity"]).all()
    assert np.isfinite(sensitivity_curve(tracks, 55 * u.deg)["sensitivity"]).all()
