"""Pion decay and inverse Compton as linear operators on a particle spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nugamma.spectra.compton import PhotonField
from nugamma.spectra.operators import Emission, SpectralOperator
from nugamma.spectra.particles import ParticleSpectrum

if TYPE_CHECKING:
    from nugamma.spectra.models import InverseComptonSpectralModel, PionDecaySpectralModel

__all__ = [
    "Emission",
    "InverseComptonSpectralModel",
    "ParticleSpectrum",
    "PhotonField",
    "PionDecaySpectralModel",
    "SpectralOperator",
]


def __getattr__(name: str) -> Any:
    """Gammapy's models cost seconds of imports, so they come when they are asked for."""
    if name in {"InverseComptonSpectralModel", "PionDecaySpectralModel"}:
        from nugamma.spectra import models

        return getattr(models, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
