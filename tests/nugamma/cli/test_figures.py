"""Figures that the command line draws."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from matplotlib.image import imread

from nugamma.inference.figures import scan_figure

from .conftest import NORTH
from .running import changed, run


def test_a_fit_is_drawn_from_what_it_holds(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "fit.json"
    run(folder, "fit", "HESSJ1908", "--out", out)
    run(folder, "plot", out, "--out", tmp_path / "fit.png")
    for changes, message in (
        ({"format": 1}, "older version"),
        ({"made_from": None}, "is damaged"),
        ({"made_from__source__distance__value": 9.0}, "do not reproduce its fluxes"),
        ({"hadronic__parameters__alpha__value": 2.9}, "do not reproduce its fluxes"),
    ):
        other = changed(out, tmp_path / "other.json", **changes)
        assert message in run(folder, "plot", other, "--out", tmp_path / "x.png", code=2)


def test_an_unconstrained_cutoff_is_marked(folder: Path, tmp_path: Path) -> None:
    """Gamma rays of a power law from 1 to 8 TeV."""
    energies = [1.0, 2.0, 4.0, 8.0]
    points = [[e, 1e-11 * e**-2.5, 2e-12 * e**-2.5] for e in energies]
    straight = {key: NORTH[key] for key in ("name", "position", "distance", "morphology")}
    described = tmp_path / "straight.yaml"
    described.write_text(yaml.safe_dump(straight | {"flux_points": {"points": points}}))
    assert "(not constrained)" in run(folder, "fit", described, "--out", tmp_path / "fit.json")
    assert "(not" not in run(folder, "fit", "RXJ1713", "--out", tmp_path / "fit.json")


def test_plots_are_drawn(folder: Path, scanned: dict[str, Path]) -> None:
    run(folder, "fit", "RXJ1713", "--out", folder / "rxj.json")
    figures = {
        "scans.png": list(scanned.values()),
        "intervals.png": [*scanned.values(), "--intervals"],
        "sed.png": [folder / "rxj.json"],
        "scans.pdf": [scanned["leptonic"]],
    }
    for name, words in figures.items():
        run(folder, "plot", *words, "--out", folder / name)
        if name.endswith("png"):
            assert imread(folder / name).shape[1] > 600
    assert (folder / "scans.pdf").read_bytes().startswith(b"%PDF")


def test_all_curves_fit_into_the_panels(scanned: dict[str, Path]) -> None:
    documents = [json.loads(path.read_text()) for path in scanned.values()]
    for order in (documents, documents[::-1]):
        highest = max(max(d[name]["dts_mean"]) for d in order for name in ("gamma", "combined"))
        for axes in scan_figure(order).axes:
            assert axes.get_ylim()[0] == 0
            assert axes.get_ylim()[1] > highest
