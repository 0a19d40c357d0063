"""KM3NeT/ARCA with the response from km3irf, for sensitivities."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from astropy import units as u
from gammapy.maps import MapAxis

from nugamma.responses.arca import LOWEST_ZENITH, ArcaResponse
from nugamma.responses.pointsource import RADII, PointResponse, solid_angle
from nugamma.zenith import time_fractions

Floats = npt.NDArray[np.float64]

TRUE = MapAxis.from_energy_bounds("0.1 TeV", "10 PeV", nbin=40, name="energy_true")
RECO = MapAxis.from_energy_bounds("0.1 TeV", "10 PeV", nbin=20, name="energy")
#: Zenith bands, from straight below to the lowest zenith angle at which the response is valid.
BANDS = np.linspace(-1, np.cos(LOWEST_ZENITH).to_value(""), 25)


@dataclass(eq=False)
class ArcaTelescope:
    """ARCA as a neutrino telescope that sees sources at any declination.

    Parameters
    ----------
    response : ArcaResponse
        By default that in the package km3irf.
    """

    response: ArcaResponse = field(default_factory=ArcaResponse.read)
    _bands: dict[bytes, tuple[Floats, Floats]] = field(default_factory=dict, repr=False)

    def point(
        self, declination: u.Quantity, livetime: u.Quantity, radius: u.Quantity = RADII
    ) -> PointResponse:
        """Returns signal and background around a source, averaged over sidereal days.

        Only times at which the source is more than 80 deg from the zenith count: above, hardly any
        event passes the selection.
        """
        signal, background = self._in_bands(radius)
        seconds = livetime.to_value(u.s)
        times = time_fractions(declination, BANDS, "ARCA") * seconds
        return PointResponse(
            name="ARCA (km3irf)",
            declination=declination,
            livetime=livetime,
            energy_true=TRUE.edges.to(u.TeV),
            energy_reco=RECO.edges.to(u.TeV),
            radius=radius,
            signal=np.tensordot(times, signal, axes=1),
            background=np.multiply.outer(solid_angle(radius), times @ background),
        )

    def _in_bands(self, radius: u.Quantity) -> tuple[Floats, Floats]:
        """Signal (band, radius, true, reco) in cm2 and background (band, reco) in s-1 sr-1."""
        key = radius.to_value(u.deg).tobytes()
        if key not in self._bands:
            zenith = np.arccos((BANDS[1:] + BANDS[:-1]) / 2) * u.rad
            area = self.response.area(TRUE.center, zenith).to_value("cm2").T
            signal = np.array(
                [
                    (self._within(z, radius) * a)[:, :, np.newaxis]
                    * self.response.edisp_kernel(z, TRUE, RECO).pdf_matrix
                    for z, a in zip(zenith, np.maximum(area, 0), strict=True)
                ]
            )
            rates = [
                self.response.background_rate(kind, RECO.edges, zenith).to_value("s-1 sr-1").T
                for kind in ("neutrinos", "muons")
            ]
            self._bands[key] = signal, np.maximum(sum(rates), 0)
        return self._bands[key]

    def _within(self, zenith: u.Quantity, radius: u.Quantity) -> Floats:
        """Fraction of the events within each radius, shape (radius, true)."""
        edges = np.append(0, np.geomspace(0.01, max(radius.to_value("deg").max(), 1), 200)) * u.deg
        centres = (edges[1:] + edges[:-1]) / 2
        rings = np.diff(solid_angle(edges))
        density = self.response.psf_values(zenith, TRUE.center, centres).to_value("sr-1")
        inside = np.cumsum(density * rings, axis=1)
        grid = edges[1:].to_value("deg")
        found = [np.interp(radius.to_value("deg"), grid, row) for row in inside]
        return np.asarray(np.clip(np.array(found).T, 0, 1))
