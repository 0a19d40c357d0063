"""A telescope that points at a source, such as CTA, and its gammapy dataset of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

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
from nugamma.datasets.instrument import Instrument, Report, silent
from nugamma.datasets.morphology import Placed, spatial_model
from nugamma.datasets.psf import SourcePSFMap
from nugamma.errors import ResponseError
from nugamma.responses import prod5
from nugamma.responses.cta import CtaResponse

Floats = npt.NDArray[np.float64]

# As in arXiv:2309.03007 and its public code, unless said otherwise.
#: 51 bins of the energy, 16 per decade, 0.1 to 154 TeV.
ENERGY = np.logspace(-1, 2.1875, 52) * u.TeV
#: Distance of the pointings from the source; each of them gets the same share of the livetime.
OFFSET = 1 * u.deg
POSITION_ANGLES = (0, 90, 180, 270) * u.deg
#: Events farther than this from the pointing direction are not used.
LARGEST_OFFSET = 4 * u.deg
PIXEL = 0.02 * u.deg
#: Width of the map as published, then those for larger sources (ours); pointings see no farther.
WIDTHS = (6 * u.deg, 8 * u.deg, 10 * u.deg)


def rad_axis() -> MapAxis:
    """Returns the angular distances at which the point spread function is stored.

    These are gammapy's default.
    """
    return MapAxis.from_bounds(0, 0.66, nbin=66, unit="deg", name="rad")


@dataclass(frozen=True, eq=False, kw_only=True)
class PointedTelescope(Instrument):
    """A telescope that observes a source in several pointings around it.

    Point spread function and energy dispersion are those at the source, which has the same offset
    from all pointings; exposure and background are those of each pixel.

    Parameters
    ----------
    energy, energy_true
        See `Instrument`.
    response
        A `CtaResponse`, the path of its FITS file or the name of a released one
        (`nugamma.responses.prod5.load`); by default the packaged table, CTA South at 20 deg.
    offset, position_angles
        Where the pointings are, seen from the source.
    largest_offset
        Events farther than this from the pointing direction are not used.
    widths
        Possible widths of the map, ascending: the first that holds the source is taken.
    pixel
        Size of a pixel of the map.
    """

    energy: u.Quantity = ENERGY
    energy_true: u.Quantity = ENERGY
    response: CtaResponse | str | Path | None = None
    offset: u.Quantity = OFFSET
    position_angles: u.Quantity = POSITION_ANGLES
    largest_offset: u.Quantity = LARGEST_OFFSET
    widths: tuple[u.Quantity, ...] = WIDTHS
    pixel: u.Quantity = PIXEL

    _settings = Instrument._settings | {"position_angles", "largest_offset"}

    @cached_property
    def loaded_response(self) -> CtaResponse:
        """The response that `response` gives, read once."""
        return prod5.load(self.response)

    @property
    def zenith(self) -> u.Quantity | None:
        """Zenith angle for which the response was simulated; None if unknown."""
        return self.loaded_response.zenith

    def check(self, source: Placed) -> None:
        """Warns about what the telescope sees of a source only in part; see `Instrument`."""
        spatial_model(source)
        response = self.loaded_response
        check_site(source, response.site, response.zenith, self.label)
        check_field_of_view(source, self.coverage(source), self.label)

    def coverage(self, source: Placed) -> Coverage:
        """Returns which part of a source is seen, and how many of its events are counted."""
        return coverage(
            source,
            self.pointings(source),
            self.largest_offset,
            map_width(source, self.widths) / 2,
            self.loaded_response.effective_area,
        )

    def pointings(self, source: Placed) -> list[SkyCoord]:
        """Returns the directions in which the telescopes point."""
        centre = source.position.icrs
        return [centre.directional_offset_by(a, self.offset) for a in self.position_angles]

    def maps(self, source: Placed, report: Report = silent) -> Iterator[MapDataset]:
        """Yields the dataset of a source, named as the telescope; see `Instrument`."""
        report(f"{source.name}: making the maps of {self.label}")
        response = self.loaded_response
        (axis, axis_true), rad = self._axes(), rad_axis()
        _check_usable(response, axis_true, self.label)
        geom = WcsGeom.create(
            skydir=source.position.icrs,
            binsz=self.pixel,
            width=map_width(source, self.widths),
            frame="icrs",
            axes=[axis],
        )
        image = geom.to_image()
        geom_true = image.to_cube([axis_true])

        exposure = np.zeros(geom_true.data_shape, dtype=np.float32)
        background = np.zeros(geom.data_shape, dtype=np.float32)
        used = np.zeros(image.data_shape, dtype=bool)
        seconds = (self.livetime / len(self.position_angles)).to_value("s")
        sky = image.get_coord().skycoord
        for pointing in self.pointings(source):
            offset = sky.separation(pointing)
            inside = offset <= self.largest_offset
            used |= inside
            exposure += _area(response, axis_true, offset) * inside * seconds
            background += _rate(response, axis, sky, pointing) * inside * seconds
        background *= image.solid_angle().to_value("sr")

        psf = response.psf.evaluate(
            energy_true=axis_true.center[:, np.newaxis], offset=self.offset, rad=rad.center
        )
        edisp = response.energy_dispersion.to_edisp_kernel(
            self.offset, energy_axis_true=axis_true, energy_axis=axis
        )
        meta = {"livetime": self.livetime}
        yield MapDataset(
            name=self.name,
            counts=Map.from_geom(geom, dtype=np.float32),
            exposure=Map.from_geom(geom_true, data=exposure, unit="m2 s", meta=meta),
            background=Map.from_geom(geom, data=background),
            psf=SourcePSFMap.from_values(psf, rad, axis_true),
            edisp=EDispKernelMap.from_edisp_kernel(edisp),
            mask_safe=Map.from_geom(geom, data=np.broadcast_to(used, geom.data_shape).copy()),
        )

    def _own_inputs(self, source: Placed) -> dict[str, Any]:
        width = map_width(source, self.widths)
        return {"maps": [str(width), str(self.pixel), str(self.offset)]}


def _area(response: CtaResponse, axis_true: MapAxis, offset: u.Quantity) -> Floats:
    """Returns the effective area at each offset, shape (energies, *offset.shape), m2.

    It is linear between the offsets of the table, so gammapy evaluates it only there.
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
    """Returns the background rate in each energy bin, shape (bins, *sky.shape), s-1 sr-1.

    gammapy evaluates the table at its own energies only; between them, ln(rate) is linear in
    ln(energy), as in gammapy.
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


def _check_usable(response: CtaResponse, axis: MapAxis, label: str) -> None:
    """Refuses a response from which the dataset cannot be made."""
    table = response.background
    if not table.has_offset_axis and table.fov_alignment == FoVAlignment.ALTAZ:
        raise ResponseError(
            f"the background in the response of {label} is aligned with the horizon "
            "(FOVALIGN=ALTAZ), which would need the time of each observation; use a response with "
            "FOVALIGN=RADEC"
        )
    low, high = axis.edges[[0, -1]]
    for what, table in (
        ("effective area", response.effective_area.axes["energy_true"]),
        ("energy dispersion", response.energy_dispersion.axes["energy_true"]),
        ("background", response.background.axes["energy"]),
    ):
        if table.edges[0] > low or table.edges[-1] < high:
            raise ResponseError(
                f"the {what} in the response of {label} covers {table.edges[0].to('TeV'):.3g} to "
                f"{table.edges[-1].to('TeV'):.4g}, the analysis needs {low:.3g} to {high:.4g}"
            )
