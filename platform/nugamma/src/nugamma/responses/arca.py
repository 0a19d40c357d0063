"""KM3NeT/ARCA: the public response in the Python package km3irf.

The files follow the gamma-ray format GADF with one convention: *offset is the zenith angle of the
arrival direction*, 0 deg being straight down-going. Four more facts are needed to read them:

- the energy dispersion is the probability *of a bin* of migra, not the density that gammapy
  expects: reconstructed energies would be three times too high;
- values are interpolated linearly, in the logarithm of the energy and in the zenith angle between
  bin centres, and extrapolated linearly beyond them (gammapy's default is 0 there, so a source
  straight below the detector would not be seen);
- hardly any down-going event passes the selection, so point spread function and energy dispersion
  are valid (and normalised) only at zenith angles above 80 deg;
- the zenith bins of the muon background are shifted by half a bin relative to all others.

The response is that of arXiv:2309.03007.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from astropy import units as u
from gammapy.irf import (
    PSF3D,
    Background2D,
    EDispKernel,
    EffectiveAreaTable2D,
    EnergyDispersion2D,
)
from gammapy.maps import MapAxis

from nugamma.errors import ResponseError
from nugamma.responses.fits import read_table

#: Lowest zenith angle at which point spread function and energy dispersion are valid.
LOWEST_ZENITH = 80 * u.deg
#: Interpolation of all tables, see the docstring of the module.
INTERPOLATION = {"bounds_error": False, "fill_value": None, "values_scale": "lin"}

Floats = npt.NDArray[np.float64]
Background = Literal["neutrinos", "muons"]

_ENERGY = {"ENERG_LO": u.GeV, "ENERG_HI": u.GeV}
_THETA = {"THETA_LO": u.rad, "THETA_HI": u.rad}
_MIGRA = {"MIGRA_LO": u.one, "MIGRA_HI": u.one}
_RAD = {"RAD_LO": u.deg, "RAD_HI": u.deg}
#: Columns of each file, and units to which theirs must be convertible.
COLUMNS: dict[str, dict[str, u.UnitBase]] = {
    "aeff": {**_ENERGY, **_THETA, "EFFAREA": u.m**2},
    "edisp": {**_ENERGY, **_MIGRA, **_THETA, "MATRIX": u.one},
    "psf": {**_ENERGY, **_THETA, **_RAD, "RPSF": u.sr**-1},
    "bkg_nu": {**_ENERGY, **_THETA, "BKG": u.Unit("MeV-1 s-1 sr-1")},
    "bkg_mu": {**_ENERGY, **_THETA, "BKG": u.Unit("MeV-1 s-1 sr-1")},
}


@dataclass(frozen=True, eq=False)
class ArcaResponse:
    """Effective area, energy dispersion, point spread function and backgrounds of ARCA.

    Attributes
    ----------
    effective_area, energy_dispersion, psf, neutrinos, muons
        The responses as gammapy's classes, whose ``offset`` is the zenith angle; the energy
        dispersion is a density in migra.
    checksum
        sha256 of all files.
    """

    effective_area: EffectiveAreaTable2D
    energy_dispersion: EnergyDispersion2D
    psf: PSF3D
    neutrinos: Background2D
    muons: Background2D
    checksum: str

    @classmethod
    def read(cls, folder: str | Path | None = None) -> ArcaResponse:
        """Reads the response.

        Parameters
        ----------
        folder
            Folder of ``aeff.fits``, ``edisp.fits``, ``psf.fits``, ``bkg_nu.fits`` and
            ``bkg_mu.fits``, with or without the prefix ``km3net_``; by default that in the package
            km3irf.

        Raises
        ------
        ResponseError
            If a file is missing, or has missing columns, wrong units or invalid numbers.
        """
        files = {name: _file(name, folder) for name in COLUMNS}
        tables = {name: read_table(path, COLUMNS[name]) for name, path in files.items()}
        digest = hashlib.sha256()
        for path in files.values():
            digest.update(path.read_bytes())

        def irf(kind: Any, name: str) -> Any:
            try:
                loaded = kind.from_table(tables[name], format="gadf-dl3")
                read = kind(
                    axes=loaded.axes,
                    data=loaded.data,
                    unit=loaded.unit,
                    interp_kwargs=INTERPOLATION,
                )
            except Exception as error:  # gammapy raises whatever its parts do
                raise ResponseError(
                    f"{files[name]}: gammapy cannot read this response: {error}"
                ) from error
            _check_sky(read, files[name])
            return read

        psf = irf(PSF3D, "psf")
        _check_psf(psf, files["psf"])
        return cls(
            effective_area=irf(EffectiveAreaTable2D, "aeff"),
            energy_dispersion=_as_density(irf(EnergyDispersion2D, "edisp"), files["edisp"]),
            psf=psf,
            neutrinos=irf(Background2D, "bkg_nu"),
            muons=irf(Background2D, "bkg_mu"),
            checksum=digest.hexdigest(),
        )

    def area(self, energy: u.Quantity, zenith: u.Quantity) -> u.Quantity:
        """Returns the mean effective area of nu and anti-nu, shape (energies, zeniths), m2."""
        _check_covered(energy, self.effective_area.axes["energy_true"], "effective area")
        return self.effective_area.evaluate(
            energy_true=energy[:, np.newaxis], offset=zenith[np.newaxis]
        ).to("m2")

    def background_rate(
        self, kind: Background, energy_edges: u.Quantity, zenith: u.Quantity
    ) -> u.Quantity:
        """Returns the rate in bins of reconstructed energy, shape (bins, zeniths), s-1 sr-1.

        It is integrated along a power law through the values at the edges of a bin.
        """
        table = {"neutrinos": self.neutrinos, "muons": self.muons}[kind]
        _check_covered(energy_edges, table.axes["energy"], f"background of {kind}")
        return table.integrate_log_log(
            axis_name="energy", energy=energy_edges[:, np.newaxis], offset=zenith[np.newaxis]
        ).to("s-1 sr-1")

    def zenith_nodes(self) -> u.Quantity:
        """Returns zenith angles between which effective area and backgrounds are linear."""
        tables = (self.effective_area, self.neutrinos, self.muons)
        centres = [table.axes["offset"].center.to_value("deg") for table in tables]
        return np.unique(np.round(np.concatenate([*centres, [0.0, 180.0]]), 9)) * u.deg

    def edisp_kernel(self, zenith: u.Quantity, true: MapAxis, reco: MapAxis) -> EDispKernel:
        """Returns the probability of each reconstructed-energy bin, given the true-energy bin."""
        _check_zenith(zenith)
        _check_covered(true.edges, self.energy_dispersion.axes["energy_true"], "energy dispersion")
        return self.energy_dispersion.to_edisp_kernel(
            zenith, energy_axis_true=true, energy_axis=reco
        )

    def psf_values(self, zenith: u.Quantity, energy: u.Quantity, rad: u.Quantity) -> u.Quantity:
        """Returns the point spread function at a zenith angle, shape (energies, rad), sr-1."""
        _check_zenith(zenith)
        _check_covered(energy, self.psf.axes["energy_true"], "point spread function")
        return self.psf.evaluate(
            energy_true=energy[:, np.newaxis], offset=zenith, rad=rad[np.newaxis]
        ).to("sr-1")


def _file(name: str, folder: str | Path | None) -> Path:
    """Returns the path of one file of the response."""
    if folder is None:
        # Finds the package without importing it, as its code needs much that its data do not.
        spec = find_spec("km3irf")
        if spec is None or not spec.submodule_search_locations:
            raise ResponseError(
                "the package km3irf with ARCA's response is not installed: pip install km3irf, or "
                "give a folder with aeff.fits, edisp.fits, psf.fits, bkg_nu.fits and bkg_mu.fits"
            )
        return Path(spec.submodule_search_locations[0], "data", f"{name}.fits")
    candidates = [Path(folder) / f"{prefix}{name}.fits" for prefix in ("", "km3net_")]
    for path in candidates:
        if path.is_file():
            return path
    raise ResponseError(f"ARCA's response is incomplete: {candidates[0]} not found")


def _as_density(edisp: EnergyDispersion2D, path: Path) -> EnergyDispersion2D:
    """Returns the energy dispersion per unit of migra, from one per bin or already per unit.

    The sums tell which of the two it is, as the probabilities must add up to 1.
    """
    usable = edisp.axes["offset"].center > LOWEST_ZENITH
    widths = np.diff(edisp.axes["migra"].edges.to_value(""))[:, np.newaxis]
    rows = edisp.data[:, :, usable]
    filled = rows.sum(axis=1) > 0
    if np.allclose(rows.sum(axis=1)[filled], 1, atol=0.01):
        density = edisp.data / widths
    elif np.allclose((rows * widths).sum(axis=1)[filled], 1, atol=0.01):
        density = edisp.data
    else:
        raise ResponseError(
            f"{path}: MATRIX is normalised in migra neither as a probability nor as a density, "
            f"for zenith angles above {LOWEST_ZENITH:.0f}"
        )
    return EnergyDispersion2D(
        axes=edisp.axes, data=density, unit=edisp.unit, interp_kwargs=INTERPOLATION
    )


def _check_sky(response: Any, path: Path) -> None:
    """Refuses tables that do not reach the nadir, for example radians labelled as degrees."""
    highest = response.axes["offset"].edges[-1].to("deg")
    if not 150 * u.deg < highest <= 180.01 * u.deg:
        raise ResponseError(
            f"{path}: THETA ends at {highest:.4g} instead of 180 deg; its unit is wrong, or the "
            "table is truncated"
        )


def _check_psf(psf: PSF3D, path: Path) -> None:
    """Refuses a point spread function that is not normalised where it is used."""
    rad = psf.axes["rad"].edges.to_value("rad")
    rings = 2 * np.pi * (np.cos(rad[:-1]) - np.cos(rad[1:]))
    usable = psf.axes["offset"].center > LOWEST_ZENITH
    sums = (psf.quantity.to_value("sr-1")[:, usable] * rings).sum(axis=-1)
    if not np.allclose(sums[sums > 0], 1, atol=0.05):
        raise ResponseError(
            f"{path}: the point spread function sums to {sums.min():.2f}...{sums.max():.2f} "
            f"instead of 1 for zenith angles above {LOWEST_ZENITH:.0f}"
        )


def _check_zenith(zenith: u.Quantity) -> None:
    if not np.all((zenith >= LOWEST_ZENITH) & (zenith <= 180 * u.deg)):
        raise ResponseError(
            f"ARCA's point spread function and energy dispersion are valid at zenith angles from "
            f"{LOWEST_ZENITH:.0f} to 180 deg, not at {zenith:.1f}"
        )


def _check_covered(energy: u.Quantity, axis: MapAxis, what: str) -> None:
    """Refuses energies outside a table by more than rounding errors."""
    low, high = axis.edges[[0, -1]]
    if np.any(energy < low * (1 - 1e-6)) or np.any(energy > high * (1 + 1e-6)):
        raise ResponseError(
            f"ARCA's {what} covers {low.to('TeV'):.4g} to {high.to('TeV'):.4g}, not "
            f"{energy.min().to('TeV'):.4g} to {energy.max().to('TeV'):.4g}"
        )


__all__ = ["LOWEST_ZENITH", "ArcaResponse"]
