"""What an analysis needs to know about a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import astropy.units as u
import numpy as np

from nugamma.errors import SourceError
from nugamma.spectra.compton import photon_fields

if TYPE_CHECKING:
    from astropy.coordinates import SkyCoord
    from astropy.table import QTable

    from nugamma.spectra.compton import PhotonField
    from nugamma.spectra.particles import ParticleSpectrum

Morphology = Literal["disk", "gaussian", "point"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Source:
    """A source of gamma rays, and perhaps of neutrinos.

    Parameters
    ----------
    name : str
        Short name, for files and messages.
    title : str
        Name in figures; the short name if empty.
    position : SkyCoord
        Centre, ICRS.
    distance : Quantity
        Distance, kpc.
    morphology : "disk", "gaussian" or "point"
        Surface brightness as a function of the distance from the centre.
    radius : Quantity
        Radius of the disk or sigma of the Gaussian, deg; zero for a point.
    flux_points : QTable or None
        Measured gamma-ray fluxes, from `nugamma.sources.flux_points.checked`.
    hadronic, leptonic : ParticleSpectrum or None
        Protons and electrons, if given instead of fitted to flux points.
    target_density : Quantity
        Number density of target protons.
    photon_fields : tuple of PhotonField
        Photons that the electrons scatter on.
    citation : str
        Source of position, size and distance; `flux_points.meta` has its own.

    Raises
    ------
    SourceError
        If distance, radius or density is not positive, or there is no spectrum.
    """

    name: str
    position: SkyCoord
    distance: u.Quantity
    morphology: Morphology
    radius: u.Quantity
    title: str = ""
    flux_points: QTable | None = None
    hadronic: ParticleSpectrum | None = None
    leptonic: ParticleSpectrum | None = None
    target_density: u.Quantity = u.Quantity(1.0, "cm-3")  # noqa: RUF009 - never changed
    photon_fields: tuple[PhotonField, ...] = photon_fields("CMB")
    citation: str = ""

    def __post_init__(self) -> None:
        if self.morphology not in get_args(Morphology):
            known = ", ".join(get_args(Morphology))
            raise SourceError(
                f"{self.name}: unknown morphology {self.morphology!r}; use one of {known}"
            )
        self._check_positive("distance", self.distance, "kpc")
        self._check_positive("target density", self.target_density, "cm-3")
        if self.morphology != "point":
            self._check_positive("radius", self.radius, "deg")
            if u.Quantity(self.radius).to_value("deg") > 180:
                raise SourceError(
                    f"{self.name}: radius {self.radius} is larger than the sky; use at most 180 deg"
                )
        if self.flux_points is None and self.hadronic is None and self.leptonic is None:
            raise SourceError(f"{self.name}: needs flux points or a spectral model")

    def _check_positive(self, what: str, value: u.Quantity, unit: str) -> None:
        try:
            number = np.asarray(u.Quantity(value).to_value(unit))
        except u.UnitConversionError as error:
            raise SourceError(f"{self.name}: {what} {value}: {error}") from None
        if number.ndim or not (np.isfinite(number) and number > 0):
            raise SourceError(f"{self.name}: {what} must be a positive number, not {value}")
