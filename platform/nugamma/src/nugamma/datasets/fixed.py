"""Ten years of KM3NeT/ARCA looking at one source: one gammapy dataset a zenith bin."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import SkyCoord
from gammapy.datasets import MapDataset
from gammapy.irf import EDispKernelMap
from gammapy.maps import Map, MapAxis, WcsGeom, WcsNDMap

from nugamma.datasets.morphology import Placed
from nugamma.datasets.psf import SourcePSFMap
from nugamma.datasets.zenith import ZenithBin, node_weights, refined, source_path
from nugamma.errors import DatasetError
from nugamma.responses.arca import ArcaResponse

Floats = npt.NDArray[np.float64]

LIVETIME = 10 * u.yr
TIME_STEP = 8 * u.hour
WIDTH, PIXEL = 30 * u.deg, 0.1 * u.deg
#: Largest distance between the zenith angles at which the response is evaluated, and the one below
#: the last bin centre, where the extrapolated effective area bends at zero for high energies.
NODE_STEP, STEEP_STEP = 2 * u.deg, 0.5 * u.deg


def energy_axis() -> MapAxis:
    """Reconstructed energy: 16 bins, 100 GeV to 1 PeV."""
    return MapAxis.from_energy_bounds("1e2 GeV", "1e6 GeV", 16, name="energy")


def energy_axis_true() -> MapAxis:
    """True energy: 80 bins, 100 GeV to 10 PeV."""
    return MapAxis.from_energy_bounds("1e2 GeV", "1e7 GeV", 80, name="energy_true")


def rad_axis() -> MapAxis:
    """Angular distances at which the point spread function is stored, 0 to 8 deg."""
    return MapAxis.from_edges(np.linspace(0, 8, 101), name="rad", unit="deg")


def zenith_nodes(response: ArcaResponse) -> u.Quantity:
    """Zenith angles between which everything is taken to be linear."""
    nodes = response.zenith_nodes()
    steep = refined(nodes[-2:], STEEP_STEP)
    return np.concatenate([refined(nodes[:-1], NODE_STEP), steep[1:]])


def arca_datasets(
    source: Placed,
    *,
    response: ArcaResponse | None = None,
    livetime: u.Quantity = LIVETIME,
    time_step: u.Quantity = TIME_STEP,
) -> list[MapDataset]:
    """Make the datasets ``nu1`` (most upgoing), ``nu2``... of a source.

    Exposure and background are averages over the source's path: each pixel is seen at its own
    zenith angle. Point spread function and energy dispersion are those of the source at its mean
    zenith angle in the bin. The background, atmospheric neutrinos and muons together, is fixed.

    Parameters
    ----------
    source
        Anything with a ``position``.
    response
        By default that of the package km3irf.
    livetime
        Time of data taking, of which each bin gets its part.
    time_step
        Between the instants at which the path is looked at.

    Raises
    ------
    DatasetError
        If the source is never low enough on ARCA's sky.
    """
    response = response or ArcaResponse.read()
    return [
        zenith_dataset(number, source.position, zenith_bin, response, livetime=livetime)
        for number, zenith_bin in enumerate(source_path(source.position, time_step), start=1)
    ]


def zenith_dataset(
    number: int,
    position: SkyCoord,
    path: ZenithBin,
    response: ArcaResponse,
    *,
    livetime: u.Quantity = LIVETIME,
) -> MapDataset:
    """Make the dataset of one zenith bin; parameters as for `arca_datasets`."""
    if not livetime > 0 * u.s:
        raise DatasetError(f"KM3NeT cannot take data for {livetime}")
    livetime = livetime * path.fraction
    sky = _sky(position.icrs.ra.deg, position.icrs.dec.deg)
    axis, axis_true = energy_axis(), energy_axis_true()
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
    return MapDataset(
        name=f"nu{number}",
        counts=Map.from_geom(geom, dtype=np.float32),
        exposure=_map(geom_true, exposure, "m2 s", livetime),
        background=_map(geom, background, ""),
        psf=SourcePSFMap.from_values(
            response.psf_values(path.mean, axis_true.center, rad.center), rad, axis_true
        ),
        edisp=EDispKernelMap.from_edisp_kernel(response.edisp_kernel(path.mean, axis_true, axis)),
        mask_safe=Map.from_geom(geom, data=np.ones(geom.data_shape, dtype=bool)),
    )


class _Sky(NamedTuple):
    """The pixels around a source: their unit vectors (n, 3), and solid angles in sr."""

    image: WcsGeom
    directions: Floats
    solid_angle: Floats


@lru_cache(maxsize=1)
def _sky(ra: float, dec: float) -> _Sky:
    """All zenith bins of a source have the same pixels."""
    centre = SkyCoord(ra, dec, unit="deg", frame="icrs")
    image = WcsGeom.create(skydir=centre, binsz=PIXEL, width=WIDTH, frame="icrs")
    directions = image.get_coord().skycoord.icrs.cartesian.xyz.value.reshape(3, -1).T
    return _Sky(image, np.ascontiguousarray(directions), image.solid_angle().to_value("sr"))


def _map(geom: WcsGeom, data: object, unit: str, livetime: u.Quantity | None = None) -> WcsNDMap:
    values = np.asarray(data, dtype=np.float32).reshape(geom.data_shape)
    meta = {} if livetime is None else {"livetime": livetime}
    return Map.from_geom(geom, data=values, unit=unit, meta=meta)
