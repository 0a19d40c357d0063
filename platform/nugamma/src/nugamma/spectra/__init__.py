"""Pion decay and inverse Compton as linear operators on a particle spectrum."""

from nugamma.spectra.compton import PhotonField
from nugamma.spectra.operators import Emission, SpectralOperator
from nugamma.spectra.particles import ParticleSpectrum

__all__ = ["Emission", "ParticleSpectrum", "PhotonField", "SpectralOperator"]
