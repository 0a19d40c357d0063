"""Each model alone, fitted to the gamma rays of one observation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nugamma.inference.likelihood import ELECTRON, PROTON, Likelihood, Mixture
from nugamma.inference.newton import minimise
from nugamma.inference.problem import Problem, parameters
from nugamma.inference.problem import spectrum as published
from nugamma.spectra import ParticleSpectrum

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Index of beta among the parameters of a likelihood, for protons and for electrons.
BETAS = [PROTON.stop - 1, ELECTRON.stop - 1]


@dataclass(frozen=True, eq=False)
class Prefit:
    """The hadronic and the leptonic model, each fitted alone.

    Attributes
    ----------
    flux
        Gamma-ray flux between 0.1 and 100 TeV (hadronic, leptonic), cm-2 s-1.
    proton, electron
        Shapes (gamma, curvature, beta).
    statistic
        Cash statistic relative to the background alone (hadronic, leptonic).
    converged
        Whether the fits ended at a minimum (hadronic, leptonic).
    """

    flux: Floats
    proton: Floats
    electron: Floats
    statistic: Floats
    converged: Bools

    def spectra(self, problem: Problem) -> tuple[ParticleSpectrum, ParticleSpectrum]:
        """The spectra of protons and electrons in the published parameters."""
        return (
            published(problem.protons, float(self.flux[0]), self.proton),
            published(problem.electrons, float(self.flux[1]), self.electron),
        )


def prefit(problem: Problem, gamma: Floats, *, free_backgrounds: bool = False) -> Prefit:
    """Fit each model alone, as the published analysis does before its scan.

    Flux, index and cutoff are fitted; the exponent beta of the cutoff keeps its value from the fit
    to the flux points.

    Parameters
    ----------
    problem
        The source.
    gamma
        Gamma-ray counts, shape (n_groups,).
    free_backgrounds
        Whether the background norms are fitted too.
    """
    hadronic, proton = parameters(problem.protons, problem.hadronic)
    leptonic, electron = parameters(problem.electrons, problem.leptonic)
    alone = np.array([1.0, 0.0])
    likelihood = Likelihood(
        problem, Mixture(alone, 1 - alone, alone), gamma, free_backgrounds=free_backgrounds
    )
    bounds = likelihood.bounds()
    bounds.free[:, BETAS] = False
    found = minimise(
        likelihood.evaluate,
        likelihood.start(np.array([hadronic, leptonic]), proton, electron),
        bounds,
    )
    return Prefit(
        flux=np.exp(found.parameters[:, 0]),
        proton=found.parameters[0, PROTON],
        electron=found.parameters[1, ELECTRON],
        statistic=found.value,
        converged=found.converged,
    )
