"""Everything that an inference needs to know about one source; small enough to send to workers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from astropy import units as u

from nugamma.errors import InferenceError
from nugamma.inference import shapes
from nugamma.inference.blocks import Blocks, blocks
from nugamma.inference.emission import Emission, thinned
from nugamma.inference.response import StackedResponse, stack
from nugamma.inference.threads import one_thread
from nugamma.spectra import ParticleSpectrum
from nugamma.spectra.particles import FRACTION_BAND

if TYPE_CHECKING:  # workers need not import naima and gammapy for these
    from nugamma.datasets.folded import FoldedDataset
    from nugamma.sources import Source
    from nugamma.spectra import PhotonField

Floats = npt.NDArray[np.float64]

#: Particle energies at which shapes are described, TeV: of those that emit at about 10 TeV (ours).
PROTON_PIVOT, ELECTRON_PIVOT = 100.0, 50.0
#: Rounding error by which a shape on a bound may exceed it.
ROUNDING = 1e-9
#: Number of spectra of each kind, drawn from all allowed shapes, for which blocks are accurate.
SPECTRA = 300


@dataclass(frozen=True, eq=False)
class Problem:
    """One source as its datasets see it, with the models that fit its flux points.

    Attributes
    ----------
    source
        Name of the source.
    gamma, neutrino
        Responses of all gamma-ray and of all neutrino datasets.
    protons, electrons
        What the particles emit.
    hadronic, leptonic
        Spectra of protons and electrons, if either alone emits the gamma rays.
    """

    source: str
    gamma: StackedResponse
    neutrino: StackedResponse
    protons: Emission
    electrons: Emission
    hadronic: ParticleSpectrum
    leptonic: ParticleSpectrum

    @classmethod
    def of(cls, source: Source, datasets: Sequence[FoldedDataset]) -> Problem:
        """Joins the datasets of a source with its models: those given, else fits to flux points.

        Parameters
        ----------
        source
            From `nugamma.load_source`.
        datasets
            From `nugamma.build_datasets`: at least one of gamma rays and one of neutrinos.

        Raises
        ------
        InferenceError
            If a dataset or model is missing: a source without flux points needs both models.
        SpectrumError
            If the flux points cannot be fitted.
        """
        from nugamma.sources.fit import particle_spectra

        hadronic, leptonic = particle_spectra(source)
        if hadronic is None or leptonic is None:
            raise InferenceError(
                f"source {source.name}: give flux points, or both a hadronic and a leptonic "
                "spectrum"
            )
        return build(
            source.name,
            datasets,
            distance=source.distance,
            hadronic=hadronic,
            leptonic=leptonic,
            target_density=source.target_density,
            photon_fields=source.photon_fields,
        )

    @cached_property
    @one_thread
    def blocks(self) -> tuple[Blocks, Blocks]:
        """Groups (gamma, neutrino) as few numbers per energy, for the likelihood."""
        random = np.random.default_rng(0)
        drawn = random.uniform(size=(2, SPECTRA, 3))
        drawn[:, :, 1] **= 2  # spectra change most at small curvatures
        proton, electron = shapes.LOWER + drawn * (shapes.UPPER - shapes.LOWER)
        flux, shape = parameters(self.protons, self.hadronic)
        likely = flux * self.protons.values(shape[None])[0]
        pions = flux * self.protons.values(proton)
        compton = parameters(self.electrons, self.leptonic)[0] * self.electrons.values(electron)
        bins = compton.shape[1]
        return (
            blocks(self.gamma, np.concatenate([pions[:, :bins], compton]), likely[:bins]),
            blocks(self.neutrino, pions[:, bins:], likely[bins:]),
        )

    def expected(self, fraction: float) -> tuple[Floats, Floats]:
        """Returns the expected counts (gamma, neutrino) for a hadronic fraction, with background.

        As published, the amplitudes are `fraction` and 1 - `fraction` of those that fit the flux
        points alone.

        Raises
        ------
        InferenceError
            If the fraction is not within [0, 1].
        """
        if not 0 <= fraction <= 1:
            raise InferenceError(f"hadronic fraction {fraction}: it must be within [0, 1]")
        pion = self.protons.matrix @ self.hadronic.values(self.protons.nodes) * fraction
        compton = self.electrons.matrix @ self.leptonic.values(self.electrons.nodes)
        bins = len(compton)
        gamma = pion[:bins] + (1 - fraction) * compton
        return (
            self.gamma.background + self.gamma.signal @ gamma,
            self.neutrino.background + self.neutrino.signal @ pion[bins:],
        )

    def fraction(self, share: npt.ArrayLike, hadronic: float, leptonic: float) -> Floats:
        """Returns the hadronic fraction of the flux in the band, f = I_PD / (I_PD + I_IC).

        Parameters
        ----------
        share
            Factor on the hadronic amplitude; the leptonic one has 1 - `share`.
        hadronic, leptonic
            Integral fluxes of either model alone.
        """
        share = np.asarray(share, dtype=float)
        pion = share * hadronic
        return np.asarray(pion / (pion + (1 - share) * leptonic))


@one_thread
def build(
    source: str,
    datasets: Sequence[FoldedDataset],
    *,
    distance: u.Quantity,
    hadronic: ParticleSpectrum,
    leptonic: ParticleSpectrum,
    target_density: u.Quantity | None = None,
    photon_fields: str | Iterable[str | PhotonField] = "CMB",
) -> Problem:
    """Joins the datasets and spectral operators of one source.

    Parameters
    ----------
    source
        Name of the source.
    datasets
        At least one gamma-ray and one neutrino dataset.
    distance
        Of the source.
    hadronic, leptonic
        Fits to the flux points.
    target_density
        Number density of target protons; 1/cm3 by default.
    photon_fields
        Photons that the electrons scatter on.

    Raises
    ------
    InferenceError
        If a messenger has no dataset, two datasets have the same name, or beta of a spectrum is
        out of bounds.
    """
    from nugamma.spectra import SpectralOperator

    split = {kind: [d for d in datasets if d.messenger == kind] for kind in ("gamma", "neutrino")}
    for kind, found in split.items():
        if not found:
            raise InferenceError(
                f"source {source}: no {kind} dataset; build the datasets of at least one gamma-ray "
                "and one neutrino instrument"
            )
    names = [dataset.name for dataset in datasets]
    if len(set(names)) < len(names):
        raise InferenceError(
            f"source {source}: some of the datasets {', '.join(names)} have the same name; give "
            "each instrument its own name, and each fixed detector its own prefix"
        )
    for what, spectrum in (("hadronic", hadronic), ("leptonic", leptonic)):
        low, high = shapes.LOWER[2], shapes.UPPER[2]
        if not low <= spectrum.beta <= high:
            raise InferenceError(
                f"source {source}: beta of the {what} spectrum is {spectrum.beta:g}; only {low:g} "
                f"to {high:g} can be fitted, as published"
            )
    gamma, neutrino = stack(split["gamma"]), stack(split["neutrino"])

    environment: dict[str, Any] = {
        "target_density": target_density,
        "photon_fields": photon_fields,
    }

    def rows(kind: str, *edges: u.Quantity) -> tuple[Floats, Floats]:
        made = [SpectralOperator(part, kind, distance, **environment) for part in edges]
        return np.vstack([operator.matrix for operator in made]), np.array(made[0].nodes)

    pions, protons = rows("pion-gamma", gamma.energy_true, FRACTION_BAND)
    neutrinos, _ = rows("pion-neutrino", neutrino.energy_true)
    compton, electrons = rows("inverse-compton", gamma.energy_true, FRACTION_BAND)
    pions = np.vstack([pions[:-1], neutrinos, pions[-1]])
    return Problem(
        source=source,
        gamma=gamma,
        neutrino=neutrino,
        protons=_emission(pions, protons, PROTON_PIVOT),
        electrons=_emission(compton, electrons, ELECTRON_PIVOT),
        hadronic=hadronic,
        leptonic=leptonic,
    )


def _emission(rows: Floats, nodes: Floats, pivot: float) -> Emission:
    rows, nodes = thinned(rows, nodes)
    return Emission(np.ascontiguousarray(rows[:-1]), rows[-1], nodes, pivot)


def parameters(emission: Emission, spectrum: ParticleSpectrum) -> tuple[float, Floats]:
    """Returns the integral flux in the band and the shape of a spectrum.

    Raises
    ------
    InferenceError
        If the spectrum has no flux, or its shape is outside the bounds within which shapes are
        fitted: a fit that starts inside them would describe another source.
    """
    flux = float(emission.band @ spectrum.values(emission.nodes))
    if not flux > 0:
        raise InferenceError(
            "a particle spectrum without gamma rays between 0.1 and 100 TeV cannot be fitted"
        )
    exact = shapes.exactly(spectrum, emission.pivot)
    # Below the lowest curvature, spectra are power laws, as at the lowest.
    below = exact < np.where([True, False, True], shapes.LOWER, 0.0) - ROUNDING
    if not np.isfinite(exact).all() or below.any() or (exact > shapes.UPPER + ROUNDING).any():
        raise InferenceError(
            f"the particle spectrum with index {spectrum.alpha:.4g}, cutoff "
            f"{spectrum.e_cutoff:.4g} TeV and beta {spectrum.beta:.4g} cannot be fitted with free "
            f"shapes: at {emission.pivot:g} TeV its local index is {exact[0]:.3g} (allowed: "
            f"{shapes.LOWER[0]:g} to {shapes.UPPER[0]:g}) and its curvature {exact[1]:.3g} "
            f"(allowed: up to {shapes.UPPER[1]:g}); use mode pinned"
        )
    return flux, shapes.from_spectrum(spectrum, emission.pivot)


def spectrum(emission: Emission, flux: float, shape: Floats) -> ParticleSpectrum:
    """Returns the published parameters of a shape with this integral flux in the band."""
    norm = float(emission.band @ shapes.values(shape[None], emission.x)[0])
    return shapes.to_spectrum(shape, emission.pivot, flux / norm)
