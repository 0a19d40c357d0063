"""Each model alone, fitted to the gamma rays of one observation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nugamma.inference.likelihood import ELECTRON, PROTON, Likelihood, Mixture
from nugamma.inference.newton import minimise
from nugamma.inference.problem import Problem, parameters, spectrum
from nugamma.spectra import ParticleSpectrum

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


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
    published
        The spectra in the published parameters, if these were fitted; `proton` and `electron` are
        then these spectra, moved into the bounds of shapes.
    """

    flux: Floats
    proton: Floats
    electron: Floats
    statistic: Floats
    converged: Bools
    published: tuple[ParticleSpectrum, ParticleSpectrum] | None = None

    def spectra(self, problem: Problem) -> tuple[ParticleSpectrum, ParticleSpectrum]:
        """Returns the spectra of protons and electrons in the published parameters.

        Raises
        ------
        SpectrumError
            If a fitted shape has no finite amplitude in these parameters: with a cutoff over many
            decades (small beta) it exceeds 1e308.
        """
        return self.published or (
            spectrum(problem.protons, float(self.flux[0]), self.proton),
            spectrum(problem.electrons, float(self.flux[1]), self.electron),
        )

    def fluxes(self, problem: Problem) -> tuple[Floats, Floats]:
        """Returns the fluxes of protons and electrons alone in the bins of `Emission.matrix`."""
        emissions = (problem.protons, problem.electrons)
        if self.published is None:
            alone = zip(emissions, self.flux, (self.proton, self.electron), strict=True)
            protons, electrons = (flux * one.values(shape[None])[0] for one, flux, shape in alone)
        else:
            pairs = zip(emissions, self.published, strict=True)
            protons, electrons = (one.matrix @ part.values(one.nodes) for one, part in pairs)
        return protons, electrons


def prefit(problem: Problem, gamma: Floats, *, free_backgrounds: bool = False) -> Prefit:
    """Fits each model alone, to the minimum near the fit to the flux points.

    Flux, index, cutoff and the exponent beta of the cutoff are free within bounds (those of beta as
    published). `nugamma.inference.published_fits` stops where the published program does.

    Parameters
    ----------
    problem
        The source.
    gamma
        Gamma-ray counts, shape (n_groups,).
    free_backgrounds
        Whether the background norms are also fitted.
    """
    hadronic, proton = parameters(problem.protons, problem.hadronic)
    leptonic, electron = parameters(problem.electrons, problem.leptonic)
    alone = np.array([1.0, 0.0])
    likelihood = Likelihood(
        problem, Mixture(alone, 1 - alone, alone), gamma, free_backgrounds=free_backgrounds
    )
    start = likelihood.start(np.array([hadronic, leptonic]), proton, electron)
    found = minimise(likelihood.evaluate, start, likelihood.bounds())
    return Prefit(
        flux=np.exp(found.parameters[:, 0]),
        proton=found.parameters[0, PROTON],
        electron=found.parameters[1, ELECTRON],
        statistic=found.value,
        converged=found.converged,
    )
