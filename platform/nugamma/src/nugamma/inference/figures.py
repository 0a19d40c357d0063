"""Figures of scans, limits and model fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy import stats

from nugamma.inference.scans import SCENARIOS
from nugamma.palette import (
    BLACK,
    BOTH,
    ELECTRONS,
    GREY,
    PROTONS,
    SCENARIO_COLOURS,
    SCENARIO_NAMES,
)

if TYPE_CHECKING:
    from nugamma.datasets.instrument import Instrument

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
#: Levels of likelihood intervals (Wilks) that are marked in the figure.
LEVELS = {0.68: ":", 0.9: "--"}
#: Characters of a label with which three columns of the legend fit below one panel.
SHORT_LABEL = len("CTA + KM3NeT")
#: Quantiles of the pseudo-experiments that bound the bands around mean curves.
BAND = (0.16, 0.84)


@contextmanager
def styled() -> Iterator[None]:
    """Applies the style of the figures."""
    with mpl.rc_context(STYLE):
        yield


class Appearance(NamedTuple):
    """Label and colour of a scenario."""

    label: str
    colour: str


def appearances(instruments: Sequence[Instrument] | None = None) -> dict[str, Appearance]:
    """Returns the appearance of each scenario.

    Parameters
    ----------
    instruments
        Those of the scans; by default CTA and KM3NeT as published.
    """
    if instruments is None:
        return {
            name: Appearance(SCENARIO_NAMES[name], SCENARIO_COLOURS[name]) for name in SCENARIOS
        }
    found = {}
    for messenger in ("gamma", "neutrino"):
        some = [one for one in instruments if one.messenger == messenger]
        found[messenger] = Appearance(" + ".join(one.label for one in some), some[0].colour)
    both = Appearance(" + ".join(one.label for one in found.values()), BOTH)
    return found | {"combined": both}


def scan_figure(
    documents: Sequence[dict[str, Any]], instruments: Sequence[Instrument] | None = None
) -> Figure:
    """Returns a figure of delta TS against f: mean and central 68 % of the pseudo-experiments.

    Parameters
    ----------
    documents
        Results of `nugamma scan`; one panel each.
    instruments
        As for `appearances`.
    """
    appearance = appearances(instruments)
    with styled():
        figure = Figure(figsize=(WIDTH * len(documents) + 0.3, 3.5), layout="constrained")
        panels = figure.subplots(1, len(documents), sharey=True, squeeze=False)[0]
        banded = False
        for axes, document in zip(panels, documents, strict=True):
            for number, name in enumerate(SCENARIOS):
                part, colour = document[name], appearance[name].colour
                f = np.array(part["f"])
                axes.plot(f, part["dts_mean"], color=colour, lw=1.5)
                each = np.array([e["dts"][number] for e in document["pseudo_experiments"]])
                if len(each) > 1:
                    low, high = np.quantile(each, BAND, axis=0)
                    axes.fill_between(f, low, high, color=colour, alpha=0.15, lw=0)
                    banded = True
            levels = _mark_levels(axes)
            axes.set_title(
                f"{document['title']}, {document['input']} input\n{description(document)}"
            )
            axes.set_xlabel(r"hadronic fraction $f$")
            _fraction_axis(axes)
        panels[0].set_ylim(0, None)  # last, as it ends the autoscaling of the shared axis
        panels[0].set_ylabel(r"$\Delta\,\mathrm{TS}$")
        handles = _experiments(appearance)
        if banded:
            content = f"{100 * (BAND[1] - BAND[0]):.0f} %"
            handles.append(Line2D([], [], color=GREY, lw=1.5, label="mean"))
            handles.append(Patch(color=GREY, alpha=0.3, lw=0, label=f"central {content}"))
        longest = max(len(one.label) for one in appearance.values())
        columns = 4 if len(documents) > 1 else 3 if longest <= SHORT_LABEL else 2
        figure.legend(handles=handles + levels, loc="outside lower center", ncols=columns)
        return figure


def _experiments(appearance: dict[str, Appearance]) -> list[Any]:
    """Returns a legend line in the colour of each scenario."""
    return [
        Line2D([], [], color=appearance[name].colour, lw=2, label=appearance[name].label)
        for name in SCENARIOS
    ]


def description(document: dict[str, Any]) -> str:
    """Returns what was simulated and how it was scanned, for titles."""
    count = len(document["pseudo_experiments"])
    if document["asimov"]:
        simulated = "simulated, no fluctuations"
    else:
        simulated = f"{count} simulated experiment{'s' if count > 1 else ''}"
    return f"{simulated}; {document['mode']}"


def _mark_levels(axes: Any) -> list[Any]:
    """Draws and returns lines at the delta TS of likelihood intervals."""
    lines = []
    for level, style in LEVELS.items():
        line = axes.axhline(stats.chi2.ppf(level, df=1), color="0.5", lw=0.8, ls=style)
        line.set_label(f"{100 * level:.0f} % CL (Wilks)")
        lines.append(line)
    return lines


def _fraction_axis(axes: Any) -> None:
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1], ["0", "0.2", "0.4", "0.6", "0.8", "1"])


def limits_figure(
    documents: Sequence[dict[str, Any]], instruments: Sequence[Instrument] | None = None
) -> Figure:
    """Returns a figure of mean credible intervals of f, one source below the other.

    Parameters
    ----------
    documents
        Results of `nugamma scan`.
    instruments
        As for `appearances`.
    """
    appearance = appearances(instruments)
    with styled():
        rows = len(documents) * (len(SCENARIOS) + 1)
        figure = Figure(figsize=(5.2, 1.3 + 0.2 * rows), layout="constrained")
        axes = figure.subplots()
        places, labels = [], []
        for block, document in enumerate(documents):
            for number, name in enumerate(SCENARIOS):
                y = -(block * (len(SCENARIOS) + 1) + number)
                part, colour = document[name], appearance[name].colour
                axes.plot(part["ci90"], [y, y], color=colour, lw=1.2)
                axes.plot(part["ci68"], [y, y], color=colour, lw=4, solid_capstyle="butt")
                axes.plot(part["mode_mean"], y, "o", color=colour, mfc="white", ms=4, clip_on=False)
            places.append(-(block * (len(SCENARIOS) + 1) + 1))
            labels.append(f"{document['title']}, {document['input']}\n{description(document)}")
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
        figure.legend(
            handles=_experiments(appearance) + meaning, loc="outside lower center", ncols=3
        )
        return figure


def fit_figure(document: dict[str, Any], points: Any, curves: dict[str, Any]) -> Figure:
    """Returns a figure of the spectral energy distribution: flux points and the two models.

    Parameters
    ----------
    document
        Result of `nugamma fit`.
    points
        Flux points (e_ref, dnde, dnde_err), or None.
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
