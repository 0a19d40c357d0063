"""Pion decay and inverse Compton as gammapy spectral models that can be written and read.

Importing this module registers both with gammapy, so that `gammapy.modeling.models.Models.read`
finds them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import astropy.units as u
import numpy as np
from gammapy.modeling import Parameter
from gammapy.modeling.models import SPECTRAL_MODEL_REGISTRY, SpectralModel

from nugamma.errors import SpectrumError
from nugamma.spectra.compton import PhotonField, photon_fields
from nugamma.spectra.operators import INTEGRAL_UNIT, Emission, SpectralOperator
from nugamma.spectra.particles import AMPLITUDE_UNIT, ParticleSpectrum, density

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_PARTICLES = {"gamma": Emission.PION_GAMMA, "neutrino": Emission.PION_NEUTRINO}


class _EmissionModel(SpectralModel):
    """Base of both models: a particle spectrum, and an operator for any energies."""

    distance: u.Quantity

    @classmethod
    def of(cls, spectrum: ParticleSpectrum, **environment: Any) -> Self:
        """Returns the model of these particles; `environment` are arguments of the class."""
        return cls(
            amplitude=u.Quantity(spectrum.amplitude, AMPLITUDE_UNIT),
            alpha=spectrum.alpha,
            e_cutoff=u.Quantity(spectrum.e_cutoff, "TeV"),
            beta=spectrum.beta,
            e_0=u.Quantity(spectrum.e_0, "TeV"),
            **environment,
        )

    @property
    def particles(self) -> ParticleSpectrum:
        """Particle spectrum with the current parameters."""
        quantities = {parameter.name: parameter.quantity for parameter in self.parameters}
        return ParticleSpectrum(**{k: float(v) for k, v in _in_package_units(quantities).items()})

    def evaluate(
        self, energy: u.Quantity, *values: u.Quantity, **parameters: u.Quantity
    ) -> u.Quantity:
        """Returns the differential flux.

        Parameters
        ----------
        energy : Quantity
            Any shape.
        *values, **parameters : Quantity
            All parameters, in their order or by name; scalars, or samples of shape (n,) for
            energies of shape (..., 1).

        Returns
        -------
        Quantity
            cm-2 s-1 TeV-1, with the shape of `energy`, or (..., n).
        """
        parameters |= dict(zip(self.default_parameters.names, values, strict=False))
        tera = np.asarray(u.Quantity(energy).to_value(u.TeV))
        # Energies from a geometry repeat for every pixel.
        unique, inverse = np.unique(tera.ravel(), return_inverse=True)
        operator = self._differential(u.Quantity(unique, u.TeV))
        flux = (operator.matrix @ _density(operator, parameters))[inverse]
        shape = tera.shape if flux.ndim == 1 else (*tera.shape[:-1], flux.shape[-1])
        return u.Quantity(flux.reshape(shape), operator.unit)

    def evaluate_integral(
        self, energy_min: u.Quantity, energy_max: u.Quantity, **parameters: u.Quantity
    ) -> u.Quantity:
        """Returns the integral flux between energies; parameters by name as in `evaluate`.

        Returns
        -------
        Quantity
            cm-2 s-1, with the shape that both energies broadcast to.
        """
        low, high = np.broadcast_arrays(
            u.Quantity(energy_min).to_value(u.TeV), u.Quantity(energy_max).to_value(u.TeV)
        )
        if low.ndim == 1 and np.array_equal(low[1:], high[:-1]):
            flux = self._integral(np.append(low, high[-1]), parameters)
        else:
            bins = zip(low.ravel(), high.ravel(), strict=True)
            flux = np.reshape(
                [self._integral(np.array(edges), parameters) for edges in bins], low.shape
            )
        return u.Quantity(flux, INTEGRAL_UNIT)

    def _integral(
        self, edges: NDArray[np.float64], parameters: dict[str, u.Quantity]
    ) -> NDArray[np.float64]:
        operator = self._operator(u.Quantity(edges, u.TeV))
        return np.asarray(operator.matrix @ _density(operator, parameters))

    def _operator(self, edges: u.Quantity) -> SpectralOperator:
        raise NotImplementedError

    def _differential(self, energies: u.Quantity) -> SpectralOperator:
        raise NotImplementedError

    def _environment(self) -> dict[str, Any]:
        raise NotImplementedError

    def to_dict(self, full_output: bool = False) -> dict[str, Any]:
        """Returns a dictionary for YAML, including distance and environment of the source."""
        data: dict[str, Any] = super().to_dict(full_output)
        data["spectral"] |= {"distance": str(self.distance)} | self._environment()
        return data


class PionDecaySpectralModel(_EmissionModel):
    """Gamma rays or muon neutrinos from proton-proton collisions (Kelner et al. 2006, eqs. 58-66).

    Parameters
    ----------
    amplitude : Quantity
        Protons per energy at `e_0` before the cutoff, 1/eV.
    alpha : float
        Index of the protons.
    e_cutoff : Quantity
        Cutoff of the protons, TeV.
    beta : float
        Exponent of the cutoff.
    e_0 : Quantity
        Reference energy, TeV; frozen.
    particle : "gamma" or "neutrino"
        Gamma rays, or muon neutrinos and antineutrinos at Earth (half of those produced).
    distance : Quantity
        Distance of the source.
    target_density : Quantity
        Number density of target protons.
    """

    tag: ClassVar = ["PionDecaySpectralModel", "pion-decay"]
    amplitude = Parameter("amplitude", "1e34 eV-1", interp="log")
    alpha = Parameter("alpha", 2.0)
    e_cutoff = Parameter("e_cutoff", "100 TeV")
    beta = Parameter("beta", 1.0)
    e_0 = Parameter("e_0", "10 TeV", frozen=True)

    def __init__(
        self,
        *,
        particle: str = "gamma",
        distance: u.Quantity | str = "1 kpc",
        target_density: u.Quantity | str = "1 cm-3",
        **parameters: Any,
    ) -> None:
        if particle not in _PARTICLES:
            raise SpectrumError(f"unknown particle {particle!r}: use {' or '.join(_PARTICLES)}")
        self.particle = particle
        self.distance = u.Quantity(distance)
        self.target_density = u.Quantity(target_density)
        super().__init__(**parameters)

    def _operator(self, edges: u.Quantity) -> SpectralOperator:
        return SpectralOperator(
            edges,
            _PARTICLES[self.particle],
            self.distance,
            target_density=self.target_density,
        )

    def _differential(self, energies: u.Quantity) -> SpectralOperator:
        return SpectralOperator.differential(
            energies,
            _PARTICLES[self.particle],
            self.distance,
            target_density=self.target_density,
        )

    def _environment(self) -> dict[str, Any]:
        return {"particle": self.particle, "target_density": str(self.target_density)}

    @classmethod
    def from_dict(cls, data: dict[str, Any], **kwargs: Any) -> Self:
        """Returns the model that `to_dict` described."""
        content = data.get("spectral", data)
        names = ("particle", "distance", "target_density")
        given = {name: content[name] for name in names if name in content}
        model: Self = super().from_dict(data, **(given | kwargs))
        return model


class InverseComptonSpectralModel(_EmissionModel):
    """Gamma rays from electrons that scatter on thermal photon fields, with naima's kernel.

    Parameters
    ----------
    amplitude : Quantity
        Electrons per energy at `e_0` before the cutoff, 1/eV.
    alpha : float
        Index of the electrons.
    e_cutoff : Quantity
        Cutoff of the electrons, TeV.
    beta : float
        Exponent of the cutoff.
    e_0 : Quantity
        Reference energy, TeV; frozen.
    distance : Quantity
        Distance of the source.
    photon_fields : str or iterable of str or PhotonField
        ``CMB`` as published, naima's ``FIR`` and ``NIR``, or your own fields with temperature and
        energy density.
    """

    tag: ClassVar = ["InverseComptonSpectralModel", "inverse-compton"]
    amplitude = Parameter("amplitude", "1e32 eV-1", interp="log")
    alpha = Parameter("alpha", 2.5)
    e_cutoff = Parameter("e_cutoff", "50 TeV")
    beta = Parameter("beta", 1.0)
    e_0 = Parameter("e_0", "10 TeV", frozen=True)

    def __init__(
        self,
        *,
        distance: u.Quantity | str = "1 kpc",
        photon_fields: str | Iterable[str | PhotonField] = "CMB",
        **parameters: Any,
    ) -> None:
        self.distance = u.Quantity(distance)
        self.photon_fields = _fields(photon_fields)
        super().__init__(**parameters)

    def _operator(self, edges: u.Quantity) -> SpectralOperator:
        return SpectralOperator(
            edges, Emission.INVERSE_COMPTON, self.distance, photon_fields=self.photon_fields
        )

    def _differential(self, energies: u.Quantity) -> SpectralOperator:
        return SpectralOperator.differential(
            energies, Emission.INVERSE_COMPTON, self.distance, photon_fields=self.photon_fields
        )

    def _environment(self) -> dict[str, Any]:
        fields = [
            {
                "name": field.name,
                "temperature": f"{field.temperature} K",
                "energy_density": f"{field.energy_density} eV cm-3",
            }
            for field in self.photon_fields
        ]
        return {"photon_fields": fields}

    @classmethod
    def from_dict(cls, data: dict[str, Any], **kwargs: Any) -> Self:
        """Returns the model that `to_dict` described."""
        content = data.get("spectral", data)
        given: dict[str, Any] = {}
        if "distance" in content:
            given["distance"] = content["distance"]
        if "photon_fields" in content:
            given["photon_fields"] = [
                field
                if isinstance(field, str)
                else PhotonField(
                    field["name"],
                    float(u.Quantity(field["temperature"]).to_value("K")),
                    float(u.Quantity(field["energy_density"]).to_value("eV cm-3")),
                )
                for field in content["photon_fields"]
            ]
        model: Self = super().from_dict(data, **(given | kwargs))
        return model


def _fields(fields: str | Iterable[str | PhotonField]) -> tuple[PhotonField, ...]:
    return photon_fields(fields)


def _in_package_units(parameters: dict[str, u.Quantity]) -> dict[str, Any]:
    units = {"amplitude": AMPLITUDE_UNIT, "e_cutoff": u.TeV, "e_0": u.TeV}
    return {
        name: u.Quantity(value).to_value(units.get(name, u.dimensionless_unscaled))
        for name, value in parameters.items()
    }


def _density(operator: SpectralOperator, parameters: dict[str, u.Quantity]) -> NDArray[np.float64]:
    """Returns particles at the nodes, shape (n_nodes,), or (n_nodes, n) for n samples."""
    values = _in_package_units(parameters)
    e_0 = values.pop("e_0")
    nodes = operator.nodes
    if any(np.ndim(value) for value in values.values()):
        nodes = nodes[:, np.newaxis]
    with np.errstate(invalid="ignore"):  # samples of a covariance may leave the allowed range
        return density(nodes, **values, e_0=e_0)


for _model in (PionDecaySpectralModel, InverseComptonSpectralModel):
    if _model not in SPECTRAL_MODEL_REGISTRY:
        SPECTRAL_MODEL_REGISTRY.append(_model)
