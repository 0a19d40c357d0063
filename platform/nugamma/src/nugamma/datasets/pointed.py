"""Two hundred hours of CTA looking at one source, as a gammapy dataset."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import SkyCoord
from gammapy.datasets import MapDataset
from gammapy.irf import EDispKernelMap, FoVAlignment
from gammapy.maps import Map, MapAxis, WcsGeom
from gammapy.utils.coordinates import FoVICRSFrame
from gammapy.utils.integrate import trapz_loglog

from nugamma.datasets.coverage import (
    Coverage,
    check_field_of_view,
    check_site,
    coverage,
    map_width,
)
from nugamma.datasets.morphology import Placed
from nugamma.datasets.psf import SourcePSFMap
from nugamma.errors import DatasetError, ResponseError
from nugamma.responses.cta import CtaResponse
from nugamma.responses.performance import packaged

Floats = npt.NDArray[np.float64]

LIVETIME = 200 * u.hour
#: Four pointings around the source, which get a quarter of the time each.
OFFSET = 1 * u.deg
POSITION_ANGLES = (0, 90, 180, 270) * u.deg
#: Events farther than this from where the telescopes point are not used.
LARGEST_OFFSET = 4 * u.deg
WIDTH, PIXEL = 6 * u.deg, 0.02 * u.deg
#: Of maps for sources that do not fit into the usual one; none of the pointings sees farther.
WIDER = (8 * u.deg, 10 * u.deg)


def energy_axis(name: str = "energy") -> MapAxis:
    """Reconstructed and true energy: 51 bins, 16 a decade, 0.1 to 154 TeV."""
    return MapAxis.from_energy_edges(np.logspace(-1, 2.1875, 52) * u.TeV, name=name)


def rad_axis() -> MapAxis:
    """Angular distances at which the point spread function is stored (gammapy's default)."""
    return MapAxis.from_bounds(0, 0.66, nbin=66, unit="deg", name="rad")


def cta_dataset(
    source: Placed,
    *,
    response: CtaResponse | None = None,
    livetime: u.Quantity = LIVETIME,
) -> MapDataset:
    """Make the dataset ``cta`` of a source.

    Point spread function and energy dispersion are those at the source, which has the same
    offset from all four pointings; exposure and background are those of each pixel.

    Parameters
    ----------
    source
        Of `nugamma.sources`, or anything with name, position, morphology and radius.
    response
        By default the table of performance figures in this package.
    livetime
        Of all four pointings together.

    Raises
    ------
    DatasetError
        If the time makes no sense, or CTA cannot see the source (`check_visible`).
    ResponseError
        If the response does not cover the energies of the analysis.
    """
    if not livetime > 0 * u.s:
        raise DatasetError(f"CTA cannot observe for {livetime}")
    response = response or packaged()
    axis, axis_true, rad = energy_axis(), energy_axis("energy_true"), rad_axis()
    _check_usable(response, axis_true)
    check_visible(source, response)
    position = source.position.icrs
    width = map_width(source, (WIDTH, *WIDER))
    geom = WcsGeom.create(skydir=position, binsz=PIXEL, width=width, frame="icrs", axes=[axis])
    image = geom.to_image()
    geom_true = image.to_cube([axis_true])

    exposure = np.zeros(geom_true.data_shape, dtype=np.float32)
    background = np.zeros(geom.data_shape, dtype=np.float32)
    used = np.zeros(image.data_shape, dtype=bool)
    time = livetime / len(POSITION_ANGLES)
    sky = image.get_coord().skycoord
    for pointing in pointings(source):
        offset = sky.separation(pointing)
        inside = offset <= LARGEST_OFFSET
        used |= inside
        exposure += _area(response, axis_true, offset) * inside * time.to_value("s")
        background += _rate(response, axis, sky, pointing) * inside * time.to_value("s")
    background *= image.solid_angle().to_value("sr")

    psf = response.psf.evaluate(
        energy_true=axis_true.center[:, np.newaxis], offset=OFFSET, rad=rad.center
    )
    edisp = response.energy_dispersion.to_edisp_kernel(
        OFFSET, energy_axis_true=axis_true, energy_axis=axis
    )
    return MapDataset(
        name="cta",
        counts=Map.from_geom(geom, dtype=np.float32),
        exposure=Map.from_geom(geom_true, data=exposure, unit="m2 s", meta={"livetime": livetime}),
        background=Map.from_geom(geom, data=background),
        psf=SourcePSFMap.from_values(psf, rad, axis_true),
        edisp=EDispKernelMap.from_edisp_kernel(edisp),
        mask_safe=Map.from_geom(geom, data=np.broadcast_to(used, geom.data_shape).copy()),
    )


def pointings(source: Placed) -> list[SkyCoord]:
    """Where the telescopes point."""
    return [source.position.icrs.directional_offset_by(a, OFFSET) for a in POSITION_ANGLES]


def check_visible(source: Placed, response: CtaResponse) -> None:
    """Warn of what CTA sees of a source in part, and refuse what it does not see.

    Raises
    ------
    DatasetError
        The source is too low at the site, or most of it beyond the field of view.
    """
    check_site(source, response.site, response.zenith)
    check_field_of_view(source, seen(source, response))


def seen(source: Placed, response: CtaResponse) -> Coverage:
    """Which part of a source CTA sees, and how many of its events it counts."""
    half = map_width(source, (WIDTH, *WIDER)) / 2
    return coverage(source, pointings(source), LARGEST_OFFSET, half, response.effective_area)


def _area(response: CtaResponse, axis_true: MapAxis, offset: u.Quantity) -> Floats:
    """Effective area in m2 at each offset, of shape (energies, *offset.shape).

    It is linear between the offsets of the table, so these are all that gammapy has to evaluate.
    """
    nodes = response.effective_area.axes["offset"].center
    table = response.effective_area.evaluate(
        energy_true=axis_true.center[:, np.newaxis], offset=nodes[np.newaxis]
    ).to_value("m2")
    grid, place = nodes.to_value("deg"), offset.to_value("deg")
    lower = np.clip(np.searchsorted(grid, place) - 1, 0, len(grid) - 2)
    part = (place - grid[lower]) / (grid[lower + 1] - grid[lower])
    between = table[:, lower] * (1 - part) + table[:, lower + 1] * part
    return np.asarray(np.maximum(between, 0))


def _rate(response: CtaResponse, axis: MapAxis, sky: SkyCoord, pointing: SkyCoord) -> Floats:
    """Background rate in s-1 sr-1 in each energy bin, of shape (bins, *sky.shape).

    gammapy evaluates the table at its own energies only; between these the logarithm of the rate
    is linear in that of the energy, as in gammapy.
    """
    table = response.background
    if table.has_offset_axis:
        place = {"offset": sky.separation(pointing)}
    else:
        local = sky.transform_to(FoVICRSFrame(origin=pointing))
        sign = -1 if table.fov_alignment == FoVAlignment.REVERSE_LON_RADEC else 1
        place = {"fov_lon": sign * local.fov_lon, "fov_lat": local.fov_lat}
    nodes = table.axes["energy"].center
    at_nodes = table.evaluate(energy=nodes[:, np.newaxis, np.newaxis], **place)
    unit = at_nodes.unit
    logs = np.log(np.maximum(at_nodes.value, np.finfo(np.float32).tiny))
    grid, edges = np.log(nodes.to_value("TeV")), np.log(axis.edges.to_value("TeV"))
    lower = np.clip(np.searchsorted(grid, edges) - 1, 0, len(grid) - 2)
    part = ((edges - grid[lower]) / (grid[lower + 1] - grid[lower]))[:, np.newaxis, np.newaxis]
    at_edges = np.exp(logs[lower] * (1 - part) + logs[lower + 1] * part) * unit
    return np.asarray(
        trapz_loglog(at_edges, axis.edges[:, np.newaxis, np.newaxis], axis=0).to_value("s-1 sr-1")
    )


def _check_usable(response: CtaResponse, axis: MapAxis) -> None:
    """Refuse a response that the dataset cannot be made of."""
    table = response.background
    if not table.has_offset_axis and table.fov_alignment == FoVAlignment.ALTAZ:
        raise ResponseError(
            "the CTA response's background is aligned with the horizon, which needs the times of "
            "the observations; one that is aligned with the sky (FOVALIGN=RADEC) is needed here"
        )
    low, high = axis.edges[[0, -1]]
    for what, table in (
        ("effective area", response.effective_area.axes["energy_true"]),
        ("energy dispersion", response.energy_dispersion.axes["energy_true"]),
        ("background", response.background.axes["energy"]),
    ):
        if table.edges[0] > low or table.edges[-1] < high:
            raise ResponseError(
                f"the CTA response's {what} covers {table.edges[0].to('TeV'):.3g} to "
                f"{table.edges[-1].to('TeV'):.4g}, the analysis needs {low:.3g} to {high:.4g}"
            )
