"""A detector that does not point, such as KM3NeT/ARCA: one gammapy dataset per zenith bin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import EarthLocation, SkyCoord
from gammapy.datasets import MapDataset
from gammapy.irf import EDispKernelMap
from gammapy.maps import Map, MapAxis, WcsGeom, WcsNDMap

from nugamma.datasets.instrument import Instrument, Report, silent
from nugamma.datasets.morphology import Placed
from nugamma.datasets.psf import SourcePSFMap
from nugamma.datasets.zenith import ARCA, ZenithBin, node_weights, refined, source_path
from nugamma.responses.arca import LOWEST_ZENITH, ArcaResponse

Floats = npt.NDArray[np.float64]

# As in arXiv:2309.03007 and its public code, unless said otherwise.
#: 16 bins of the reconstructed energy, 100 GeV to 1 PeV.
ENERGY = np.geomspace(1e2, 1e6, 17) * u.GeV
#: 80 bins of the true energy, 100 GeV to 10 PeV.
ENERGY_TRUE = np.geomspace(1e2, 1e7, 81) * u.GeV
#: Time between two positions of the source. Ours: 1 h was published, and 24 h instead of 8 h move
#: 2 % of the events to neighbouring zenith bins.
TIME_STEP = 8 * u.hour
WIDTH, PIXEL = 30 * u.deg, 0.1 * u.deg
#: Largest distance between the zenith angles at which the response is evaluated (ours): the second
#: beyond the last bin centre, where the extrapolated effective area is clipped at zero.
NODE_STEP, STEEP_STEP = 2 * u.deg, 0.5 * u.deg


def rad_axis() -> MapAxis:
    """Returns the distances at which the point spread function is stored, 0 to 8 deg."""
    return MapAxis.from_edges(np.linspace(0, 8, 101), name="rad", unit="deg")


def zenith_nodes(response: ArcaResponse) -> u.Quantity:
    """Returns zenith angles between which all tables may be taken as linear."""
    nodes = response.zenith_nodes()
    steep = refined(nodes[-2:], STEEP_STEP)
    return np.concatenate([refined(nodes[:-1], NODE_STEP), steep[1:]])


@dataclass(frozen=True, eq=False, kw_only=True)
class FixedDetector(Instrument):
    """A detector that sees a source at changing zenith angles as the Earth turns.

    Exposure and background are averages over the source's path: each pixel has its own zenith
    angle. Point spread function and energy dispersion are those of the source at its mean zenith
    angle in the bin. The background, atmospheric neutrinos plus muons, is fixed.

    Parameters
    ----------
    energy, energy_true
        See `Instrument`.
    response
        An `ArcaResponse`, or the folder of its FITS files; by default that in the package km3irf.
    location
        Where the detector is.
    time_step
        Time between the positions at which the source's path is evaluated.
    width, pixel
        Size of the map and of its pixels.
    prefix
        Start of the datasets' names, followed by the number of the zenith bin (1 is the most
        upgoing). Two detectors in one analysis need different ones.
    """

    energy: u.Quantity = ENERGY
    energy_true: u.Quantity = ENERGY_TRUE
    response: ArcaResponse | str | Path | None = None
    location: EarthLocation = ARCA
    time_step: u.Quantity = TIME_STEP
    width: u.Quantity = WIDTH
    pixel: u.Quantity = PIXEL
    prefix: str = "nu"

    _settings = Instrument._settings | {"location", "prefix"}

    @cached_property
    def loaded_response(self) -> ArcaResponse:
        """The response that `response` gives, read once."""
        if isinstance(self.response, ArcaResponse):
            return self.response
        return ArcaResponse.read(self.response)

    @property
    def zenith(self) -> u.Quantity:
        """Lowest and highest zenith angle for which the response is valid."""
        return u.Quantity([LOWEST_ZENITH, 180 * u.deg])

    def path(self, source: Placed) -> list[ZenithBin]:
        """Returns the zenith bins that a source passes through, the most upgoing first.

        Raises
        ------
        DatasetError
            If the source is never low enough on the sky.
        """
        return source_path(source.position, self.time_step, self.location, self.label)

    def check(self, source: Placed) -> None:
        """Does nothing: `path` refuses a source that is never visible."""

    def maps(self, source: Placed, report: Report = silent) -> Iterator[MapDataset]:
        """Yields one dataset per zenith bin, the most upgoing first; see `Instrument`."""
        report(f"{source.name}: following the source over the sky of {self.label}")
        path = self.path(source)
        for number, zenith_bin in enumerate(path, start=1):
            report(f"{source.name}: zenith bin {number} of {len(path)}")
            yield self._zenith_dataset(number, source.position, zenith_bin)

    def _zenith_dataset(self, number: int, position: SkyCoord, path: ZenithBin) -> MapDataset:
        response = self.loaded_response
        livetime = self.livetime * path.fraction
        sky = _sky(
            position.icrs.ra.deg,
            position.icrs.dec.deg,
            self.width.to_value("deg"),
            self.pixel.to_value("deg"),
        )
        axis, axis_true = self._axes()
        geom, geom_true = sky.image.to_cube([axis]), sky.image.to_cube([axis_true])
        nodes = zenith_nodes(response)
        weights = node_weights(sky.directions, path.zeniths, nodes)
        reached = weights.any(axis=1)
        weights, nodes = weights[reached], nodes[reached]

        area = response.area(axis_true.center, nodes).to_value("m2")
        exposure = (area @ weights) * livetime.to_value("s")
        rate = sum(
            response.background_rate(kind, axis.edges, nodes).to_value("s-1 sr-1")
            for kind in ("neutrinos", "muons")
        )
        background = (rate @ weights).reshape(geom.data_shape) * sky.solid_angle
        background *= livetime.to_value("s")

        rad = rad_axis()
        psf = response.psf_values(path.mean, axis_true.center, rad.center)
        return MapDataset(
            name=f"{self.prefix}{number}",
            counts=Map.from_geom(geom, dtype=np.float32),
            exposure=_map(geom_true, exposure, "m2 s", livetime),
            background=_map(geom, background, ""),
            psf=SourcePSFMap.from_values(psf, rad, axis_true),
            edisp=EDispKernelMap.from_edisp_kernel(
                response.edisp_kernel(path.mean, axis_true, axis)
            ),
            mask_safe=Map.from_geom(geom, data=np.ones(geom.data_shape, dtype=bool)),
        )

    def _own_inputs(self, source: Placed) -> dict[str, Any]:
        return {
            "time_step": repr(float(self.time_step.to_value("s"))),
            "maps": [str(self.width), str(self.pixel)],
            "nodes": [str(NODE_STEP), str(STEEP_STEP)],
        }


class _Sky(NamedTuple):
    """The pixels around a source: image, unit vectors (n, 3) and solid angles in sr."""

    image: WcsGeom
    directions: Floats
    solid_angle: Floats


@lru_cache(maxsize=1)
def _sky(ra: float, dec: float, width: float, pixel: float) -> _Sky:
    """Returns the pixels of a source, which are the same in all zenith bins; all in deg."""
    centre = SkyCoord(ra, dec, unit="deg", frame="icrs")
    image = WcsGeom.create(skydir=centre, binsz=pixel, width=width, frame="icrs")
    directions = image.get_coord().skycoord.icrs.cartesian.xyz.value.reshape(3, -1).T
    return _Sky(image, np.ascontiguousarray(directions), image.solid_angle().to_value("sr"))


def _map(geom: WcsGeom, data: object, unit: str, livetime: u.Quantity | None = None) -> WcsNDMap:
    values = np.asarray(data, dtype=np.float32).reshape(geom.data_shape)
    meta = {} if livetime is None else {"livetime": livetime}
    return Map.from_geom(geom, data=values, unit=unit, meta=meta)
