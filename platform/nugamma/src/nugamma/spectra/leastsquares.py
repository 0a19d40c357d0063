"""Least-squares fit of a particle spectrum to flux points, started from all low chi2."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.optimize import OptimizeWarning, curve_fit

from nugamma.errors import SpectrumError
from nugamma.spectra.particles import ParticleSpectrum, density

if TYPE_CHECKING:
    from astropy.table import QTable
    from numpy.typing import NDArray

    from nugamma.spectra.operators import SpectralOperator

    Array = NDArray[np.float64]

PARAMETERS = ("amplitude", "alpha", "e_cutoff")
"""Fitted parameters, in the order of the covariance; 1/eV, 1, TeV."""

# Bounds and grid are ours. Cutoffs are in TeV; far above the highest node they make no difference.
_ALPHA_RANGE = (-30.0, 20.0)
_CUTOFF_RANGE = (1e-2, 1e6)
_GRID_ALPHA = np.linspace(-8.0, 5.0, 53)
_GRID_CUTOFF = np.geomspace(0.3, 1e5, 45)
_STARTS = 6  # local minima of the grid that are refined
_MOST_EVALUATIONS = 2000


@dataclass(frozen=True, eq=False)
class FluxPointsFit:
    """Least squares in (ln amplitude, alpha, ln cutoff).

    Logarithms keep both positive and make steps relative; the covariance is converted back.

    Parameters
    ----------
    name : str
        Name of the source, for messages.
    nodes : array
        Particle energies, TeV, shape (n_nodes,).
    response : array
        Fluxes in units of the points' errors, for particles in 1/eV; shape (n_points, n_nodes).
    measured : array
        Measured fluxes in the same units, shape (n_points,).
    """

    name: str
    nodes: Array
    response: Array
    measured: Array

    @classmethod
    def of(cls, name: str, points: QTable, operator: SpectralOperator) -> Self:
        """Returns the fit to flux points, given the operator for their energies."""
        errors = points["dnde_err"].to_value(operator.unit)
        return cls(
            name,
            operator.nodes,
            operator.matrix / errors[:, np.newaxis],
            points["dnde"].to_value(operator.unit) / errors,
        )

    def minimum(self) -> tuple[float, ParticleSpectrum, Array]:
        """Returns the lowest chi2, the particles there and the covariance of `PARAMETERS`.

        Raises
        ------
        SpectrumError
            If no particle spectrum explains the flux points, or the fit does not converge.
        """
        found = []
        for start in self.starts():
            try:
                found.append(self._refined(start))
            except RuntimeError as error:  # from scipy: no minimum from this start
                reason = error
        if not found:
            raise SpectrumError(
                f"{self.name}: the fit to the flux points did not converge: {reason}"
            )
        chi2, values, covariance = min(found, key=lambda one: one[0])
        return chi2, self._spectrum(values), covariance

    def starts(self) -> list[Array]:
        """Returns the best local minima of chi2 on the grid, each with its amplitude."""
        alpha, cutoff = (
            grid.ravel() for grid in np.meshgrid(_GRID_ALPHA, _GRID_CUTOFF, indexing="ij")
        )
        expected = self.response @ density(self.nodes[:, np.newaxis], 1.0, alpha, cutoff)
        square = np.sum(expected**2, axis=0)
        overlap = self.measured @ expected
        with np.errstate(divide="ignore", invalid="ignore"):
            amplitude = overlap / square
            chi2 = self.measured @ self.measured - overlap * amplitude
        usable = np.isfinite(amplitude) & (amplitude > 0) & np.isfinite(chi2)
        order = np.argsort(np.where(usable, chi2, np.inf))[: usable.sum()]
        shape = (_GRID_ALPHA.size, _GRID_CUTOFF.size)
        chosen: list[int] = []
        for index in order:
            row, column = np.unravel_index(index, shape)
            apart = all(
                max(abs(row - r), abs(column - c)) > 2
                for r, c in (np.unravel_index(other, shape) for other in chosen)
            )
            if apart:
                chosen.append(int(index))
            if len(chosen) == _STARTS:
                break
        if not chosen:
            raise SpectrumError(
                f"{self.name}: no particle spectrum explains the flux points; check their values"
            )
        return [np.array([np.log(amplitude[i]), alpha[i], np.log(cutoff[i])]) for i in chosen]

    def _spectrum(self, values: Array) -> ParticleSpectrum:
        return ParticleSpectrum(
            float(np.exp(values[0])), float(values[1]), float(np.exp(values[2]))
        )

    def _expected(self, _: Array, *values: float) -> Array:
        spectrum = self._spectrum(np.asarray(values))
        return np.asarray(self.response @ spectrum.values(self.nodes))

    def _jacobian(self, _: Array, *values: float) -> Array:
        spectrum = self._spectrum(np.asarray(values))
        gradient = self.response @ spectrum.gradient(self.nodes)[:3].T
        return np.asarray(gradient * [spectrum.amplitude, 1.0, spectrum.e_cutoff])

    def _refined(self, start: Array) -> tuple[float, Array, Array]:
        """Returns chi2, values and covariance of `PARAMETERS` at the minimum near a start."""
        low, high = np.log(_CUTOFF_RANGE)
        bounds = ([-np.inf, _ALPHA_RANGE[0], low], [np.inf, _ALPHA_RANGE[1], high])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)  # the covariance is infinite then
            values, covariance = curve_fit(
                self._expected,
                np.arange(self.measured.size),
                self.measured,
                p0=start,
                jac=self._jacobian,
                bounds=bounds,
                absolute_sigma=True,
                x_scale="jac",
                ftol=1e-12,
                xtol=1e-12,
                gtol=1e-12,
                max_nfev=_MOST_EVALUATIONS,
            )
        residuals = self._expected(self.measured, *values) - self.measured
        scale = np.array([np.exp(values[0]), 1.0, np.exp(values[2])])
        return float(residuals @ residuals), values, covariance * np.outer(scale, scale)
