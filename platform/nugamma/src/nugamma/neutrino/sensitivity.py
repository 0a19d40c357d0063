"""Sensitivity and discovery potential for a source, by counting events in a cone.

The *sensitivity* is the flux that the average upper limit of experiments without signal excludes
(Hill & Rawlins 2003); the *discovery potential* is the flux that gives a p-value of 3 or 5 sigma in
half of the experiments. The radius of the cone and the lowest reconstructed energy are those that
minimise this flux, chosen without data. Published sensitivities of KM3NeT and ANTARES are better:
their likelihoods use the distance and energy of every event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.table import QTable, Table
from gammapy.modeling.models import SpectralModel
from scipy.interpolate import CubicSpline

import nugamma
from nugamma.errors import CountingError, VisibilityError
from nugamma.neutrino.counting import (
    LimitMethod,
    discovery_signal,
    mean_upper_limit,
    p_value_of,
)
from nugamma.responses.pointsource import RADII, NeutrinoTelescope, PointResponse, power_law

Floats = npt.NDArray[np.float64]

#: Centres of 40 bins of sin(declination), as in the tables of ARCA230.
DECLINATIONS = np.degrees(np.arcsin(np.linspace(-0.975, 0.975, 40))) * u.deg
#: Ten Julian years.
TEN_YEARS = (10 * u.yr).to(u.day)


@dataclass(frozen=True)
class Selection:
    """Which events are counted: those in a cone above a reconstructed energy."""

    radius: u.Quantity
    energy_min: u.Quantity
    signal: float
    background: float


@dataclass(frozen=True)
class PointSensitivity:
    """Sensitivity and discovery potential of one source.

    Parameters
    ----------
    sensitivity, discovery_3sigma, discovery_5sigma : float
        In units of the given spectrum: 2 means twice its flux.
    for_sensitivity, for_discovery : Selection
        What is counted for the sensitivity and for 5 sigma, with the expected events of spectrum
        and background.
    energy_range : Quantity
        True energies of the central 90 % of the signal in the cone of ``for_sensitivity``.
    """

    sensitivity: float
    discovery_3sigma: float
    discovery_5sigma: float
    for_sensitivity: Selection
    for_discovery: Selection
    energy_range: u.Quantity


def sensitivity(
    response: PointResponse,
    spectrum: SpectralModel,
    *,
    level: float = 0.9,
    method: LimitMethod = "classical",
    radius: u.Quantity | None = None,
) -> PointSensitivity:
    """Returns sensitivity and discovery potential with the best selection.

    Parameters
    ----------
    response : PointResponse
        Signal and background around the source.
    spectrum : gammapy.modeling.models.SpectralModel
        Flux of neutrinos and antineutrinos of one flavour at Earth.
    level : float
        Confidence level of the limit.
    method : str
        Method of the limit, see `nugamma.neutrino.counting.upper_limit`.
    radius : Quantity, optional
        Count in this cone (the nearest of ``response.radius``) and at all energies, instead of
        optimising.

    Raises
    ------
    VisibilityError
        If the detector expects no event from this source with this spectrum.
    """
    # Counts in each cone above each lowest energy.
    signal = _from_above(response.counts(spectrum))
    background = _from_above(response.background)
    if not np.any(signal > 0):
        raise VisibilityError(
            f"{response.name} expects no event from declination {response.declination:.2f} with "
            "this spectrum; it is never in the field of view, or its energies are too low"
        )
    usable = signal > 0
    if radius is not None:
        nearest = response.row(radius)
        usable = np.zeros_like(usable)
        usable[nearest, 0] = signal[nearest, 0] > 0
        if not usable.any():
            raise CountingError(f"no signal within {radius} of the source")
    ones = np.where(usable, signal, 1.0)

    def best(events: Floats) -> tuple[int, int]:
        place = np.unravel_index(np.argmin(np.where(usable, events / ones, np.inf)), events.shape)
        return int(place[0]), int(place[1])

    def selection(place: tuple[int, int]) -> Selection:
        return Selection(
            response.radius[place[0]],
            response.energy_reco[place[1]],
            float(signal[place]),
            float(background[place]),
        )

    limit_at = best(_mean_limits(background, level, method))
    limit = mean_upper_limit(float(background[limit_at]), level, method)
    needed = {sigma: discovery_signal(background, p_value_of(sigma)) for sigma in (3, 5)}
    places = {sigma: best(events) for sigma, events in needed.items()}
    strength = {sigma: float((needed[sigma] / ones)[places[sigma]]) for sigma in needed}
    return PointSensitivity(
        sensitivity=limit / float(signal[limit_at]),
        discovery_3sigma=strength[3],
        discovery_5sigma=strength[5],
        for_sensitivity=selection(limit_at),
        for_discovery=selection(places[5]),
        energy_range=_central_energies(response, spectrum, limit_at),
    )


def sensitivity_curve(
    telescope: NeutrinoTelescope,
    declination: u.Quantity = DECLINATIONS,
    index: float | Sequence[float] = 2.0,
    *,
    livetime: u.Quantity = TEN_YEARS,
    level: float = 0.9,
    method: LimitMethod = "classical",
    energy: u.Quantity = 1 * u.TeV,
    radius: u.Quantity | None = None,
) -> QTable:
    """Returns a table of sensitivity and discovery potential against declination, for power laws.

    Parameters
    ----------
    telescope : NeutrinoTelescope
        For example `nugamma.responses.arca230.Arca230`.
    declination : Quantity
        One or several.
    index : float or sequence of float
        Spectral indices; the table has every declination for each.
    livetime : Quantity
    level : float
        Confidence level of the sensitivity.
    method : str
        Method of the limit, see `nugamma.neutrino.counting.upper_limit`.
    energy : Quantity
        Energy E0 of the normalisation: the flux is ``norm (E / E0)^-index``.
    radius : Quantity, optional
        A fixed cone instead of the best one.

    Returns
    -------
    astropy.table.QTable
        One row per index and declination. Columns: ``declination`` (deg), ``index``,
        ``sensitivity``, ``discovery_3sigma``, ``discovery_5sigma`` (TeV-1 cm-2 s-1, the
        normalisation at ``energy`` of neutrinos and antineutrinos of one flavour; infinite if the
        detector sees nothing), ``radius`` (deg) and ``energy_min`` (TeV) of the best
        selection for the sensitivity, ``signal`` (events for a normalisation of
        1e-12 TeV-1 cm-2 s-1) and ``background`` (events) in it, ``energy_low`` and
        ``energy_high`` (TeV) of the central 90 % of the signal. ``meta`` describes how it was made.
        Write it with `write_curve`.
    """
    if not livetime.to_value(u.s) > 0:
        raise CountingError(f"the livetime must be positive, not {livetime}")
    norm = 1e-12 * u.Unit("TeV-1 cm-2 s-1")
    cones = RADII if radius is None else np.atleast_1d(radius)
    options: dict[str, Any] = {"level": level, "method": method, "radius": radius}
    rows: list[dict[str, Any]] = []
    name = ""
    places = [telescope.point(d, livetime, cones) for d in np.atleast_1d(declination)]
    for slope in np.atleast_1d(index):
        for place in places:
            name = place.name
            row: dict[str, Any] = {"declination": place.declination.to(u.deg), "index": slope}
            try:
                found = sensitivity(place, power_law(slope, norm, energy), **options)
            except VisibilityError:
                rows.append(row | _UNSEEN)
                continue
            chosen = found.for_sensitivity
            rows.append(
                row
                | {
                    "sensitivity": found.sensitivity * norm,
                    "discovery_3sigma": found.discovery_3sigma * norm,
                    "discovery_5sigma": found.discovery_5sigma * norm,
                    "radius": chosen.radius.to(u.deg),
                    "energy_min": chosen.energy_min.to(u.TeV),
                    "signal": chosen.signal,
                    "background": chosen.background,
                    "energy_low": found.energy_range[0],
                    "energy_high": found.energy_range[1],
                }
            )
    table = QTable({key: u.Quantity([row[key] for row in rows]) for key in rows[0]})
    for key in ("index", "signal", "background"):
        table[key] = table[key].value
    for key in _FORMATS:
        table[key].info.format = _FORMATS[key]
    table.meta = {
        "telescope": name,
        "livetime": f"{livetime.to_value(u.day):.2f} d",
        "confidence_level": level,
        "limit": method,
        "discovery": "3 and 5 sigma two-sided p-values with a probability of one half",
        "flux": f"normalisation at {energy}, neutrinos and antineutrinos of one flavour",
        "nugamma": nugamma.__version__,
    }
    return table


def write_curve(table: QTable, path: str | Path) -> None:
    """Writes a table from `sensitivity_curve` as ECSV, for astropy, pandas and TOPCAT."""
    Table(table).write(path, format="ascii.ecsv", overwrite=True)


_FLUX_COLUMNS = ("sensitivity", "discovery_3sigma", "discovery_5sigma")
_FORMATS = dict.fromkeys(_FLUX_COLUMNS, ".4e") | dict.fromkeys(
    ("declination", "radius", "energy_min", "signal", "background", "energy_low", "energy_high"),
    ".5g",
)
_INFINITE = np.inf * u.Unit("TeV-1 cm-2 s-1")
_UNSEEN: dict[str, Any] = {
    **dict.fromkeys(_FLUX_COLUMNS, _INFINITE),
    "radius": np.nan * u.deg,
    "energy_min": np.nan * u.TeV,
    "signal": 0.0,
    "background": np.nan,
    "energy_low": np.nan * u.TeV,
    "energy_high": np.nan * u.TeV,
}


def _from_above(counts: Floats) -> Floats:
    return np.asarray(np.cumsum(counts[:, ::-1], axis=1)[:, ::-1])


@lru_cache(maxsize=8)
def _limit_spline(level: float, method: LimitMethod) -> CubicSpline:
    # Feldman-Cousins limits are slow for large backgrounds.
    top = 2 if method == "feldman-cousins" else 6
    grid = np.geomspace(1e-4, 10**top, 40 * (top + 4))
    return CubicSpline(np.log(grid), [mean_upper_limit(b, level, method) for b in grid])


def _mean_limits(background: Floats, level: float, method: LimitMethod) -> Floats:
    """Returns interpolated average upper limits: good enough to choose, but not to quote."""
    spline = _limit_spline(level, method)
    b = np.clip(background, np.exp(spline.x[0]), None)
    top = np.exp(spline.x[-1])
    # Beyond the grid, where the optimum never is, the limit grows as the square root.
    return np.asarray(spline(np.log(np.minimum(b, top))) * np.sqrt(np.maximum(b / top, 1.0)))


def _central_energies(
    response: PointResponse, spectrum: SpectralModel, place: tuple[int, int]
) -> u.Quantity:
    """Returns the true energies of the central 90 % of the selected signal."""
    selected = PointResponse(
        response.name,
        response.declination,
        response.livetime,
        response.energy_true,
        response.energy_reco[place[1] :],
        response.radius[[place[0]]],
        response.signal[[place[0]], :, place[1] :],
        response.background[[place[0]], place[1] :],
    )
    below = np.append(0, np.cumsum(selected.counts_true(spectrum)[0]))
    log_energy = np.log(response.energy_true.to_value(u.TeV))
    return np.exp(np.interp([0.05, 0.95], below / below[-1], log_energy)) * u.TeV
