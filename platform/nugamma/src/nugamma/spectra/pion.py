"""Gamma rays and neutrinos from proton-proton collisions, after Kelner et al. (2006).

S. R. Kelner, F. A. Aharonian and V. V. Bugayov, Phys. Rev. D 74, 034018 (astro-ph/0606058);
equation numbers below are those of that paper. The parametrisation holds for protons of
0.1 TeV to 1e5 TeV, so the nodes span exactly that range. All energies here are in TeV.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from astropy import units as u
from astropy.constants import c

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Proton energies for which the parametrisation holds, TeV (Kelner et al.).
PROTON_RANGE_TEV = (0.1, 1.0e5)
#: Nodes of the quadrature: 100 per decade, as published in arXiv:2309.03007.
N_NODES = 600
OSCILLATION_FACTOR = 0.5
"""Fraction of the muon neutrinos and antineutrinos that arrive as such (arXiv:2309.03007).

Pion decay produces (nu_e, nu_mu, nu_tau) = (1, 2, 0), and vacuum oscillation turns them into
(1, 1, 1) at Earth: half of the muon neutrinos. Effective areas for the mean of neutrino and
antineutrino apply
to this sum directly.
"""

_MUON_PION_RATIO = 0.427  # 1 - (m_mu / m_pi)**2, largest fraction of a pion's energy (eq. 65)
_LIGHT_SPEED_CM_S = float(c.to_value("cm s-1"))
_CM2_PER_MILLIBARN = u.mbarn.to(u.cm**2)


def proton_nodes() -> Array:
    """Returns the proton energies of the quadrature, TeV."""
    low, high = np.log10(PROTON_RANGE_TEV)
    return np.logspace(low, high, N_NODES)


def inelastic_cross_section(proton: Array) -> Array:
    """Returns the inelastic pp cross-section, cm2 (eq. 73), without its threshold factor."""
    log = np.log(proton)
    return np.asarray(_CM2_PER_MILLIBARN * (34.3 + 1.88 * log + 0.25 * log**2))


def _meson_decay(y: Array, b: Array, beta: Array, k: Array) -> Array:
    """Returns the common form of eqs. 58 and 66, zero from the kinematic limit y = 1 on."""
    spectrum = np.zeros_like(y)
    below = y < 1
    y, b, beta, k = (np.broadcast_to(value, below.shape)[below] for value in (y, b, beta, k))
    power = y**beta
    bracket = 1 + k * power * (1 - power)
    slope = (
        1 / np.log(y)
        - 4 * beta * power / (1 - power)
        - 4 * k * beta * power * (1 - 2 * power) / bracket
    )
    spectrum[below] = b * np.log(y) / y * ((1 - power) / bracket) ** 4 * slope
    return spectrum


def gamma_yield(x: Array, proton: Array) -> Array:
    """Returns gamma rays per collision and x = E_gamma / E_proton (eqs. 58-61)."""
    log = np.log(proton)
    b = 1.30 + 0.14 * log + 0.011 * log**2
    beta = 1 / (1.79 + 0.11 * log + 0.008 * log**2)
    k = 1 / (0.801 + 0.049 * log + 0.014 * log**2)
    return _meson_decay(x, b, beta, k)


def direct_neutrino_yield(x: Array, proton: Array) -> Array:
    """Returns muon neutrinos from the decay of the pion, per collision and x (eqs. 66-69)."""
    log = np.log(proton)
    b = 1.75 + 0.204 * log + 0.010 * log**2
    beta = 1 / (1.67 + 0.111 * log + 0.0038 * log**2)
    k = 1.07 - 0.086 * log + 0.002 * log**2
    return _meson_decay(x / _MUON_PION_RATIO, b, beta, k)


def muon_decay_yield(x: Array, proton: Array) -> Array:
    """Returns muon neutrinos from the decay of the muon, per collision and x (eqs. 62-65)."""
    log = np.broadcast_to(np.log(proton), x.shape)
    b = 1 / (69.5 + 2.65 * log + 0.3 * log**2)
    beta = (0.201 + 0.062 * log + 0.00042 * log**2) ** -0.25
    k = (0.279 + 0.141 * log + 0.0172 * log**2) / (0.3 + (2.3 + log) ** 2)
    spectrum = np.zeros_like(x)
    below = x < 1
    x, b, beta, k = (value[below] for value in (x, b, beta, k))
    spectrum[below] = b * (1 + k * np.log(x) ** 2) ** 3 / (x * (1 + 0.3 / x**beta))
    spectrum[below] *= (-np.log(x)) ** 5
    return spectrum


def neutrino_yield(x: Array, proton: Array) -> Array:
    """Returns muon neutrinos and antineutrinos at Earth, per collision and x, of both decays."""
    produced = direct_neutrino_yield(x, proton) + muon_decay_yield(x, proton)
    return OSCILLATION_FACTOR * produced


def emission_kernel(energy: Array, *, neutrino: bool) -> Array:
    """Returns the emission rate per energy and ln(proton energy), for one proton per energy.

    Parameters
    ----------
    energy : array
        Energies of the gamma rays or neutrinos, TeV, shape (n,).
    neutrino : bool
        Whether to return muon neutrinos at Earth instead of gamma rays.

    Returns
    -------
    array
        Shape (n, 600), 1/s for 1 target proton per cm3: the integrand of eq. 72 without the proton
        spectrum.
    """
    proton = proton_nodes()
    x = energy[:, np.newaxis] / proton
    yields = (neutrino_yield if neutrino else gamma_yield)(x, np.broadcast_to(proton, x.shape))
    rate = _LIGHT_SPEED_CM_S * inelastic_cross_section(proton)
    return np.asarray(yields * rate)
