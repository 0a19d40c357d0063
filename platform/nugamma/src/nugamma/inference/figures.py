"""Figures of scans, limits and model fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy import stats

from nugamma.inference.scans import SCENARIOS
from nugamma.palette import BLACK, ELECTRONS, GREY, PROTONS, SCENARIO_COLOURS, SCENARIO_NAMES

STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.labelsize": 10,
    "axes.titlesize": 10,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,
}
WIDTH = 3.5
#: Levels of a likelihood interval (Wilks) that are marked beside the curves.
LEVELS = {0.68: ":", 0.9: "--"}
#: Content of the bands around mean curves: between these quantiles of the pseudo-experiments.
BAND = (0.16, 0.84)


@contextmanager
def styled() -> Iterator[None]:
    """House style of the figures."""
    with mpl.rc_context(STYLE):
        yield


def scan_figure(documents: Sequence[dict[str, Any]]) -> Figure:
    """Delta TS against f: mean of the pseudo-experiments with their central 68 %.

    Parameters
    ----------
    documents
        Of `nugamma scan`; one panel each.
    """
    with styled():
        figure = Figure(figsize=(WIDTH * len(documents) + 0.3, 3.5), layout="constrained")
        panels = figure.subplots(1, len(documents), sharey=True, squeeze=False)[0]
        banded = False
        for axes, document in zip(panels, documents, strict=True):
            for number, name in enumerate(SCENARIOS):
                part, colour = document[name], SCENARIO_COLOURS[name]
                f = np.array(part["f"])
                axes.plot(f, part["dts_mean"], color=colour, lw=1.5)
                each = np.array([e["dts"][number] for e in document["pseudo_experiments"]])
                if len(each) > 1:
                    low, high = np.quantile(each, BAND, axis=0)
                    axes.fill_between(f, low, high, color=colour, alpha=0.15, lw=0)
                    banded = True
            levels = _mark_levels(axes)
            axes.set_title(f"{document['title']}, {document['input']} input\n{made_of(document)}")
            axes.set_xlabel(r"hadronic fraction $f$")
            _fraction_axis(axes)
        panels[0].set_ylim(0, None)  # after all: it ends the scaling of the shared axis
        panels[0].set_ylabel(r"$\Delta\,\mathrm{TS}$")
        handles = _experiments()
        if banded:
            content = f"{100 * (BAND[1] - BAND[0]):.0f} %"
            handles.append(Line2D([], [], color=GREY, lw=1.5, label="mean"))
            handles.append(Patch(color=GREY, alpha=0.3, lw=0, label=f"central {content}"))
        columns = 4 if len(documents) > 1 else 3
        figure.legend(handles=handles + levels, loc="outside lower center", ncols=columns)
        return figure


def _experiments() -> list[Any]:
    """A line of each scenario's colour for a legend."""
    return [
        Line2D([], [], color=SCENARIO_COLOURS[name], lw=2, label=SCENARIO_NAMES[name])
        for name in SCENARIOS
    ]


def made_of(document: dict[str, Any]) -> str:
    """What was simulated and how it was scanned, for titles: from the result itself."""
    count = len(document["pseudo_experiments"])
    if document["asimov"]:
        simulated = "simulated, no fluctuations"
    else:
        simulated = f"{count} simulated experiment{'s' if count > 1 else ''}"
    return f"{simulated}; {document['mode']}"


def _mark_levels(axes: Any) -> list[Any]:
    """Lines where delta TS is that of a likelihood interval, and what they are called."""
    lines = []
    for level, style in LEVELS.items():
        line = axes.axhline(stats.chi2.ppf(level, df=1), color="0.5", lw=0.8, ls=style)
        line.set_label(f"{100 * level:.0f} % CL (Wilks)")
        lines.append(line)
    return lines


def _fraction_axis(axes: Any) -> None:
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1], ["0", "0.2", "0.4", "0.6", "0.8", "1"])


def limits_figure(documents: Sequence[dict[str, Any]]) -> Figure:
    """Mean credible intervals of f, sources below each other."""
    with styled():
        rows = len(documents) * (len(SCENARIOS) + 1)
        figure = Figure(figsize=(5.2, 1.3 + 0.2 * rows), layout="constrained")
        axes = figure.subplots()
        places, labels = [], []
        for block, document in enumerate(documents):
            for number, name in enumerate(SCENARIOS):
                y = -(block * (len(SCENARIOS) + 1) + number)
                part, colour = document[name], SCENARIO_COLOURS[name]
                axes.plot(part["ci90"], [y, y], color=colour, lw=1.2)
                axes.plot(part["ci68"], [y, y], color=colour, lw=4, solid_capstyle="butt")
                axes.plot(part["mode_mean"], y, "o", color=colour, mfc="white", ms=4, clip_on=False)
            places.append(-(block * (len(SCENARIOS) + 1) + 1))
            labels.append(f"{document['title']}, {document['input']}\n{made_of(document)}")
        axes.set_yticks(places, labels, fontsize=7.5)
        axes.tick_params(axis="y", which="both", length=0)
        _fraction_axis(axes)
        axes.set_ylim(places[-1] - 1.8, 0.8)
        axes.set_xlabel(r"hadronic fraction $f$")
        meaning = [
            Line2D([], [], color=GREY, lw=4, solid_capstyle="butt", label="68 % credible, mean"),
            Line2D([], [], color=GREY, lw=1.2, label="90 % credible, mean"),
            Line2D([], [], color=GREY, marker="o", mfc="white", ms=4, ls="", label="mode, mean"),
        ]
        if all(document["asimov"] for document in documents):
            for handle in meaning:
                handle.set_label(str(handle.get_label()).removesuffix(", mean"))
        figure.legend(handles=_experiments() + meaning, loc="outside lower center", ncols=3)
        return figure


def fit_figure(document: dict[str, Any], points: Any, curves: dict[str, Any]) -> Figure:
    """Spectral energy distribution: flux points and the two models.

    Parameters
    ----------
    document
        Of `nugamma fit`.
    points
        The flux points (e_ref, dnde, and errors dnde_errn, dnde_errp where there are).
    curves
        Energies (TeV) and differential fluxes (cm-2 s-1 TeV-1) by name.
    """
    with styled():
        figure = Figure(figsize=(4.4, 3.2), layout="constrained")
        axes = figure.subplots()
        styles: dict[str, dict[str, Any]] = {
            "hadronic": {"color": PROTONS, "label": "pion decay, gamma rays"},
            "neutrino": {"color": PROTONS, "ls": "--", "label": "pion decay, neutrinos"},
            "leptonic": {"color": ELECTRONS, "label": "inverse Compton, gamma rays"},
        }
        top = 0.0
        for name, (energy, flux) in curves.items():
            axes.plot(energy, energy**2 * flux, lw=1.4, **styles[name])
            top = max(top, float(np.max(energy**2 * flux)))
        if points is not None:
            energy, flux, error = points
            axes.errorbar(
                energy,
                energy**2 * flux,
                yerr=energy**2 * error,
                fmt="o",
                ms=3,
                color=BLACK,
                lw=0.8,
                label="gamma rays, measured",
            )
            top = max(top, float(np.max(energy**2 * (flux + error))))
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylim(top / 2e3, 2 * top)
        axes.set_xlabel("energy (TeV)")
        axes.set_ylabel(r"$E^2\,\mathrm{d}N/\mathrm{d}E$ (TeV cm$^{-2}$ s$^{-1}$)")
        axes.set_title(document["title"])
        axes.legend(loc="lower left")
        return figure
