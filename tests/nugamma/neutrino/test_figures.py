"""Figures hold the numbers that they are given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from matplotlib import pyplot as plt
from matplotlib.legend import Legend

from nugamma import palette
from nugamma.errors import VisibilityError
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


def texts(axes: Any) -> list[str]:
    """Every text of the legends of axes."""
    legends = [child for child in axes.get_children() if isinstance(child, Legend)]
    return [text.get_text() for legend in legends for text in legend.get_texts()]


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99, 0.683])
def test_labels_come_from_the_table(arca: ArcaTelescope, level: float) -> None:
    table = sensitivity_curve(arca, [-60, 0] * u.deg, level=level, livetime=365.25 * u.day)
    axes = figures.plot_sensitivity(table)
    assert f"{100 * level:g} % sensitivity" in texts(axes)
    assert axes.get_title().startswith("1 year, ")
    assert axes.get_lines()[0].get_color() == palette.KM3NET
    slopes = sensitivity_curve(arca, -45 * u.deg, [2.0, 2.5], level=level)
    axes = figures.plot_index(slopes)
    assert texts(axes)[0] == f"{100 * level:g} % sensitivity"
    assert axes.get_title() == "ARCA (km3irf), 10 years, declination \N{MINUS SIGN}45°"


def test_labels_hold_for_all_curves_of_the_axes(arca: ArcaTelescope) -> None:
    places = [-60, -30, 0] * u.deg
    axes = figures.plot_sensitivity(sensitivity_curve(arca, places))
    other = sensitivity_curve(arca, places, level=0.99, livetime=365.25 * u.day)
    figures.plot_sensitivity(other, axes, label="other")
    assert "90 % sensitivity" not in texts(axes)
    assert "99 % sensitivity" not in texts(axes)
    assert any("ARCA" in text and "90 %, 10 years" in text for text in texts(axes))
    assert any("other" in text and "99 %, 1 year" in text for text in texts(axes))
    assert "year" not in axes.get_title()


def test_sources_that_never_rise_are_not_drawn(arca: ArcaTelescope) -> None:
    unseen = sensitivity_curve(arca, [80, 85] * u.deg, [2.0, 2.5])
    for draw in (figures.plot_sensitivity, figures.plot_index):
        with pytest.raises(VisibilityError, match="sees none of these declinations"):
            draw(unseen)
    with pytest.raises(VisibilityError, match="one declination, not 2"):
        figures.plot_index(sensitivity_curve(arca, [0, 10] * u.deg, [2.0, 2.5]))
    alone = sensitivity_curve(arca, [-20, 85] * u.deg)
    assert figures.plot_sensitivity(alone).get_lines()[0].get_marker() == "o"


def test_every_band_and_curve_has_a_name_of_its_own() -> None:
    axes = figures.plot_zeniths(np.linspace(-60, 60, 7) * u.deg, list("abcdefg"))
    assert "below the horizon" in texts(axes)
    styles = {(line.get_color(), line.get_linestyle()) for line in axes.get_lines()[:7]}
    assert len(styles) == 7


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
