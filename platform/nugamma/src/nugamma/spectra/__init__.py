"""Pion decay and inverse Compton as linear operators on a particle spectrum."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nugamma.spectra.particles import ParticleSpectrum

if TYPE_CHECKING:
    from nugamma.spectra.compton import PhotonField
    from nugamma.spectra.models import InverseComptonSpectralModel, PionDecaySpectralModel
    from nugamma.spectra.operators import Emission, SpectralOperator

__all__ = [
    "Emission",
    "InverseComptonSpectralModel",
    "ParticleSpectrum",
    "PhotonField",
    "PionDecaySpectralModel",
    "SpectralOperator",
]

_MODULES = {
    "Emission": "operators",
    "InverseComptonSpectralModel": "models",
    "PhotonField": "compton",
    "PionDecaySpectralModel": "models",
    "SpectralOperator": "operators",
}


def __getattr__(name: str) -> Any:
    """Naima and gammapy cost seconds of imports, so they come when they are asked for."""
    if name in _MODULES:
        return getattr(import_module(f"nugamma.spectra.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
