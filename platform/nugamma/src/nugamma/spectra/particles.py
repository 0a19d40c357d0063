"""The spectrum of the parent particles: protons or electrons in the source."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np

from nugamma.errors import SpectrumError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

E_0_TEV = 10.0
"""Reference energy of every particle spectrum, TeV; fixed in arXiv:2309.03007."""

FRACTION_BAND = u.Quantity([0.1, 100.0], "TeV")
"""Energies of the gamma rays in which the hadronic fraction is defined; arXiv:2309.03007."""

AMPLITUDE_UNIT = u.Unit("eV-1")


def density(
    energy: NDArray[np.float64],
    amplitude: ArrayLike,
    alpha: ArrayLike,
    e_cutoff: ArrayLike,
    beta: ArrayLike = 1.0,
    *,
    e_0: ArrayLike = E_0_TEV,
) -> NDArray[np.float64]:
    """Returns particles per eV, ``A (E/E0)**-alpha exp(-(E/Ec)**beta)``; arguments broadcast.

    It is the function of naima's ``ExponentialCutoffPowerLaw``, without units, for inner loops.

    Parameters
    ----------
    energy : array
        Particle energies, TeV.
    amplitude, alpha, e_cutoff, beta, e_0 : float or array
        Amplitude in 1/eV, index, cutoff in TeV, exponent of the cutoff, reference energy in TeV.

    Returns
    -------
    array
        Particles per energy, 1/eV; zero where the cutoff underflows.
    """
    # Far above the cutoff, underflow to zero is intended; a cutoff at zero leaves no particles.
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        cutoff = (energy / np.asarray(e_cutoff)) ** beta
        shape = np.exp(-np.asarray(alpha) * np.log(energy / np.asarray(e_0)) - cutoff)
        return np.asarray(amplitude * shape, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class ParticleSpectrum:
    """Power law with an exponential cutoff, as naima's ``ExponentialCutoffPowerLaw``.

    Parameters
    ----------
    amplitude : float
        Particles per energy at `e_0` without the cutoff, 1/eV; zero means no such particles.
    alpha : float
        Index; if positive, the spectrum falls with energy.
    e_cutoff : float
        Energy of the cutoff, TeV.
    beta : float
        Exponent of the cutoff.
    e_0 : float
        Reference energy, TeV.

    Raises
    ------
    SpectrumError
        If a value is not finite, the amplitude is negative, or an energy or `beta` is not positive.
    """

    amplitude: float
    alpha: float
    e_cutoff: float
    beta: float = 1.0
    e_0: float = E_0_TEV

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not math.isfinite(value):
                raise SpectrumError(
                    f"particle spectrum: {name} must be a finite number, not {value}"
                )
        if self.amplitude < 0:
            raise SpectrumError(
                f"particle spectrum: amplitude must not be negative: {self.amplitude} 1/eV"
            )
        for name in ("e_cutoff", "beta", "e_0"):
            if getattr(self, name) <= 0:
                value = getattr(self, name)
                raise SpectrumError(f"particle spectrum: {name} must be positive, not {value}")

    def __call__(self, energy: u.Quantity) -> u.Quantity:
        """Returns particles per energy.

        Parameters
        ----------
        energy : Quantity
            Particle energies.

        Returns
        -------
        Quantity
            1/eV, shape of `energy`.
        """
        return u.Quantity(self.values(energy.to_value("TeV")), AMPLITUDE_UNIT)

    def values(self, energy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns particles per eV at `energy` in TeV, as a plain array for inner loops."""
        return density(energy, self.amplitude, self.alpha, self.e_cutoff, self.beta, e_0=self.e_0)

    def gradient(self, energy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns derivatives of `values` with respect to (amplitude, alpha, e_cutoff, beta).

        Parameters
        ----------
        energy : array
            Particle energies, TeV, shape (n,).

        Returns
        -------
        array
            Shape (4, n), 1/eV per unit of each parameter.
        """
        log = np.log(energy / self.e_0)
        log_cutoff = np.log(energy / self.e_cutoff)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            power = np.exp(self.beta * log_cutoff)
            shape = np.exp(-self.alpha * log - power)
            values = self.amplitude * shape
            by_cutoff = values * power * (self.beta / self.e_cutoff)
            by_beta = -values * power * log_cutoff
        gradient = np.stack([shape, -values * log, by_cutoff, by_beta])
        # Far above the cutoff, zero times infinity: the derivative is zero.
        return np.where(np.isnan(gradient), 0.0, gradient)

    def scaled(self, factor: float) -> ParticleSpectrum:
        """Returns the same shape with `factor` times the amplitude."""
        return replace(self, amplitude=self.amplitude * factor)

    def to_dict(self) -> dict[str, float]:
        """Returns plain numbers by parameter name; amplitude in 1/eV, energies in TeV."""
        return asdict(self)
