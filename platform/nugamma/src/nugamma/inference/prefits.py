"""Each model alone, fitted to the gamma rays of one observation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nugamma.inference.likelihood import ELECTRON, PROTON, Likelihood, Mixture
from nugamma.inference.newton import Local, minimise
from nugamma.inference.problem import Problem, parameters
from nugamma.inference.problem import spectrum as published
from nugamma.spectra import ParticleSpectrum

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

#: Index of beta among the parameters of a likelihood, for protons and for electrons.
BETAS = [PROTON.stop - 1, ELECTRON.stop - 1]
#: Width of a Gaussian prior on beta around its value in the fit to the flux points. The published
#: minimiser starts there and stays where the data are nearly indifferent (protons of Vela X: the
#: statistic falls by 6 all the way to beta = 0.1), but follows where they are not (electrons of
#: Vela X: by 18 to beta = 1.3). This prior does the same, and does not depend on a minimiser.
BETA_WIDTH = 0.2


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
        Without the prior: Cash statistic relative to the background alone (hadronic, leptonic).
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

    Flux, index, cutoff and, with a prior, the exponent beta of the cutoff are fitted.

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
    start = likelihood.start(np.array([hadronic, leptonic]), proton, electron)
    rows, betas = np.arange(2), start[0, BETAS]

    def with_prior(point: Floats, some: Ints) -> Local:
        local = likelihood.evaluate(point, some)
        place = (np.arange(len(some)), np.take(BETAS, some))
        beyond = (point[place] - betas[some]) / BETA_WIDTH
        local.value[:] += beyond**2
        local.gradient[place] += 2 * beyond / BETA_WIDTH
        local.hessian[place[0], place[1], place[1]] += 2 / BETA_WIDTH**2
        local.scale[place] += 2 / BETA_WIDTH**2
        return local

    found = minimise(with_prior, start, likelihood.bounds())
    return Prefit(
        flux=np.exp(found.parameters[:, 0]),
        proton=found.parameters[0, PROTON],
        electron=found.parameters[1, ELECTRON],
        statistic=likelihood.evaluate(found.parameters, rows).value,
        converged=found.converged,
    )
