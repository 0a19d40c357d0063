"""Figures of scans, limits and model fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from nugamma.inference.scans import SCENARIOS

#: Okabe and Ito's colours, which people with colour blindness tell apart.
COLOURS = {"gamma": "#0072B2", "neutrino": "#D55E00", "combined": "#000000"}
NAMES = {"gamma": "CTA", "neutrino": "KM3NeT", "combined": "CTA + KM3NeT"}
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
LEVELS = ((0.68, 1.0), (0.9, 2.706))


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
        figure = Figure(figsize=(WIDTH * len(documents) + 0.3, 3.1), layout="constrained")
        panels = figure.subplots(1, len(documents), sharey=True, squeeze=False)[0]
        for axes, document in zip(panels, documents, strict=True):
            for number, name in enumerate(SCENARIOS):
                part = document[name]
                f = np.array(part["f"])
                axes.plot(f, part["dts_mean"], color=COLOURS[name], label=NAMES[name], lw=1.5)
                each = np.array([e["dts"][number] for e in document["pseudo_experiments"]])
                if len(each) > 1:
                    low, high = np.quantile(each, [0.16, 0.84], axis=0)
                    axes.fill_between(f, low, high, color=COLOURS[name], alpha=0.15, lw=0)
            for number, (level, height) in enumerate(LEVELS):
                axes.axhline(height, color="0.6", lw=0.7, ls=":")
                axes.annotate(
                    f"{100 * level:.0f} %",
                    (1.0, height),
                    xytext=(-22 + 20 * number, 1.5),  # beside each other: they are close
                    textcoords="offset points",
                    ha="right",
                    fontsize=6.5,
                    color="0.45",
                )
            axes.set_title(f"{document['title']}, {document['input']} input")
            axes.set_xlabel(r"hadronic fraction $f$")
            _fraction_axis(axes)
        panels[0].set_ylim(0, None)  # after all: it ends the scaling of the shared axis
        panels[0].set_ylabel(r"$\Delta\,\mathrm{TS}$")
        curve = documents[0]["combined"]["dts_mean"]
        panels[0].legend(loc="upper left" if curve[0] < curve[-1] else "upper right")
        return figure


def _fraction_axis(axes: Any) -> None:
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1], ["0", "0.2", "0.4", "0.6", "0.8", "1"])


def limits_figure(documents: Sequence[dict[str, Any]]) -> Figure:
    """Mean credible intervals of f, sources below each other."""
    with styled():
        rows = len(documents) * len(SCENARIOS)
        figure = Figure(figsize=(4.6, 0.75 + 0.2 * rows), layout="constrained")
        axes = figure.subplots()
        places, labels = [], []
        for block, document in enumerate(documents):
            for number, name in enumerate(SCENARIOS):
                y = -(block * (len(SCENARIOS) + 1) + number)
                part, colour = document[name], COLOURS[name]
                axes.plot(part["ci90"], [y, y], color=colour, lw=1.2)
                axes.plot(part["ci68"], [y, y], color=colour, lw=4, solid_capstyle="butt")
                axes.plot(part["mode_mean"], y, "o", color=colour, mfc="white", ms=4)
                label = NAMES[name] if block == 0 else None
                axes.plot([], [], color=colour, lw=4, label=label)
            places.append(-(block * (len(SCENARIOS) + 1) + 1))
            labels.append(f"{document['title']}\n{document['input']}")
        axes.set_yticks(places, labels)
        axes.tick_params(axis="y", which="both", length=0)
        _fraction_axis(axes)
        axes.set_ylim(places[-1] - 1.8, 0.8)
        axes.set_xlabel(r"hadronic fraction $f$ (mode, 68 % and 90 %)")
        figure.legend(loc="outside upper center", ncols=3)
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
            "hadronic": {"color": "#D55E00", "label": "pion decay, gamma rays"},
            "neutrino": {"color": "#D55E00", "ls": "--", "label": "pion decay, neutrinos"},
            "leptonic": {"color": "#0072B2", "label": "inverse Compton"},
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
                color="k",
                lw=0.8,
                label="flux points",
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
