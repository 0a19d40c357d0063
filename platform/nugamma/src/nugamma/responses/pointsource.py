"""Signal and background of a neutrino telescope in cones around a position on the sky."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from astropy import units as u
from gammapy.modeling.models import PowerLawSpectralModel, SpectralModel

from nugamma.errors import ResponseError

Floats = npt.NDArray[np.float64]

#: Radii of search cones (ours): fine on the scale of a track's point spread function, and wide
#: enough for showers.
RADII = np.geomspace(0.1, 20, 47) * u.deg
UNIT_FLUX = 1 * u.Unit("TeV-1 cm-2 s-1")


@dataclass(frozen=True, eq=False)
class PointResponse:
    """Expected counts in cones around a source, as a linear function of its flux.

    Parameters
    ----------
    name : str
        Detector and channel, for tables and figures.
    declination, livetime : Quantity
        Declination of the source, and time of data taking.
    energy_true, energy_reco : Quantity
        Edges of the bins, shapes (n_true + 1,) and (n_reco + 1,).
    radius : Quantity
        Radii of the cones, ascending, shape (n_radius,).
    signal : ndarray
        Counts for a flux integral of 1 cm-2 s-1 in a true-energy bin, shape
        (n_radius, n_true, n_reco).
    background : ndarray
        Expected background counts, shape (n_radius, n_reco).
    """

    name: str
    declination: u.Quantity
    livetime: u.Quantity
    energy_true: u.Quantity
    energy_reco: u.Quantity
    radius: u.Quantity
    signal: Floats
    background: Floats

    def __post_init__(self) -> None:
        """Refuses inconsistent shapes and invalid numbers."""
        shape = (len(self.radius), len(self.energy_true) - 1, len(self.energy_reco) - 1)
        if self.signal.shape != shape or self.background.shape != shape[::2]:
            raise ResponseError(
                f"{self.name}: signal {self.signal.shape} and background {self.background.shape} "
                f"do not fit {shape[0]} radii, {shape[1]} true and {shape[2]} reconstructed bins"
            )
        for what, values in (("signal", self.signal), ("background", self.background)):
            if not np.all(np.isfinite(values)) or np.any(values < 0):
                raise ResponseError(f"{self.name}: the {what} has negative or non-finite numbers")

    def row(self, radius: u.Quantity) -> int:
        """Returns the index of the cone with this radius.

        Raises
        ------
        ResponseError
            If no radius agrees to 10 %.
        """
        wanted, there = radius.to_value(u.deg), self.radius.to_value(u.deg)
        nearest = int(np.argmin(np.abs(there - wanted)))
        if not abs(there[nearest] / wanted - 1) < 0.1:
            raise ResponseError(
                f"{self.name}: the response has no cone of {radius}, only of "
                f"{', '.join(f'{r:.3g}' for r in (there if len(there) < 4 else there[[0, -1]]))} "
                f"deg{'' if len(there) < 4 else ' and between'}; make a response with that radius"
            )
        return nearest

    def counts(self, spectrum: SpectralModel) -> Floats:
        """Returns the expected counts of a source, shape (n_radius, n_reco)."""
        flux = integral_flux(spectrum, self.energy_true)
        return np.asarray(np.einsum("t,rte->re", flux, self.signal))

    def counts_true(self, spectrum: SpectralModel) -> Floats:
        """Returns the expected counts in bins of true energy, shape (n_radius, n_true)."""
        return np.asarray(integral_flux(spectrum, self.energy_true) * self.signal.sum(axis=2))


class NeutrinoTelescope(Protocol):
    """What `nugamma.neutrino` needs from a telescope: its view of a source at a declination."""

    def point(
        self, declination: u.Quantity, livetime: u.Quantity, radius: u.Quantity = RADII
    ) -> PointResponse:
        """Returns signal and background around a source, averaged over sidereal days."""


def power_law(
    index: float, norm: u.Quantity = UNIT_FLUX, energy: u.Quantity = 1 * u.TeV
) -> PowerLawSpectralModel:
    """Returns the flux ``norm (E / energy)^-index`` of one flavour, with antineutrinos."""
    return PowerLawSpectralModel(index=index, amplitude=norm, reference=energy)


def integral_flux(spectrum: SpectralModel, edges: u.Quantity) -> Floats:
    """Returns the flux integrated over each energy bin, cm-2 s-1.

    Raises
    ------
    ResponseError
        If the spectrum is negative or not finite anywhere.
    """
    flux = spectrum.integral(edges[:-1], edges[1:]).to_value("cm-2 s-1")
    if not np.all(np.isfinite(flux)) or np.any(flux < 0):
        raise ResponseError(
            "the spectrum is negative or not finite at some energy; check its parameters"
        )
    return np.asarray(flux, dtype=float)


def solid_angle(radius: u.Quantity) -> Floats:
    """Returns the solid angle of cones, sr."""
    return np.asarray(4 * np.pi * np.sin(radius.to_value(u.rad) / 2) ** 2)
