"""KM3NeT/ARCA with 230 strings: the public response tables in CSV.

The tables belong to the point-source study of KM3NeT (arXiv:2402.08363) and are distributed with
the repository KM3NeT-ARCA-irf. They are not part of this package: give the folder that contains
them. There are two channels, ``track`` (muon neutrinos) and ``shower`` (electron neutrinos), each
with these files:

- ``aeff_coszen_all*.csv``: effective area in m2, averaged over neutrinos and antineutrinos, in
  bins of log10(E/GeV) and cos(zenith), +1 being straight down-going;
- ``psf_*.csv``: events per solid angle against the distance from the source;
- ``energyresponse_*.csv``: distribution of the reconstructed energy;
- ``bkg_*.csv``: atmospheric neutrinos and muons per second, in bins of reconstructed energy and
  sin(declination).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.io import ascii as astropy_ascii
from astropy.table import Table
from scipy import integrate

from nugamma.errors import ResponseError
from nugamma.responses.pointsource import RADII, PointResponse, solid_angle
from nugamma.zenith import time_fractions
from openkm3.sky import Site

Floats = npt.NDArray[np.float64]
Channel = Literal["track", "shower"]

#: Position in the published analysis: latitude 0.633407 rad and longitude 0.278819 rad.
SITE = Site("ARCA", 36.2915477, 15.9751520, -3450.0, 33)

_TRUE, _RECO, _ZENITH, _DECLINATION = (
    "log10(nu_E [GeV])",
    "log10(reco_E [GeV])",
    "cos(zen)",
    "sin(dec)",
)
_FLAVOUR = {"track": "numu", "shower": "nue"}


@dataclass(frozen=True, eq=False)
class Arca230:
    """Response of one channel.

    Parameters
    ----------
    channel : str
        ``"track"`` or ``"shower"``.
    log_energy_true, log_energy_reco : ndarray
        Energy bin edges of effective area and background, log10(E/GeV).
    cos_zenith, sin_declination : ndarray
        Bin edges of the direction.
    effective_area : ndarray, shape (n_true, n_zenith)
        Effective area, m2.
    psf_log_energy : ndarray
        Edges of the energy bins of the point spread function, log10(E/GeV).
    containment : ndarray, shape (n_psf, n_psi)
        Fraction of the events within ``psf_angle`` of the source.
    psf_angle : ndarray, shape (n_psi,)
        Distances from the source, ascending, deg.
    migration : ndarray, shape (n_true, n_reco)
        Fraction of the events of a true-energy bin in each bin of reconstructed energy.
    background : ndarray, shape (n_reco, n_declination)
        Events per second in a bin of reconstructed energy and sin(declination).
    """

    channel: Channel
    log_energy_true: Floats
    log_energy_reco: Floats
    cos_zenith: Floats
    sin_declination: Floats
    effective_area: Floats
    psf_log_energy: Floats
    psf_angle: Floats
    containment: Floats
    migration: Floats
    background: Floats

    @classmethod
    def read(cls, folder: str | Path, channel: Channel = "track") -> Arca230:
        """Reads the four tables of a channel.

        Raises
        ------
        ResponseError
            If a file is missing or truncated, or has wrong units or invalid numbers.
        """
        if channel not in _FLAVOUR:
            raise ResponseError(f"unknown channel {channel!r}: use track or shower")
        place, flavour = Path(folder), _FLAVOUR[channel]
        area = _grid(
            place / f"aeff_coszen_all{flavour}CC_{channel}.csv", _TRUE, _ZENITH, "aeff [m^2]"
        )
        response = _grid(
            place / f"energyresponse_{flavour}CC_{channel}.csv",
            _TRUE,
            _RECO,
            "dP/dlog10(nu_E [GeV])",
        )
        background = _grid(place / f"bkg_{channel}.csv", _RECO, _DECLINATION, "rate [s^-1]")
        psf_edges, angle, containment = _psf(place / f"psf_{flavour}CC_{channel}.csv")
        _same(response.columns, background.rows, "energyresponse and bkg")
        rows = [int(np.argmin(np.abs(response.rows[:-1] - low))) for low in area.rows[:-1]]
        _same(response.rows[[*rows, rows[-1] + 1]], area.rows, "energyresponse and aeff")
        if abs(area.rows[-1] - response.rows[-1]) > 1e-6:
            raise ResponseError(
                f"{place}: the effective area (aeff) of {channel}s ends below "
                f"10^{response.rows[-1]:g} "
                "GeV; "
                "the file is truncated, download it again"
            )
        weights = response.values[rows]
        total = weights.sum(axis=1, keepdims=True)
        return cls(
            channel=channel,
            log_energy_true=area.rows,
            log_energy_reco=background.rows,
            cos_zenith=area.columns,
            sin_declination=background.columns,
            effective_area=area.values,
            psf_log_energy=psf_edges,
            psf_angle=angle,
            containment=containment,
            # Energies without simulated events are lost, as in the published analysis.
            migration=np.divide(weights, total, out=np.zeros_like(weights), where=total > 0),
            background=background.values,
        )

    @property
    def energy_true(self) -> u.Quantity:
        """Edges of the true-energy bins, TeV."""
        return 10 ** (self.log_energy_true - 3) * u.TeV

    @property
    def energy_reco(self) -> u.Quantity:
        """Edges of the bins of reconstructed energy, TeV."""
        return 10 ** (self.log_energy_reco - 3) * u.TeV

    def area_at_zenith(self, zenith: u.Quantity) -> u.Quantity:
        """Returns the effective area at a zenith angle (0 is down-going), shape (n_true,), m2."""
        bins = len(self.cos_zenith) - 1
        where = np.searchsorted(self.cos_zenith, np.cos(zenith.to_value(u.rad)), side="right") - 1
        return self.effective_area[:, min(max(int(where), 0), bins - 1)] * u.m**2

    def area_at_declination(self, declination: u.Quantity) -> u.Quantity:
        """Returns the effective area averaged over a sidereal day, shape (n_true,), m2."""
        return self.effective_area @ time_fractions(declination, self.cos_zenith, SITE) * u.m**2

    def containment_within(self, radius: u.Quantity) -> Floats:
        """Returns the fraction of events within a radius, for each true-energy bin.

        Parameters
        ----------
        radius : Quantity, shape (n_radius,)

        Returns
        -------
        ndarray, shape (n_radius, n_true)
            Energies beyond the table get the fraction of its first or last bin.
        """
        r = np.atleast_1d(radius.to_value(u.deg))
        within = np.array([np.interp(r, self.psf_angle, row) for row in self.containment])
        centres = (self.log_energy_true[:-1] + self.log_energy_true[1:]) / 2
        rows = np.searchsorted(self.psf_log_energy, centres, side="right") - 1
        return np.asarray(within[np.clip(rows, 0, len(within) - 1)].T)

    def background_density(self, declination: u.Quantity) -> Floats:
        """Returns the background in each bin of reconstructed energy, s-1 sr-1."""
        edges = self.sin_declination
        column = int(np.searchsorted(edges, np.sin(declination.to_value(u.rad)), side="right")) - 1
        column = min(max(column, 0), len(edges) - 2)
        band = 2 * np.pi * (edges[column + 1] - edges[column])
        return np.asarray(self.background[:, column] / band)

    def point(
        self, declination: u.Quantity, livetime: u.Quantity, radius: u.Quantity = RADII
    ) -> PointResponse:
        """Returns signal and background around a source, averaged over sidereal days."""
        seconds = livetime.to_value(u.s)
        exposure = self.area_at_declination(declination).to_value("cm2") * seconds
        density = self.background_density(declination) * seconds
        within = self.containment_within(radius) * exposure
        return PointResponse(
            name=f"ARCA230 {self.channel}s",
            declination=declination,
            livetime=livetime,
            energy_true=self.energy_true,
            energy_reco=self.energy_reco,
            radius=radius,
            signal=within[:, :, np.newaxis] * self.migration,
            background=np.multiply.outer(solid_angle(radius), density),
        )


@dataclass(frozen=True, eq=False)
class _Grid:
    """Values on a grid with the edges of its rows and columns."""

    rows: Floats
    columns: Floats
    values: Floats


def _grid(path: Path, row: str, column: str, value: str) -> _Grid:
    names = [f"{axis} {end}" for axis in (row, column) for end in ("low", "center", "high")]
    table = _table(path, [*names, value])
    rows = _edges(path, row, table[f"{row} low"], table[f"{row} high"])
    columns = _edges(path, column, table[f"{column} low"], table[f"{column} high"])
    shape = (len(rows) - 1, len(columns) - 1)
    if len(table) != shape[0] * shape[1]:
        raise ResponseError(
            f"{path}: {len(table)} rows instead of {shape[0]} x {shape[1]}; the file is truncated "
            "or has duplicate bins, download it again"
        )
    if np.any(table[value] < 0):
        raise ResponseError(f"{path}: column {value!r} has negative entries")
    order = np.lexsort((table[f"{column} low"], table[f"{row} low"]))
    return _Grid(rows, columns, np.asarray(table[value], dtype=float)[order].reshape(shape))


def _psf(path: Path) -> tuple[Floats, Floats, Floats]:
    axis, angle, value = _TRUE, "log10(psi [degrees])", "dP/dOmega"
    table = _table(path, [*(f"{axis} {end}" for end in ("low", "center", "high")), angle, value])
    edges = _edges(path, axis, table[f"{axis} low"], table[f"{axis} high"])
    log_angle = np.unique(table[angle])
    if len(table) != (len(edges) - 1) * len(log_angle):
        raise ResponseError(
            f"{path}: {len(table)} rows instead of {len(edges) - 1} x {len(log_angle)}; the file "
            "is truncated or has duplicate angles, download it again"
        )
    order = np.lexsort((table[angle], table[f"{axis} low"]))
    density = np.asarray(table[value], dtype=float)[order].reshape(len(edges) - 1, -1)
    # Integral over the solid angle, in the logarithm of the angle, up to the antipode.
    psi = np.radians(10**log_angle)
    weight = np.where(psi <= np.pi, 2 * np.pi * np.sin(psi) * psi * np.log(10), 0.0)
    # The curves are smoothed and become negative, by up to 0.05 % of the events.
    below = integrate.trapezoid(np.minimum(density, 0) * weight, log_angle)
    within = integrate.cumulative_trapezoid(
        np.maximum(density, 0) * weight, log_angle, axis=1, initial=0
    )
    # No shower was simulated in the lowest bins.
    filled = np.flatnonzero(within[:, -1] > 0)
    if len(filled) == 0 or len(filled) != len(within) - filled[0]:
        raise ResponseError(f"{path}: an energy bin has no events at all; download the file again")
    edges, within, below = edges[filled[0] :], within[filled], below[filled]
    if np.any(-below > 1e-3 * within[:, -1]):
        raise ResponseError(
            f"{path}: column {value!r} has large negative entries; download the file again"
        )
    return edges, 10**log_angle, within / within[:, -1:]


def _table(path: Path, names: Sequence[str]) -> Table:
    """Reads a CSV with exactly these columns, whose names contain the units."""
    if not path.is_file():
        raise ResponseError(f"{path} not found; give the folder with the tables of ARCA230")
    try:
        table = astropy_ascii.read(path, format="fast_csv")
    except (astropy_ascii.InconsistentTableError, UnicodeDecodeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ResponseError(f"{path}: not a complete CSV table ({reason})") from error
    if table.colnames != list(names):
        raise ResponseError(
            f"{path}: the columns are {', '.join(table.colnames)} instead of {', '.join(names)} "
            "(names include units)"
        )
    for name in names:
        values = table[name]
        if values.dtype.kind not in "fiu" or getattr(values, "mask", np.False_).any():
            raise ResponseError(f"{path}: column {name!r} has entries that are not numbers")
        if not np.all(np.isfinite(values)):
            raise ResponseError(f"{path}: column {name!r} has non-finite entries")
    return table


def _edges(path: Path, name: str, low: npt.ArrayLike, high: npt.ArrayLike) -> Floats:
    """Returns the edges of bins without gaps."""
    lows, highs = np.unique(np.asarray(low)), np.unique(np.asarray(high))
    if len(lows) != len(highs) or np.any(np.abs(lows[1:] - highs[:-1]) > 1e-6):
        raise ResponseError(
            f"{path}: the bins of {name!r} have gaps or overlap; download the file again"
        )
    return np.append(lows, highs[-1]).astype(float)


def _same(first: Floats, second: Floats, names: str) -> None:
    if first.shape != second.shape or np.any(np.abs(first - second) > 1e-6):
        raise ResponseError(
            f"the energy bins of the ARCA230 files {names} differ; download them again"
        )
