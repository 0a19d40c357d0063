"""Figures of visibility, sensitivity and limits, ready for a paper (width of a column or two).

Every function draws into axes that it is given, or into new ones, and returns them; save with
``axes.figure.savefig("name.pdf")``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from matplotlib import pyplot as plt
from matplotlib.lines import Line2D

Floats = npt.NDArray[np.float64]

# Colours that remain distinct for colour-blind readers (Okabe & Ito).
BLUE, ORANGE, GREEN, RED, PINK, GREY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#5B6670",
)
COLOURS = (BLUE, RED, GREEN, ORANGE, PINK)
STYLE: Any = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E3E8EC",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


P = ParamSpec("P")
R = TypeVar("R")


def _styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Draw in this module's style and leave the user's alone."""

    @wraps(draw)
    def drawing(*args: P.args, **kwargs: P.kwargs) -> R:
        with plt.rc_context(STYLE):
            return draw(*args, **kwargs)

    return drawing


@_styled
def plot_sensitivity(
    table: QTable, axes: Any = None, *, at: u.Quantity = 100 * u.TeV, label: str | None = None
) -> Any:
    """Sensitivity and 5 sigma discovery potential against sin(declination).

    Parameters
    ----------
    table : QTable
        Of `nugamma.neutrino.sensitivity.sensitivity_curve`; one colour an index.
    axes : matplotlib axes, optional
    at : Quantity
        The flux is drawn as E^2 dN/dE at this energy, so spectral indices can be compared.
    label : str, optional
        Goes before the index in the legend; by default the telescope's name.
    """
    axes = _axes(axes, (6.4, 4.2))
    reference = u.Quantity(table.meta["flux"].split(" at ")[1].split(",")[0])
    name = table.meta["telescope"] if label is None else label
    # Curves in the same axes go on with the next colour.
    used = len({line.get_color() for line in axes.get_lines()})
    for number, index in enumerate(np.unique(table["index"])):
        rows = table[table["index"] == index]
        rows.sort("declination")
        factor = at**2 * (at / reference).to_value("") ** -index
        sine = np.sin(rows["declination"]).to_value("")
        colour = COLOURS[(used + number) % len(COLOURS)]
        for column, style in (("sensitivity", "-"), ("discovery_5sigma", "--")):
            flux = (rows[column] * factor).to_value("GeV cm-2 s-1")
            flux = np.where(np.isfinite(flux), flux, np.nan)
            what = f"{name}, $E^{{-{index:g}}}$" if style == "-" else None
            axes.plot(sine, flux, color=colour, ls=style, lw=1.8, label=what)
    years = float(table.meta["livetime"].split()[0]) / 365.25
    axes.set(
        yscale="log",
        xlim=(-1, 1),
        xlabel="sin(declination)",
        ylabel=rf"$E^2\,dN/dE$ at {at:latex_inline} [GeV cm$^{{-2}}$ s$^{{-1}}$]",
    )
    axes.set_title(f"{years:.3g} years, neutrinos and antineutrinos of one flavour", fontsize=10)
    limits = [y for line in axes.get_lines() for y in line.get_ydata() if np.isfinite(y)]
    # Room for the legends above and below the curves.
    axes.set_ylim(min(limits) / 1.7, max(limits) * 1.8)
    styles = [
        Line2D([], [], color=GREY, ls=style, label=what)
        for style, what in (("-", _SENSITIVITY), ("--", _DISCOVERY))
    ]
    axes.add_artist(axes.legend(handles=styles, fontsize=9, loc="lower right", ncols=2))
    axes.legend(fontsize=9, loc="upper left")
    return axes


_SENSITIVITY = "90 % sensitivity"
_DISCOVERY = r"5$\,\sigma$ discovery"


@_styled
def plot_index(
    table: QTable, axes: Any = None, *, at: u.Quantity = 100 * u.TeV, label: str | None = None
) -> Any:
    """Sensitivity and discovery potential of one source against the spectral index."""
    axes = _axes(axes, (5.2, 3.8))
    reference = u.Quantity(table.meta["flux"].split(" at ")[1].split(",")[0])
    rows = table.copy()
    rows.sort("index")
    factor = at**2 * (at / reference).to_value("") ** -np.asarray(rows["index"])
    name = "" if label is None else f"{label}: "
    for column, colour, what in (
        ("sensitivity", BLUE, _SENSITIVITY),
        ("discovery_3sigma", ORANGE, r"3$\,\sigma$ discovery"),
        ("discovery_5sigma", RED, _DISCOVERY),
    ):
        flux = (rows[column] * factor).to_value("GeV cm-2 s-1")
        axes.plot(rows["index"], flux, "o-", ms=4, lw=1.6, color=colour, label=name + what)
    axes.set(
        yscale="log",
        xlabel="spectral index",
        ylabel=rf"$E^2\,dN/dE$ at {at:latex_inline} [GeV cm$^{{-2}}$ s$^{{-1}}$]",
    )
    axes.legend(fontsize=9)
    return axes


@_styled
def plot_zeniths(
    declination: u.Quantity, names: Sequence[str], axes: Any = None, detector: str = "ARCA"
) -> Any:
    """Zenith angle of sources through a sidereal day."""
    from nugamma.neutrino.visibility import cos_zenith, fraction_of_time

    axes = _axes(axes, (6.0, 3.6))
    hours = np.linspace(-12, 12, 481)
    for number, (d, name) in enumerate(zip(np.atleast_1d(declination), names, strict=True)):
        path = np.degrees(np.arccos(cos_zenith(d, hours * 15 * u.deg, detector)))
        below = float(fraction_of_time(d, detector=detector))
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(hours, path, color=colour, lw=1.8, label=f"{name}: {below:.0%} below")
    axes.axhline(90, color=GREY, lw=1)
    axes.axhspan(90, 180, color=BLUE, alpha=0.07, lw=0)
    axes.text(-11.8, 88, "horizon", color=GREY, fontsize=8, va="bottom")
    axes.set(
        xlim=(-12, 12),
        ylim=(180, 0),
        xticks=range(-12, 13, 4),
        yticks=range(0, 181, 30),
        xlabel="hour angle [h]",
        ylabel=f"zenith angle at {detector} [deg]",
    )
    axes.legend(fontsize=9, loc="upper center", ncols=3, bbox_to_anchor=(0.5, 1.16))
    return axes


@_styled
def plot_sky(
    values: Floats,
    label: str,
    sources: dict[str, SkyCoord] | None = None,
    axes: Any = None,
    *,
    percent: bool = True,
) -> Any:
    """Whole sky in galactic coordinates, Mollweide projection, longitude growing to the left.

    Parameters
    ----------
    values : ndarray
        HEALPix map in ring order and galactic coordinates, for example of
        `nugamma.neutrino.visibility.visibility_map`.
    label : str
        Of the colour bar.
    sources : dict of SkyCoord, optional
        Places to mark, by name.
    percent : bool
        The values are fractions and are shown in percent.
    """
    import healpy  # type: ignore[import-untyped]

    if axes is None:
        axes = plt.figure(figsize=(7.2, 4.3)).add_subplot(projection="mollweide")
    axes.grid(visible=False)
    axes.set_axisbelow(False)
    longitude, latitude = np.linspace(-180, 180, 721), np.linspace(-90, 90, 361)
    middle = (longitude[1:] + longitude[:-1]) / 2, (latitude[1:] + latitude[:-1]) / 2
    # Longitude grows to the left: the picture at x shows longitude -x.
    pixel = healpy.ang2pix(
        healpy.npix2nside(values.size),
        -middle[0][np.newaxis] % 360,
        middle[1][:, np.newaxis],
        lonlat=True,
    )
    scale = 100.0 if percent else 1.0
    mesh = axes.pcolormesh(
        np.radians(longitude),
        np.radians(latitude),
        scale * values[pixel],
        cmap="cividis",
        rasterized=True,
    )
    for name, place in (sources or {}).items():
        galactic = place.galactic
        x, y = -galactic.l.wrap_at(180 * u.deg).rad, galactic.b.rad
        axes.plot(x, y, "o", ms=5, mfc="white", mec="black", mew=0.8)
        axes.annotate(
            name,
            (x, y),
            xytext=(0, 7),
            textcoords="offset points",
            # Names near the rim grow inwards.
            ha="right" if x > 2.2 else "left" if x < -2.2 else "center",
            fontsize=8,
            bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.75},
        )
    ticks = np.arange(-120, 121, 60)
    axes.set_xticks(np.radians(ticks), [f"{-tick}°" for tick in ticks], fontsize=8, color="white")
    axes.set_yticks(np.radians([-60, -30, 0, 30, 60]), ["-60°", "-30°", "0°", "30°", "60°"])
    axes.tick_params(axis="y", labelsize=8)
    axes.grid(visible=True, color="white", alpha=0.35, lw=0.6)
    bar = axes.figure.colorbar(mesh, ax=axes, orientation="horizontal", shrink=0.6, pad=0.05)
    bar.set_label(label + (" [%]" if percent else ""))
    bar.outline.set_visible(False)
    return axes


def _axes(axes: Any, size: tuple[float, float]) -> Any:
    if axes is not None:
        return axes
    return plt.subplots(figsize=size)[1]
