"""Figures hold the numbers that they are given."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from matplotlib import pyplot as plt

from nugamma.neutrino import figures, visibility
from nugamma.neutrino.arca import ArcaTelescope
from nugamma.neutrino.sensitivity import sensitivity_curve


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def arca() -> ArcaTelescope:
    return ArcaTelescope()


def test_curves_are_drawn_at_the_energy_asked_for(arca: ArcaTelescope) -> None:
    table = sensitivity_curve(arca, [-40, 0, 40, 85] * u.deg, [2.0, 3.0])
    axes = figures.plot_sensitivity(table, at=10 * u.TeV)
    first, _, soft, _ = axes.get_lines()
    drawn = first.get_ydata()[:3]
    expected = (table["sensitivity"][:3] * u.TeV**2).to_value("GeV cm-2 s-1")
    assert drawn == pytest.approx(expected)
    assert np.isnan(first.get_ydata()[3])
    assert soft.get_ydata()[0] == pytest.approx(
        (table["sensitivity"][4] * u.TeV**2).to_value("GeV cm-2 s-1") / 10
    )
    figures.plot_sensitivity(table[:4], axes, label="again")
    assert axes.get_lines()[4].get_color() not in {first.get_color(), soft.get_color()}


def test_style_of_the_user_is_left_alone(arca: ArcaTelescope) -> None:
    before = dict(plt.rcParams)
    figures.plot_index(sensitivity_curve(arca, -45 * u.deg, [2.0, 2.5]))
    assert dict(plt.rcParams) == before


def test_path_of_a_source_crosses_the_horizon_when_it_sets() -> None:
    axes = figures.plot_zeniths([-45.19] * u.deg, ["Vela X"])
    zenith = axes.get_lines()[0].get_ydata()
    below = float(visibility.fraction_of_time(-45.19 * u.deg))
    assert np.mean(zenith > 90) == pytest.approx(below, abs=5e-3)
    assert f"{below:.0%}" in axes.get_legend().get_texts()[0].get_text()


def test_sky_map_grows_to_the_left() -> None:
    healpy = pytest.importorskip("healpy", reason="healpy is missing; pip install healpy")
    values = np.zeros(12 * 32**2)
    values[healpy.ang2pix(32, 90.0, 0.0, lonlat=True)] = 0.5
    here = SkyCoord(90, 0, unit="deg", frame="galactic")
    axes = figures.plot_sky(values, "a spot", {"here": here})
    mesh = axes.collections[0]
    drawn = np.asarray(mesh.get_array()).reshape(360, 720)
    assert drawn.max() == 50
    column = np.flatnonzero(drawn.max(axis=0) == 50).mean()
    assert column == pytest.approx(180, abs=8)
    assert axes.get_lines()[0].get_xdata()[0] == pytest.approx(-np.pi / 2)
