"""Flux of a source as a matrix times the spectrum of its particles."""

from __future__ import annotations

import logging
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Self

import astropy.units as u
import numpy as np

from nugamma.errors import SpectrumError
from nugamma.spectra import compton, pion
from nugamma.spectra.quadrature import bin_points, power_law_weights

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from nugamma.spectra.compton import PhotonField
    from nugamma.spectra.particles import ParticleSpectrum

log = logging.getLogger(__name__)

INTEGRAL_UNIT = u.Unit("cm-2 s-1")
DIFFERENTIAL_UNIT = u.Unit("cm-2 s-1 TeV-1")

_PER_VOLUME = u.Unit("cm-3")  # parsed once, as this takes astropy a millisecond
_EV_PER_TEV = u.TeV.to(u.eV)
_CACHED_MATRICES = 64  # 0.25 MB each for the 51 bins of the published analysis


class Emission(StrEnum):
    """Emitted particle and process."""

    PION_GAMMA = "pion-gamma"
    PION_NEUTRINO = "pion-neutrino"
    INVERSE_COMPTON = "inverse-compton"


class SpectralOperator:
    """Linear map from a particle spectrum to the fluxes in bins of energy.

    ``matrix @ spectrum.values(nodes)`` are the fluxes. The emission processes are linear in the
    particles, so one matrix product replaces naima's integration for each set of parameters.

    Parameters
    ----------
    edges : Quantity
        Edges of the true-energy bins, shape (n + 1,), ascending.
    kind : Emission or str
        ``pion-gamma``, ``pion-neutrino`` (muon neutrinos and antineutrinos at Earth) or
        ``inverse-compton``.
    distance : Quantity
        Distance of the source.
    target_density : Quantity, optional
        Number density of target protons (pion decay); 1/cm3 by default.
    photon_fields : str or iterable of str or PhotonField
        Photons that the electrons scatter on (inverse Compton); the CMB by default, as published.

    Attributes
    ----------
    matrix : array
        Shape (n, n_nodes), cm-2 s-1 for particles in 1/eV. Read only.
    nodes : array
        Particle energies, TeV.
    unit : Unit
        Of the fluxes.
    energy : Quantity
        The edges, TeV.

    Raises
    ------
    SpectrumError
        If energies are not ascending, finite and positive, distance or density is not positive,
        the kind is unknown, or a unit is wrong.

    Notes
    -----
    Protons start at 0.1 TeV, the lower limit of Kelner et al. (2006), and electrons end at
    511 TeV, naima's upper limit: below 0.1 TeV the fluxes of pion decay are too low, which is
    logged as a warning.
    """

    def __init__(
        self,
        edges: u.Quantity,
        kind: Emission | str,
        distance: u.Quantity,
        *,
        target_density: u.Quantity | None = None,
        photon_fields: str | Iterable[str | PhotonField] = "CMB",
    ) -> None:
        energy = _checked_energies(edges, "edges", at_least=2)
        if np.any(np.diff(energy) <= 0):
            raise SpectrumError(f"edges must ascend: {edges}")
        self._set(
            energy,
            kind,
            distance,
            integral=True,
            target_density=target_density,
            photon_fields=photon_fields,
        )

    @classmethod
    def differential(
        cls,
        energies: u.Quantity,
        kind: Emission | str,
        distance: u.Quantity,
        *,
        target_density: u.Quantity | None = None,
        photon_fields: str | Iterable[str | PhotonField] = "CMB",
    ) -> Self:
        """Returns the operator for differential fluxes at `energies`, in any order.

        Parameters are those of the class; `matrix` gives cm-2 s-1 TeV-1.
        """
        operator = cls.__new__(cls)
        energy = _checked_energies(energies, "energies", at_least=1)
        operator._set(
            energy,
            kind,
            distance,
            integral=False,
            target_density=target_density,
            photon_fields=photon_fields,
        )
        return operator

    def _set(
        self,
        energy: NDArray[np.float64],
        kind: Emission | str,
        distance: u.Quantity,
        *,
        integral: bool,
        target_density: u.Quantity | None,
        photon_fields: str | Iterable[str | PhotonField],
    ) -> None:
        self.kind = _checked_kind(kind)
        self.energy = u.Quantity(energy, u.TeV)
        self.unit = INTEGRAL_UNIT if integral else DIFFERENTIAL_UNIT
        centimetres = _checked_positive(distance, u.cm, "distance")
        density = 1.0
        if target_density is not None:
            density = _checked_positive(target_density, _PER_VOLUME, "target density")
        fields = compton.photon_fields(photon_fields)
        per_second = _emission_matrix(energy.tobytes(), integral, self.kind, fields)
        scale = density if self.kind is not Emission.INVERSE_COMPTON else 1.0
        self.matrix = per_second * (scale / (4 * np.pi * centimetres**2))
        self.matrix.setflags(write=False)
        self.nodes = _nodes(self.kind)

    def flux(self, spectrum: ParticleSpectrum) -> u.Quantity:
        """Returns the fluxes of a source with these particles, one per bin or energy, in `unit`."""
        return u.Quantity(self.matrix @ spectrum.values(self.nodes), self.unit)


@lru_cache(maxsize=_CACHED_MATRICES)
def _emission_matrix(
    energy: bytes, integral: bool, kind: Emission, fields: tuple[PhotonField, ...]
) -> NDArray[np.float64]:
    """Returns the emission per second, at or integrated between energies, for 1/cm3 of target."""
    values = np.frombuffer(energy)
    if integral:
        points, bins = bin_points(values)
        return np.asarray(bins @ _emission_per_tev(points, kind, fields))
    return _emission_per_tev(values, kind, fields)


def _emission_per_tev(
    energy: NDArray[np.float64], kind: Emission, fields: tuple[PhotonField, ...]
) -> NDArray[np.float64]:
    lowest = pion.PROTON_RANGE_TEV[0]
    if kind is not Emission.INVERSE_COMPTON and energy.min() < lowest * (1 - 1e-6):
        log.warning(
            "%s at %.3g TeV: the parametrisation holds for protons above %g TeV, so fluxes below "
            "that energy are too low",
            kind,
            energy.min(),
            lowest,
        )
    if kind is Emission.INVERSE_COMPTON:
        kernels = [compton.emission_kernel(energy, field) for field in fields]
    else:
        kernels = [pion.emission_kernel(energy, neutrino=kind is Emission.PION_NEUTRINO)]
    nodes = _nodes(kind)
    step = float(np.log(nodes[-1] / nodes[0])) / (nodes.size - 1)
    # One field at a time, as in naima, because the quadrature depends on the shape of the kernel.
    return np.asarray(sum(power_law_weights(kernel, step) for kernel in kernels) * _EV_PER_TEV)


@lru_cache
def _nodes(kind: Emission) -> NDArray[np.float64]:
    nodes = compton.electron_nodes() if kind is Emission.INVERSE_COMPTON else pion.proton_nodes()
    nodes.setflags(write=False)
    return nodes


def _checked_kind(kind: Emission | str) -> Emission:
    try:
        return Emission(kind.lower())
    except ValueError:
        known = ", ".join(Emission)
        raise SpectrumError(f"unknown emission {kind!r}: use one of {known}") from None


def _checked_positive(value: u.Quantity, unit: u.Unit, what: str) -> float:
    try:
        number = u.Quantity(value).to_value(unit)
    except u.UnitConversionError as error:
        raise SpectrumError(f"{what} {value}: {error}") from None
    if np.ndim(number) or not (np.isfinite(number) and number > 0):
        raise SpectrumError(f"{what} must be one positive number, not {value}")
    return float(number)


def _checked_energies(energy: u.Quantity, what: str, *, at_least: int) -> NDArray[np.float64]:
    try:
        values = np.array(u.Quantity(energy).to_value(u.TeV), dtype=np.float64)
    except u.UnitConversionError as error:
        raise SpectrumError(f"{what} {energy}: {error}") from None
    if values.ndim != 1 or values.size < at_least:
        raise SpectrumError(f"{what} must be a list of at least {at_least}, not {energy}")
    if not np.all(np.isfinite(values) & (values > 0)):
        raise SpectrumError(f"{what} must all be positive and finite: {energy}")
    return values
