"""Figures of visibility, sensitivity and limits, ready for a paper (width of a column or two).

Every function draws into the given axes, or into new ones, and returns them; save the figure with
``axes.figure.savefig("name.pdf")``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from matplotlib import pyplot as plt
from matplotlib.legend import Legend
from matplotlib.lines import Line2D

from nugamma import palette
from nugamma.errors import VisibilityError

Floats = npt.NDArray[np.float64]

#: Colours for curves of neutrino telescopes, KM3NeT first; CTA's colour is not among them.
COLOURS = (palette.KM3NET, palette.PINK, palette.ORANGE, palette.GREEN, palette.SKY)
STYLE: Any = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": palette.PALE,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


P = ParamSpec("P")
R = TypeVar("R")


def _styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Draws in the style of this module, without changing the user's."""

    @wraps(draw)
    def drawing(*args: P.args, **kwargs: P.kwargs) -> R:
        with plt.rc_context(STYLE):
            return draw(*args, **kwargs)

    return drawing


@_styled
def plot_sensitivity(
    table: QTable, axes: Any = None, *, at: u.Quantity = 100 * u.TeV, label: str | None = None
) -> Any:
    """Plots sensitivity and 5 sigma discovery potential against sin(declination).

    Parameters
    ----------
    table : QTable
        From `nugamma.neutrino.sensitivity.sensitivity_curve`; one colour per index.
    axes : matplotlib axes, optional
    at : Quantity
        The flux is plotted as E^2 dN/dE at this energy, so that spectral indices compare.
    label : str, optional
        Precedes the index in the legend; by default the telescope's name.
    """
    _check_visible(table)
    axes = _axes(axes, (6.4, 4.2))
    reference = u.Quantity(table.meta["flux"].split(" at ")[1].split(",")[0])
    name = table.meta["telescope"] if label is None else label
    curves = _drawn.setdefault(axes, [])
    for number, index in enumerate(np.unique(table["index"]), start=len(curves)):
        rows = table[table["index"] == index]
        rows.sort("declination")
        factor = at**2 * (at / reference).to_value("") ** -index
        sine = np.sin(rows["declination"]).to_value("")
        # Further curves in the same axes take the next colours.
        colour = COLOURS[number % len(COLOURS)]
        for column, style in (("sensitivity", "-"), ("discovery_5sigma", "--")):
            flux = (rows[column] * factor).to_value("GeV cm-2 s-1")
            flux = np.where(np.isfinite(flux), flux, np.nan)
            (line,) = axes.plot(sine, flux, color=colour, ls=style, lw=1.8, marker=_marker(flux))
            if style == "-":
                curves.append(
                    _Curve(line, f"{name}, $E^{{-{index:g}}}$", _level(table), _years(table))
                )
    axes.set(
        yscale="log",
        xlim=(-1, 1),
        xlabel="sin(declination)",
        ylabel=rf"$E^2\,dN/dE$ at {at:latex_inline} [GeV cm$^{{-2}}$ s$^{{-1}}$]",
    )
    limits = [y for line in axes.get_lines() for y in line.get_ydata() if np.isfinite(y)]
    # Room for the legends above and below the curves.
    axes.set_ylim(min(limits) / 1.7, max(limits) * 1.8)
    # What all curves have in common goes into the title, the rest into the legend.
    levels, years = ({getattr(c, what) for c in curves} for what in ("level", "years"))
    for curve in curves:
        own = [curve.level] * (len(levels) > 1) + [curve.years] * (len(years) > 1)
        curve.line.set_label(", ".join([curve.label, *own]))
    common = [*years] if len(years) == 1 else []
    title = ", ".join([*common, "neutrinos and antineutrinos of one flavour"])
    axes.set_title(title, fontsize=10)
    what = f"{levels.pop()} sensitivity" if len(levels) == 1 else "sensitivity"
    styles = [
        Line2D([], [], color=palette.GREY, ls=style, label=text)
        for style, text in (("-", what), ("--", _DISCOVERY))
    ]
    for before in [child for child in axes.get_children() if isinstance(child, Legend)]:
        before.remove()
    axes.add_artist(axes.legend(handles=styles, fontsize=9, loc="lower right", ncols=2))
    axes.legend(fontsize=9, loc="upper left")
    return axes


class _Curve(NamedTuple):
    """A plotted sensitivity, with level and livetime from its table."""

    line: Line2D
    label: str
    level: str
    years: str


#: Sensitivities plotted in each axes, to label all of them consistently.
_drawn: WeakKeyDictionary[Any, list[_Curve]] = WeakKeyDictionary()
_DISCOVERY = r"5$\,\sigma$ discovery"


def _level(table: QTable) -> str:
    return f"{100 * float(table.meta['confidence_level']):g} %"


def _years(table: QTable) -> str:
    years = float(table.meta["livetime"].split()[0]) / 365.25
    return f"{years:.3g} year{'' if years == 1 else 's'}"


def _marker(flux: Floats) -> str:
    """Returns the marker: single points would be invisible as a line."""
    known = np.pad(np.isfinite(flux), 1)
    alone = known[1:-1] & ~known[:-2] & ~known[2:]
    return "o" if alone.any() else ""


def _check_visible(table: QTable) -> None:
    if not np.isfinite(table["sensitivity"]).any():
        raise VisibilityError(
            f"{table.meta.get('telescope', 'the telescope')} sees none of these declinations, so "
            "there is nothing to plot"
        )


@_styled
def plot_index(
    table: QTable, axes: Any = None, *, at: u.Quantity = 100 * u.TeV, label: str | None = None
) -> Any:
    """Plots sensitivity and discovery potential of one source against the spectral index."""
    _check_visible(table)
    axes = _axes(axes, (5.2, 3.8))
    reference = u.Quantity(table.meta["flux"].split(" at ")[1].split(",")[0])
    rows = table.copy()
    rows.sort("index")
    factor = at**2 * (at / reference).to_value("") ** -np.asarray(rows["index"])
    name = "" if label is None else f"{label}: "
    places = np.unique(rows["declination"].to_value("deg"))
    if len(places) > 1:
        raise VisibilityError(
            f"plot_index needs a table of one declination, not {len(places)}; select rows, or use "
            "plot_sensitivity"
        )
    colour = COLOURS[len(axes.get_lines()) // 3 % len(COLOURS)]
    for column, style, what in (
        ("sensitivity", "-", f"{_level(table)} sensitivity"),
        ("discovery_3sigma", ":", r"3$\,\sigma$ discovery"),
        ("discovery_5sigma", "--", _DISCOVERY),
    ):
        flux = (rows[column] * factor).to_value("GeV cm-2 s-1")
        flux = np.where(np.isfinite(flux), flux, np.nan)
        axes.plot(
            rows["index"], flux, marker="o", ms=4, ls=style, lw=1.6, color=colour, label=name + what
        )
    axes.set(
        yscale="log",
        xlabel="spectral index",
        ylabel=rf"$E^2\,dN/dE$ at {at:latex_inline} [GeV cm$^{{-2}}$ s$^{{-1}}$]",
    )
    title = f"{table.meta['telescope']}, {_years(table)}, declination {places[0]:.4g}°"
    axes.set_title(title.replace("-", "\N{MINUS SIGN}"), fontsize=10)
    axes.legend(fontsize=9)
    return axes


@_styled
def plot_zeniths(
    declination: u.Quantity, names: Sequence[str], axes: Any = None, detector: str = "ARCA"
) -> Any:
    """Plots the zenith angle of sources through a sidereal day."""
    from nugamma.zenith import cos_zenith, fraction_of_time

    axes = _axes(axes, (6.0, 3.6))
    hours = np.linspace(-12, 12, 481)
    for number, (d, name) in enumerate(zip(np.atleast_1d(declination), names, strict=True)):
        path = np.degrees(np.arccos(cos_zenith(d, hours * 15 * u.deg, detector)))
        below = float(fraction_of_time(d, detector=detector))
        # After the last colour, the same colours follow in other line styles.
        style = ("-", "--", ":", "-.")[number // len(palette.SERIES) % 4]
        colour = palette.SERIES[number % len(palette.SERIES)]
        axes.plot(hours, path, color=colour, ls=style, lw=1.8, label=f"{name}: {below:.0%} below")
    axes.axhline(90, color=palette.GREY, lw=1)
    axes.axhspan(90, 180, color=palette.GREY, alpha=0.1, lw=0, label="below the horizon")
    axes.text(-11.8, 88, "horizon", color=palette.GREY, fontsize=8, va="bottom")
    axes.set(
        xlim=(-12, 12),
        ylim=(180, 0),
        xticks=range(-12, 13, 4),
        yticks=range(0, 181, 30),
        xlabel="hour angle [h]",
        ylabel=f"zenith angle at {detector} [deg]",
    )
    axes.legend(fontsize=9, loc="lower center", ncols=3, bbox_to_anchor=(0.5, 1.0))
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
    """Plots the sky in galactic coordinates, in Mollweide projection, longitude to the left.

    Parameters
    ----------
    values : ndarray
        HEALPix map in ring order and galactic coordinates, for example from
        `nugamma.neutrino.visibility.visibility_map`.
    label : str
        Of the colour bar.
    sources : dict of SkyCoord, optional
        Positions to mark, by name.
    percent : bool
        Whether the values are fractions, to be shown in percent.
    """
    import healpy  # type: ignore[import-untyped]

    if axes is None:
        axes = plt.figure(figsize=(7.2, 4.3)).add_subplot(projection="mollweide")
    axes.grid(visible=False)
    axes.set_axisbelow(False)
    longitude, latitude = np.linspace(-180, 180, 721), np.linspace(-90, 90, 361)
    middle = (longitude[1:] + longitude[:-1]) / 2, (latitude[1:] + latitude[:-1]) / 2
    # Longitude increases to the left: the picture at x shows longitude -x.
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
            # Names near the rim extend inwards.
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
