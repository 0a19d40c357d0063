"""Inverse Compton scattering of electrons on thermal photon fields; the kernel is naima's.

Eq. 14 of Khangulyan, Aharonian and Kelner (2014), ApJ 783, 100 (arXiv:1310.7971), as naima
implements it, on naima's own electron nodes (1 GeV to 511 TeV, 100 per decade).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import astropy.units as u
import naima
import numpy as np

from nugamma.errors import SpectrumError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


_InverseCompton: Any = naima.models.InverseCompton  # naima is marked as typed, but this is not


@dataclass(frozen=True, slots=True)
class PhotonField:
    """Isotropic grey-body radiation that electrons scatter on.

    Parameters
    ----------
    name : str
        Unique among the fields of one model.
    temperature : float
        K.
    energy_density : float
        eV/cm3.

    Raises
    ------
    SpectrumError
        If temperature or energy density is not positive and finite.
    """

    name: str
    temperature: float
    energy_density: float

    def __post_init__(self) -> None:
        for what, value in (
            ("temperature", self.temperature),
            ("energy density", self.energy_density),
        ):
            if not (math.isfinite(value) and value > 0):
                raise SpectrumError(
                    f"photon field {self.name}: {what} must be positive, not {value}"
                )


@cache
def _named_fields() -> dict[str, PhotonField]:
    fields = _naima_fields(["CMB", "FIR", "NIR"])
    return {
        name: PhotonField(
            name, float(field["T"].to_value("K")), float(field["u"].to_value("eV cm-3"))
        )
        for name, field in fields.items()
    }


def photon_fields(fields: str | Iterable[str | PhotonField]) -> tuple[PhotonField, ...]:
    """Returns photon fields; a string may contain several names, as in ``"CMB-FIR-NIR"``.

    Parameters
    ----------
    fields : str or iterable of str or PhotonField
        ``CMB``, ``FIR`` (30 K, 0.5 eV/cm3) and ``NIR`` (3000 K, 1 eV/cm3) are naima's.

    Raises
    ------
    SpectrumError
        If there is no field, an unknown name, or the same name twice.
    """
    parts = fields.split("-") if isinstance(fields, str) else list(fields)
    chosen = []
    for part in parts:
        if isinstance(part, PhotonField):
            chosen.append(part)
        elif part in _named_fields():
            chosen.append(_named_fields()[part])
        else:
            raise SpectrumError(
                f"unknown photon field {part!r}: use CMB, FIR, NIR, or a PhotonField with your own "
                "temperature (K) and energy density (eV/cm3)"
            )
    names = [field.name for field in chosen]
    if not names or len(set(names)) < len(names):
        raise SpectrumError(f"photon fields {names}: give at least one, and each name once")
    return tuple(chosen)


def _naima_fields(fields: list[Any]) -> dict[str, dict[str, Any]]:
    model = _InverseCompton(_one_electron_per_energy, seed_photon_fields=fields)
    return dict(model.seed_photon_fields)


def _one_electron_per_energy(energy: u.Quantity) -> u.Quantity:
    return u.Quantity(np.ones(energy.shape), "eV-1")


@cache
def _lorentz_nodes() -> NDArray[np.float64]:
    return np.asarray(_InverseCompton(_one_electron_per_energy)._gam)


def electron_nodes() -> NDArray[np.float64]:
    """Returns the electron energies of the quadrature, TeV, which are naima's own."""
    return _lorentz_nodes() * float(naima.radiative.mec2.to_value("TeV"))


def emission_kernel(energy: NDArray[np.float64], field: PhotonField) -> NDArray[np.float64]:
    """Returns the emission rate per energy and ln(electron energy), for 1 electron per energy.

    Parameters
    ----------
    energy : array
        Gamma-ray energies, TeV, shape (n,).
    field : PhotonField
        Photons that the electrons scatter on.

    Returns
    -------
    array
        Shape (n, n_nodes), 1/s.
    """
    lorentz = _lorentz_nodes()
    photon = energy / float(naima.radiative.mec2.to_value("TeV"))
    temperature = u.Quantity(field.temperature, "K")
    black_body = naima.radiative.ar * temperature**4
    dilution = (u.Quantity(field.energy_density, "eV cm-3") / black_body).to_value("")
    # Photon energies above the electron's overflow; naima sets these to zero.
    with np.errstate(all="ignore"):
        kernel = _InverseCompton._iso_ic_on_planck(lorentz, field.temperature, photon)
    return np.asarray(np.nan_to_num(kernel) * lorentz * float(dilution))
