"""Each model alone, fitted to the gamma rays of one observation as in the published program.

The published program (KM3NeT/Analysis-galactic-sources-CTA-KM3NeT, src/perform_scan.py, on gammapy
0.17) starts from the fit to the flux points, with beta = 1, and fits amplitude, index, cutoff and
the exponent beta of the cutoff: first by scipy's Nelder-Mead with its default tolerances and number
of calls, then by MIGRAD with tolerance 0.1 and strategy 1. Where this chain stops is part of the
published result: the statistic is so flat in some directions that Nelder-Mead reaches its limit of
calls, and MIGRAD converges far from the minimum. So the chain is repeated here step by step, and
nothing in it depends on the source.

Two things differ. The published program also fits a norm of the background, which here needs
`free_backgrounds`, as in the scan that follows. And the statistic here is relative to the
background alone, while the published one has a constant of about -1e8, with which MIGRAD takes
longer steps for its derivatives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from iminuit import Minuit
from scipy import optimize

from nugamma.inference import shapes
from nugamma.inference.emission import Emission
from nugamma.inference.likelihood import FLUX_LOWER
from nugamma.inference.observed import TINY
from nugamma.inference.prefits import Prefit
from nugamma.inference.problem import Problem
from nugamma.inference.response import NOTHING, StackedResponse
from nugamma.spectra import ParticleSpectrum
from nugamma.spectra.particles import E_0_TEV, density

Floats = npt.NDArray[np.float64]

#: Indices of parameters: amplitude, alpha, e_cutoff, beta; then norms of backgrounds.
CUTOFF, BETA, SPECTRAL = 2, 3, 4
#: Bounds of beta, and where the published program moves it if Nelder-Mead, which has no bounds,
#: ends
#: outside.
BETA_BOUNDS, BETA_INSIDE = (0.1, 2.0), (0.11, 1.99)
#: MIGRAD's settings in gammapy 0.17, and its first step in units of each parameter's power of ten.
TOLERANCE, STRATEGY, STEP = 0.1, 1, 1.0


def published_prefit(problem: Problem, gamma: Floats, *, free_backgrounds: bool = False) -> Prefit:
    """Fits each model alone, as the published program does before its scan.

    Parameters
    ----------
    problem
        The source.
    gamma
        Gamma-ray counts, shape (n_groups,).
    free_backgrounds
        Whether the background norms are also fitted.

    Returns
    -------
    Prefit
        `converged` is MIGRAD's own status.
    """
    norms = len(problem.gamma.names) if free_backgrounds else 0
    pions, compton = (
        _fitted(Alone.of(problem.gamma, emission, gamma), start, norms, positive_cutoff=bounded)
        for emission, start, bounded in (
            (problem.protons, problem.hadronic, True),
            (problem.electrons, problem.leptonic, False),
        )
    )
    return Prefit(
        flux=np.array([pions.flux, compton.flux]),
        proton=shapes.from_spectrum(pions.spectrum, problem.protons.pivot),
        electron=shapes.from_spectrum(compton.spectrum, problem.electrons.pivot),
        statistic=np.array([pions.statistic, compton.statistic]),
        converged=np.array([pions.converged, compton.converged]),
        published=(pions.spectrum, compton.spectrum),
    )


@dataclass(frozen=True, eq=False)
class Alone:
    """Cash statistic, relative to the background alone, of one model in the published parameters.

    Attributes
    ----------
    emission
        Emission of the particles.
    spectra
        Flux in each gamma-ray bin for particles in 1/eV, shape (n_bins, n_nodes).
    signal, counts, background, dataset
        Of groups with counts.
    total_signal, total_background
        Of all groups: for each gamma-ray bin, of each dataset.
    """

    emission: Emission
    spectra: Floats
    signal: Floats
    counts: Floats
    background: Floats
    dataset: npt.NDArray[np.int64]
    total_signal: Floats
    total_background: Floats

    @classmethod
    def of(cls, response: StackedResponse, emission: Emission, counts: Floats) -> Alone:
        """Returns the statistic of counts (n_groups,)."""
        filled = np.flatnonzero(counts)
        return cls(
            emission=emission,
            spectra=emission.matrix[: response.signal.shape[1]],
            signal=response.signal[filled],
            counts=np.asarray(counts[filled], dtype=float),
            background=np.maximum(response.background[filled], NOTHING),
            dataset=response.dataset[filled],
            total_signal=response.total_signal,
            total_background=response.total_background,
        )

    def __call__(self, parameters: Floats) -> float:
        """Returns the statistic for `SPECTRAL` parameters and optional norms of backgrounds.

        It is infinite if the spectrum is not a number, for example at a negative cutoff.
        """
        amplitude, alpha, cutoff, beta = parameters[:SPECTRAL]
        if not cutoff > 0:
            return float("inf")
        with np.errstate(all="ignore"):
            flux = self.spectra @ density(self.emission.nodes, amplitude, alpha, cutoff, beta)
            norms = parameters[SPECTRAL:]
            ratio = self.signal @ flux / self.background
            expected, total = 1 + ratio, self.total_signal @ flux
            if len(norms):
                expected = norms[self.dataset] + ratio
                total += (norms - 1) @ self.total_background
            value = 2 * (total - self.counts @ np.log(np.maximum(expected, TINY)))
        return float(value) if np.isfinite(value) else float("inf")


@dataclass(frozen=True)
class _Fitted:
    spectrum: ParticleSpectrum
    flux: float
    statistic: float
    converged: bool


def _fitted(alone: Alone, start: ParticleSpectrum, norms: int, *, positive_cutoff: bool) -> _Fitted:
    """Fits by Nelder-Mead, then MIGRAD."""
    at_reference = start.amplitude * (E_0_TEV / start.e_0) ** -start.alpha
    first = np.array([at_reference, start.alpha, start.e_cutoff, start.beta, *[1.0] * norms])
    simplex = nelder_mead(alone, first)
    simplex[BETA] = np.where(simplex[BETA] >= BETA_BOUNDS[1], BETA_INSIDE[1], simplex[BETA])
    simplex[BETA] = np.where(simplex[BETA] <= BETA_BOUNDS[0], BETA_INSIDE[0], simplex[BETA])
    found, converged = _migrad(alone, simplex, positive_cutoff=positive_cutoff)
    for parameters, trusted in ((found, converged), (simplex, False)):
        fitted = _described(alone, parameters, converged=trusted)
        if fitted is not None:
            return fitted
    # Counts below the background are best described by no source at all.
    band = alone.emission.band @ start.values(alone.emission.nodes)
    faint = start.scaled(float(np.exp(FLUX_LOWER) / band))
    statistic = alone(np.array([first[0] * faint.amplitude / start.amplitude, *first[1:]]))
    return _Fitted(faint, float(np.exp(FLUX_LOWER)), statistic, converged=False)


def nelder_mead(alone: Alone, start: Floats) -> Floats:
    """Returns where scipy's simplex stops with default tolerances and calls, converged or not.

    Parameters
    ----------
    alone
        The statistic.
    start
        First parameters, shape (4 + number of norms,).
    """
    scale = powers_of_ten(start)
    found = optimize.minimize(lambda x: alone(x * scale), start / scale, method="Nelder-Mead")
    return np.asarray(found.x * scale)


def _migrad(alone: Alone, start: Floats, *, positive_cutoff: bool) -> tuple[Floats, bool]:
    """Returns where MIGRAD stops, and whether it reports a valid minimum."""
    scale = powers_of_ten(start)
    minuit = Minuit(lambda x: alone(x * scale), start / scale)
    minuit.errordef, minuit.strategy, minuit.tol = Minuit.LEAST_SQUARES, STRATEGY, TOLERANCE
    minuit.errors[:] = STEP
    minuit.limits[BETA] = tuple(bound / scale[BETA] for bound in BETA_BOUNDS)
    if positive_cutoff:
        minuit.limits[CUTOFF] = (0, None)
    for norm in range(SPECTRAL, len(start)):
        minuit.limits[norm] = (0, None)
    minuit.migrad(use_simplex=False)
    return np.array(minuit.values) * scale, bool(minuit.valid)


def _described(alone: Alone, parameters: Floats, *, converged: bool) -> _Fitted | None:
    """Returns the fit at these parameters, or None if they do not describe a source."""
    amplitude, alpha, cutoff, beta = (float(value) for value in parameters[:SPECTRAL])
    statistic = alone(parameters)
    if not (np.isfinite([*parameters, statistic]).all() and amplitude > 0 and beta > 0):
        return None
    spectrum = ParticleSpectrum(amplitude, alpha, cutoff, beta)
    flux = float(alone.emission.band @ spectrum.values(alone.emission.nodes))
    if not np.exp(FLUX_LOWER) < flux < np.inf:
        return None
    return _Fitted(spectrum, flux, statistic, converged)


def powers_of_ten(values: Floats) -> Floats:
    """Returns the power of ten below each value, 1 for zero: minimisers see values of 1 to 10.

    Parameters
    ----------
    values
        Shape (n,).
    """
    size = np.abs(values)
    return np.asarray(10.0 ** np.floor(np.log10(np.where(size > 0, size, 1.0))))
