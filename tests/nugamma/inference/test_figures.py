"""Figures say what they show, from the data that they show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astropy import units as u
from matplotlib.figure import Figure

from nugamma.datasets.published import ARCA, CTA
from nugamma.inference.figures import description, fit_figure, limits_figure, scan_figure
from nugamma.inference.scans import SCENARIOS
from nugamma.palette import ELECTRONS, PROTONS, SCENARIO_COLOURS, SCENARIO_NAMES

F = np.linspace(0, 1, 21)


def document(count: int = 5, mode: str = "pinned", *, asimov: bool = False) -> dict[str, Any]:
    """A scan as its file holds it."""
    curves = [[(k + 1) * (F + 0.1 * i) ** 2 * 10 for k in range(3)] for i in range(count)]
    part = {
        "f": F.tolist(),
        "dts_mean": (10 * F**2).tolist(),
        "mode_mean": 0.1,
        "ci68": [0.0, 0.2],
        "ci90": [0.0, 0.4],
    }
    return {
        "title": "Vela X",
        "input": "leptonic",
        "mode": mode,
        "asimov": asimov,
        "pseudo_experiments": [{"dts": [c.tolist() for c in curve]} for curve in curves],
        **dict.fromkeys(SCENARIOS, part),
    }


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for one in figure.legends for text in one.get_texts()]


@pytest.mark.parametrize("count", [2, 17])
@pytest.mark.parametrize("mode", ["pinned", "profile"])
def test_titles_say_how_many_experiments_were_simulated(count: int, mode: str) -> None:
    figure = scan_figure([document(count, mode)])
    title = figure.axes[0].get_title()
    assert "Vela X, leptonic input" in title
    assert f"{count} simulated experiments; {mode}" in title
    labels = [
        label.get_text()
        for label in limits_figure([document(count, mode)]).axes[0].get_yticklabels()
    ]
    assert f"{count} simulated experiments; {mode}" in labels[0]


def test_data_without_fluctuations_are_called_so() -> None:
    assert description(document(1, asimov=True)) == "simulated, no fluctuations; pinned"
    assert description(document(1)) == "1 simulated experiment; pinned"
    assert not any("mean" in text for text in legend(limits_figure([document(1, asimov=True)])))


def test_every_band_and_line_is_in_the_legend() -> None:
    several = legend(scan_figure([document()]))
    assert set(SCENARIO_NAMES.values()) <= set(several)
    assert {"mean", "central 68 %", "68 % CL (Wilks)", "90 % CL (Wilks)"} <= set(several)
    single = legend(scan_figure([document(1, asimov=True)]))
    assert "central 68 %" not in single  # there is none
    intervals = legend(limits_figure([document()]))
    assert {"68 % credible, mean", "90 % credible, mean", "mode, mean"} <= set(intervals)


def test_levels_are_those_of_chi_squared() -> None:
    axes = scan_figure([document()]).axes[0]
    heights = {
        str(line.get_label())[:4]: float(np.asarray(line.get_ydata())[0])
        for line in axes.get_lines()
        if "CL" in str(line.get_label())
    }
    # quantiles of chi squared with one degree of freedom, from tables
    assert heights == pytest.approx({"68 %": 0.98895, "90 %": 2.70554}, abs=1e-4)


def test_the_band_holds_the_central_two_thirds() -> None:
    (band, *_) = scan_figure([document(101)]).axes[0].collections
    points = np.array(band.get_paths()[0].vertices)
    at_one = points[np.isclose(points[:, 0], 1)][:, 1]
    every = [10 * (1 + 0.1 * i) ** 2 for i in range(101)]
    wanted = np.quantile(every, [0.16, 0.84])
    assert (at_one.min(), at_one.max()) == pytest.approx(tuple(wanted), rel=1e-6)


def test_an_experiment_has_one_colour_and_no_model_has_it() -> None:
    lines = scan_figure([document()]).axes[0].get_lines()
    assert [line.get_color() for line in lines[:3]] == [SCENARIO_COLOURS[n] for n in SCENARIOS]
    assert len({*SCENARIO_COLOURS.values(), PROTONS, ELECTRONS}) == 5


def test_other_instruments_have_their_own_colours_and_labels() -> None:
    north = CTA.replace(name="cta-north", label="CTA North", colour="#123456")
    for draw in (scan_figure, limits_figure):
        figure = draw([document()], [north, ARCA])
        assert {"CTA North", "ARCA", "CTA North + ARCA"} <= set(legend(figure))
        assert figure.axes[0].get_lines()[0].get_color() == "#123456"
        figure.draw_without_rendering()
        box = figure.legends[0].get_window_extent()
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1


def test_a_fit_names_its_curves_and_units() -> None:
    energy = np.geomspace(0.1, 100, 10)
    curves = dict.fromkeys(("hadronic", "neutrino", "leptonic"), (energy, 1e-12 * energy ** (-2)))
    points = tuple(np.array([value]) for value in (1.0, 1e-12, 1e-13))
    axes = fit_figure({"title": "Vela X"}, points, curves).axes[0]
    legend_of_axes = axes.get_legend()
    assert legend_of_axes is not None
    assert {text.get_text() for text in legend_of_axes.get_texts()} == {
        "pion decay, gamma rays",
        "pion decay, neutrinos",
        "inverse Compton, gamma rays",
        "gamma rays, measured",
    }
    assert axes.get_xlabel() == f"energy ({u.TeV})"
    assert "TeV cm" in axes.get_ylabel()
