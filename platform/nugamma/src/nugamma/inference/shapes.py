"""Particle spectra in parameters that are suitable for fits.

The published parameters (amplitude, alpha, E_c, beta) are nearly degenerate: for Vela X alpha has
an error of 14. Here a spectrum is described at a pivot energy E_p where the data constrain it::

    ln J(E) = const - gamma x - curvature (exp(beta x) - 1 - beta x) / beta^2,   x = ln(E / E_p)

with the local index `gamma`, the local `curvature` >= 0 and the exponent `beta` of the cutoff,
which enters only at third order. It is the same family: curvature = beta^2 (E_p / E_c)^beta and
alpha = gamma - curvature / beta.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nugamma.spectra.particles import E_0_TEV, ParticleSpectrum

Floats = npt.NDArray[np.float64]

#: Bounds of (gamma, curvature, beta): those of beta as published, the others ours. A curvature of
#: zero would be a power law with its cutoff at infinity.
LOWER = np.array([-2.0, 1e-6, 0.1])
UPPER = np.array([6.0, 20.0, 2.0])


class Derivatives(NamedTuple):
    """A batch of spectra at the nodes, with derivatives for Newton steps.

    Attributes
    ----------
    values
        J, 1 at the pivot, shape (batch, nodes).
    first
        d ln J / d(gamma, curvature, beta), shape (batch, 3, nodes).
    second
        d2 ln J / d curvature d beta and d2 ln J / d beta2 (the others vanish), shape
        (batch, 2, nodes).
    """

    values: Floats
    first: Floats
    second: Floats


def evaluate(shape: Floats, x: Floats) -> Derivatives:
    """Returns the spectra of a batch of shapes with derivatives.

    Parameters
    ----------
    shape
        (gamma, curvature, beta), shape (batch, 3).
    x
        ln(E / pivot) of the nodes.
    """
    gamma, curvature, beta = (shape[:, [i]] for i in range(3))
    rise = np.expm1(beta * x)
    bend = (rise - beta * x) / beta**2
    by_beta = x * rise / beta**2 - 2 * bend / beta
    by_beta2 = x**2 * (rise + 1) / beta**2 - 4 * x * rise / beta**3 + 6 * bend / beta**2
    values = np.exp(-gamma * x - curvature * bend)
    first, second = np.empty((len(shape), 3, len(x))), np.empty((len(shape), 2, len(x)))
    first[:, 0], first[:, 1], first[:, 2] = -x, -bend, -curvature * by_beta
    second[:, 0], second[:, 1] = -by_beta, -curvature * by_beta2
    return Derivatives(values, first, second)


def values(shape: Floats, x: Floats) -> Floats:
    """Returns only the spectra, shape (batch, nodes)."""
    gamma, curvature, beta = (shape[:, [i]] for i in range(3))
    bend = (np.expm1(beta * x) - beta * x) / beta**2
    return np.asarray(np.exp(-gamma * x - curvature * bend))


def from_spectrum(spectrum: ParticleSpectrum, pivot: float) -> Floats:
    """Returns (gamma, curvature, beta) of a spectrum, moved into the bounds.

    Parameters
    ----------
    spectrum
        Published parameters.
    pivot
        Pivot energy, TeV.
    """
    return np.asarray(np.clip(exactly(spectrum, pivot), LOWER, UPPER), dtype=float)


def exactly(spectrum: ParticleSpectrum, pivot: float) -> Floats:
    """Returns (gamma, curvature, beta) without bounds; parameters as in `from_spectrum`."""
    with np.errstate(over="ignore"):
        power = np.power(pivot / spectrum.e_cutoff, spectrum.beta)
        shape = [spectrum.alpha + power * spectrum.beta, power * spectrum.beta**2, spectrum.beta]
    return np.asarray(shape, dtype=float)


def to_spectrum(shape: Floats, pivot: float, at_pivot: float) -> ParticleSpectrum:
    """Returns the published parameters of one shape.

    Parameters
    ----------
    shape
        (gamma, curvature, beta).
    pivot
        Pivot energy, TeV.
    at_pivot
        J at the pivot, 1/eV.

    Raises
    ------
    SpectrumError
        If the amplitude overflows.
    """
    gamma, curvature, beta = (float(v) for v in shape)
    power = curvature / beta**2
    alpha = gamma - curvature / beta
    with np.errstate(over="ignore"):  # ParticleSpectrum refuses an infinite amplitude
        rise = float(np.exp(power))
    return ParticleSpectrum(
        amplitude=at_pivot * (pivot / E_0_TEV) ** alpha * rise,
        alpha=alpha,
        e_cutoff=float(pivot * power ** (-1 / beta)),
        beta=beta,
    )
