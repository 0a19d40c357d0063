"""The same fluxes without operators: naima's own classes and its power-law quadrature."""

from __future__ import annotations

import warnings

import astropy.units as u
import naima
import numpy as np
from astropy.constants import c
from naima.utils import trapz_loglog


def _meson(y: np.ndarray, b: float, beta: float, k: float) -> np.ndarray:
    p = y**beta
    q = 1 + k * p * (1 - p)
    slope = 1 / np.log(y) - 4 * beta * p / (1 - p) - 4 * k * beta * p * (1 - 2 * p) / q
    return np.where(y < 1, b * np.log(y) / y * ((1 - p) / q) ** 4 * slope, 0.0)


class PionDecay(naima.radiative.BaseProton):
    """Kelner et al. (2006), one energy after the other, integrated by naima over its own nodes."""

    def __init__(self, particles: naima.models.ExponentialCutoffPowerLaw, messenger: str) -> None:
        super().__init__(particles)
        self.Epmin, self.Epmax, self.nEpd = 100 * u.GeV, 100 * u.PeV, 100
        self.messenger = messenger

    def _yield(self, x: np.ndarray, log: np.ndarray) -> np.ndarray:
        if self.messenger == "gamma":
            return _meson(
                x,
                1.30 + 0.14 * log + 0.011 * log**2,
                1 / (1.79 + 0.11 * log + 0.008 * log**2),
                1 / (0.801 + 0.049 * log + 0.014 * log**2),
            )
        pion = _meson(
            x / 0.427,
            1.75 + 0.204 * log + 0.010 * log**2,
            1 / (1.67 + 0.111 * log + 0.0038 * log**2),
            1.07 - 0.086 * log + 0.002 * log**2,
        )
        b = 1 / (69.5 + 2.65 * log + 0.3 * log**2)
        beta = 1 / (0.201 + 0.062 * log + 0.00042 * log**2) ** 0.25
        k = (0.279 + 0.141 * log + 0.0172 * log**2) / (0.3 + (2.3 + log) ** 2)
        muon = (1 + k * np.log(x) ** 2) ** 3 * (-np.log(x)) ** 5 / (x * (1 + 0.3 / x**beta))
        return 0.5 * (pion + np.where(x < 1, b * muon, 0.0))

    def _spectrum(self, photon_energy: u.Quantity) -> u.Quantity:
        proton = self._Ep / 1e3  # TeV
        log = np.log(proton)
        sigma = (34.3 + 1.88 * log + 0.25 * log**2) * 1e-27
        particles = self._J * 1e3  # 1/TeV
        rates = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            for energy in photon_energy.to_value("TeV"):
                produced = np.nan_to_num(self._yield(energy / proton, log))
                integrand = produced * sigma * particles / proton
                rates.append(c.to_value("cm/s") * trapz_loglog(integrand, proton))
        return u.Quantity(rates, "s-1 TeV-1").to("s-1 eV-1")


def particles(
    amplitude: float, alpha: float, e_cutoff: float, beta: float
) -> naima.models.ExponentialCutoffPowerLaw:
    """naima's particle spectrum; amplitude 1/eV, cutoff TeV."""
    return naima.models.ExponentialCutoffPowerLaw(
        amplitude / u.eV, 10 * u.TeV, alpha, e_cutoff * u.TeV, beta
    )


def flux(
    kind: str, energy: u.Quantity, parameters: tuple[float, ...], fields: str = "CMB"
) -> np.ndarray:
    """Flux at 1 kpc in cm-2 s-1 TeV-1 for (amplitude 1/eV, alpha, e_cutoff TeV, beta)."""
    if kind == "inverse-compton":
        model = naima.models.InverseCompton(particles(*parameters), seed_photon_fields=fields)
    else:
        model = PionDecay(particles(*parameters), kind.removeprefix("pion-"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return model.flux(energy, distance=1 * u.kpc).to_value("cm-2 s-1 TeV-1")
