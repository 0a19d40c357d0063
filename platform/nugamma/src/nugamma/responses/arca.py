"""KM3NeT/ARCA: the public response that the Python package km3irf carries.

The files follow the gamma-ray format GADF with one agreement: *offset is the zenith angle of the
arrival direction*, 0 deg straight from above. Four more things must be known to read them right:

- the energy dispersion holds the probability *of a bin* of migra, not its density, which gammapy
  takes it for: reconstructed energies would come out three times too high;
- values are interpolated linearly, in the logarithm of the energy and in the zenith angle between
  bin centres, and extrapolated linearly beyond them (gammapy's defaults put 0 there, so that a
  source that culminates below the detector would not be seen);
- from above hardly any simulated event passes the selection: point spread function and energy
  dispersion are not normalised there and are valid above 80 deg of zenith only;
- zenith bins of the muon background are shifted by half a bin against those of everything else.

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

#: Below this zenith angle point spread function and energy dispersion are not to be used.
LOWEST_ZENITH = 80 * u.deg
#: How all tables are interpolated, see the module's text.
INTERPOLATION = {"bounds_error": False, "fill_value": None, "values_scale": "lin"}

Floats = npt.NDArray[np.float64]
Background = Literal["neutrinos", "muons"]

_ENERGY = {"ENERG_LO": u.GeV, "ENERG_HI": u.GeV}
_THETA = {"THETA_LO": u.rad, "THETA_HI": u.rad}
_MIGRA = {"MIGRA_LO": u.one, "MIGRA_HI": u.one}
_RAD = {"RAD_LO": u.deg, "RAD_HI": u.deg}
#: Columns of each file and units that theirs must be convertible to.
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

    The members are gammapy's classes, whose ``offset`` axis holds the zenith angle; the energy
    dispersion is a density in migra.
    """

    effective_area: EffectiveAreaTable2D
    energy_dispersion: EnergyDispersion2D
    psf: PSF3D
    neutrinos: Background2D
    muons: Background2D
    checksum: str

    @classmethod
    def read(cls, folder: str | Path | None = None) -> ArcaResponse:
        """Read the response.

        Parameters
        ----------
        folder
            Holds ``aeff.fits``, ``edisp.fits``, ``psf.fits``, ``bkg_nu.fits`` and ``bkg_mu.fits``,
            with or without ``km3net_`` before. Without it those of the package km3irf are read.

        Raises
        ------
        ResponseError
            If a file is missing, or holds other columns, units or numbers than it should.
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
                    f"{files[name]}: not a response that gammapy reads: {error}"
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
        """Effective area in m2 of shape (energies, zeniths), mean of neutrino and antineutrino."""
        _check_covered(energy, self.effective_area.axes["energy_true"], "effective area")
        return self.effective_area.evaluate(
            energy_true=energy[:, np.newaxis], offset=zenith[np.newaxis]
        ).to("m2")

    def background_rate(
        self, kind: Background, energy_edges: u.Quantity, zenith: u.Quantity
    ) -> u.Quantity:
        """Rate in bins of reconstructed energy, s-1 sr-1, of shape (bins, zeniths).

        A power law is laid through the values at the two edges of a bin.
        """
        table = {"neutrinos": self.neutrinos, "muons": self.muons}[kind]
        _check_covered(energy_edges, table.axes["energy"], f"background of {kind}")
        return table.integrate_log_log(
            axis_name="energy", energy=energy_edges[:, np.newaxis], offset=zenith[np.newaxis]
        ).to("s-1 sr-1")

    def zenith_nodes(self) -> u.Quantity:
        """Zenith angles between which every table but psf and energy dispersion is linear."""
        tables = (self.effective_area, self.neutrinos, self.muons)
        centres = [table.axes["offset"].center.to_value("deg") for table in tables]
        return np.unique(np.round(np.concatenate([*centres, [0.0, 180.0]]), 9)) * u.deg

    def edisp_kernel(self, zenith: u.Quantity, true: MapAxis, reco: MapAxis) -> EDispKernel:
        """Probability of each reconstructed-energy bin for each true one, at a zenith angle."""
        _check_zenith(zenith)
        _check_covered(true.edges, self.energy_dispersion.axes["energy_true"], "energy dispersion")
        return self.energy_dispersion.to_edisp_kernel(
            zenith, energy_axis_true=true, energy_axis=reco
        )

    def psf_values(self, zenith: u.Quantity, energy: u.Quantity, rad: u.Quantity) -> u.Quantity:
        """Point spread function in sr-1 of shape (energies, rad), at a zenith angle."""
        _check_zenith(zenith)
        _check_covered(energy, self.psf.axes["energy_true"], "point spread function")
        return self.psf.evaluate(
            energy_true=energy[:, np.newaxis], offset=zenith, rad=rad[np.newaxis]
        ).to("sr-1")


def _file(name: str, folder: str | Path | None) -> Path:
    """Path of one file of the response."""
    if folder is None:
        # Where the package lies, without running it: it needs much that its data do not.
        spec = find_spec("km3irf")
        if spec is None or not spec.submodule_search_locations:
            raise ResponseError(
                "the package km3irf, which carries ARCA's response, is not installed: install it, "
                "or give a folder with aeff.fits, edisp.fits, psf.fits, bkg_nu.fits and bkg_mu.fits"
            )
        return Path(spec.submodule_search_locations[0], "data", f"{name}.fits")
    candidates = [Path(folder) / f"{prefix}{name}.fits" for prefix in ("", "km3net_")]
    for path in candidates:
        if path.is_file():
            return path
    raise ResponseError(f"ARCA's response is incomplete: there is no {candidates[0]}")


def _as_density(edisp: EnergyDispersion2D, path: Path) -> EnergyDispersion2D:
    """Energy dispersion per unit of migra, from one that is per bin of migra or per unit already.

    Which of the two it is shows in the sums, as a row must give one event an event.
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
            f"{path}: MATRIX sums to one over migra neither as a probability nor as a density, "
            f"for zenith angles above {LOWEST_ZENITH:.0f}"
        )
    return EnergyDispersion2D(
        axes=edisp.axes, data=density, unit=edisp.unit, interp_kwargs=INTERPOLATION
    )


def _check_sky(response: Any, path: Path) -> None:
    """Refuse zenith angles of a part of the sky: radians that are called degrees, for example."""
    highest = response.axes["offset"].edges[-1].to("deg")
    if not 150 * u.deg < highest <= 180.01 * u.deg:
        raise ResponseError(
            f"{path}: THETA reaches to {highest:.4g}, ARCA's response to 180 deg of zenith: it is "
            "in another unit than the file says, or cut"
        )


def _check_psf(psf: PSF3D, path: Path) -> None:
    """Refuse a point spread function that loses or makes events where it is to be used."""
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
            f"ARCA's point spread function and energy dispersion are valid for zenith angles from "
            f"{LOWEST_ZENITH:.0f} to 180 deg, not for {zenith:.1f}"
        )


def _check_covered(energy: u.Quantity, axis: MapAxis, what: str) -> None:
    """Refuse energies outside a table (a rounding error is none)."""
    low, high = axis.edges[[0, -1]]
    if np.any(energy < low * (1 - 1e-6)) or np.any(energy > high * (1 + 1e-6)):
        raise ResponseError(
            f"ARCA's {what} covers {low.to('TeV'):.4g} to {high.to('TeV'):.4g}; asked for were "
            f"{energy.min().to('TeV'):.4g} to {energy.max().to('TeV'):.4g}"
        )


__all__ = ["LOWEST_ZENITH", "ArcaResponse"]
