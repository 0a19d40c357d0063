"""Fits protons and electrons to the measured gamma rays of a source.

As published (arXiv:2309.03007), a power law with an exponential cutoff and beta = 1 is fitted to
the flux points by least squares, once for protons and once for electrons. It needs no starting
values: chi2 is evaluated on a grid of index and cutoff (the amplitude follows), and its best minima
are refined.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import astropy.units as u
import numpy as np

from nugamma.errors import SpectrumError
from nugamma.spectra.leastsquares import PARAMETERS, FluxPointsFit
from nugamma.spectra.operators import Emission, SpectralOperator
from nugamma.spectra.particles import FRACTION_BAND

if TYPE_CHECKING:
    from astropy.table import QTable
    from numpy.typing import NDArray

    from nugamma.sources.source import Source
    from nugamma.spectra.particles import ParticleSpectrum

__all__ = ["PARAMETERS", "ModelFit", "SourceFit", "fit_source", "particle_spectra"]

REFERENCE_ENERGY = u.Quantity(10.0, "TeV")
"""Energy of the differential fluxes that results list."""


@dataclass(frozen=True, eq=False)
class ModelFit:
    """One kind of particle, fitted to the flux points of a source.

    Parameters
    ----------
    emission : Emission
        Process that emits the gamma rays.
    spectrum : ParticleSpectrum
        Particle spectrum at the minimum.
    covariance : array
        Of `PARAMETERS`, from the errors of the flux points (not scaled by chi2); infinite if the
        points do not constrain a parameter.
    chi2, ndf : float, int
        Value at the minimum, and number of flux points minus three.
    dnde_10tev, integral : dict
        Differential flux at 10 TeV and integral flux of 0.1 to 100 TeV by messenger (``gamma``, for
        protons also ``neutrino``), cm-2 s-1 TeV-1 and cm-2 s-1.
    """

    emission: Emission
    spectrum: ParticleSpectrum
    covariance: NDArray[np.float64]
    chi2: float
    ndf: int
    dnde_10tev: dict[str, u.Quantity]
    integral: dict[str, u.Quantity]

    def to_dict(self) -> dict[str, Any]:
        """Returns the content of a JSON file for one model; the README documents it."""
        values = self.spectrum.to_dict()
        errors = np.sqrt(np.diag(self.covariance))
        units = {"amplitude": "eV-1", "alpha": "", "e_cutoff": "TeV", "beta": "", "e_0": "TeV"}
        parameters = {name: {"value": values[name], "unit": unit} for name, unit in units.items()}
        for name, error in zip(PARAMETERS, errors, strict=True):
            parameters[name]["error"] = _finite(error)
        return {
            "emission": str(self.emission),
            "chi2": self.chi2,
            "ndf": self.ndf,
            "chi2_per_ndf": self.chi2 / self.ndf,
            "parameters": parameters,
            "covariance": {
                "parameters": list(PARAMETERS),
                "matrix": [[_finite(value) for value in row] for row in self.covariance],
            },
            "dnde_10TeV": _numbers(self.dnde_10tev, "cm-2 s-1 TeV-1"),
            "integral_0.1_100TeV": _numbers(self.integral, "cm-2 s-1"),
        }


@dataclass(frozen=True, eq=False)
class SourceFit:
    """Hadronic and leptonic fit of a source's gamma rays.

    Parameters
    ----------
    source : Source
        The fitted source.
    hadronic, leptonic : ModelFit
        Pion decay and inverse Compton.
    """

    source: Source
    hadronic: ModelFit
    leptonic: ModelFit

    def to_dict(self) -> dict[str, Any]:
        """Returns the content of a JSON file; the README of `nugamma.sources` documents it."""
        source = self.source
        points = source.flux_points
        return {
            "source": {
                "name": source.name,
                "ra_deg": float(source.position.icrs.ra.deg),
                "dec_deg": float(source.position.icrs.dec.deg),
                "distance_kpc": float(source.distance.to_value("kpc")),
                "morphology": source.morphology,
                "radius_deg": float(source.radius.to_value("deg")),
                "target_density_cm-3": float(source.target_density.to_value("cm-3")),
                "photon_fields": [field.name for field in source.photon_fields],
                "flux_points": 0 if points is None else len(points),
            },
            "hadronic": self.hadronic.to_dict(),
            "leptonic": self.leptonic.to_dict(),
        }


def fit_source(source: Source) -> SourceFit:
    """Fits protons and electrons to the flux points of a source.

    Parameters
    ----------
    source : Source
        A source with at least four flux points.

    Raises
    ------
    SpectrumError
        If there are too few flux points, none is above zero, or the fit does not converge.
    """
    points = source.flux_points
    if points is None:
        raise SpectrumError(
            f"{source.name}: no flux points to fit; add them to the description of the source"
        )
    if len(points) <= len(PARAMETERS):
        raise SpectrumError(
            f"{source.name}: {len(points)} flux points cannot determine {len(PARAMETERS)} "
            f"parameters; at least {len(PARAMETERS) + 1} are needed"
        )
    if not np.any(points["dnde"] > 0):
        raise SpectrumError(f"{source.name}: no flux point is above zero")
    return SourceFit(
        source,
        hadronic=_fit(source, points, Emission.PION_GAMMA),
        leptonic=_fit(source, points, Emission.INVERSE_COMPTON),
    )


def particle_spectra(source: Source) -> tuple[ParticleSpectrum | None, ParticleSpectrum | None]:
    """Returns protons and electrons of a source: those in its description, else fitted.

    Returns
    -------
    hadronic, leptonic : ParticleSpectrum or None
        None if the description gives only the other one.

    Raises
    ------
    SpectrumError
        See `fit_source`.
    """
    if source.flux_points is None:
        return source.hadronic, source.leptonic
    fit = fit_source(source)
    return fit.hadronic.spectrum, fit.leptonic.spectrum


def _fit(source: Source, points: QTable, emission: Emission) -> ModelFit:
    environment = {
        "target_density": source.target_density,
        "photon_fields": source.photon_fields,
    }
    at_points = SpectralOperator.differential(
        points["e_ref"], emission, source.distance, **environment
    )
    chi2, spectrum, covariance = FluxPointsFit.of(source.name, points, at_points).minimum()
    messengers = {"gamma": emission}
    if emission is Emission.PION_GAMMA:
        messengers["neutrino"] = Emission.PION_NEUTRINO
    at_reference = u.Quantity([REFERENCE_ENERGY])
    return ModelFit(
        emission,
        spectrum,
        covariance,
        chi2,
        len(points) - len(PARAMETERS),
        dnde_10tev={
            name: SpectralOperator.differential(
                at_reference, kind, source.distance, **environment
            ).flux(spectrum)[0]
            for name, kind in messengers.items()
        },
        integral={
            name: SpectralOperator(FRACTION_BAND, kind, source.distance, **environment).flux(
                spectrum
            )[0]
            for name, kind in messengers.items()
        },
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _numbers(fluxes: dict[str, u.Quantity], unit: str) -> dict[str, Any]:
    return {name: float(flux.to_value(unit)) for name, flux in fluxes.items()} | {"unit": unit}
