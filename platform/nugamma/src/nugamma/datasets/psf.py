"""A point spread function that is the same all over the map, with a fast kernel."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import SkyCoord
from gammapy.irf import PSFKernel, PSFMap
from gammapy.irf.psf.map import PSF_MAX_OVERSAMPLING
from gammapy.maps import Map, MapAxis, WcsGeom

Floats = npt.NDArray[np.float64]


class SourcePSFMap(PSFMap):
    """Point spread function at the position of a source, taken for the whole map.

    It is gammapy's ``PSFMap``, and gives the same kernel. But where gammapy computes the distances
    of all pixels from the centre anew for each energy, this does so once, which takes a tenth of
    the time. Written to a file and read back it is a plain ``PSFMap``.
    """

    @classmethod
    def from_values(cls, values: u.Quantity, rad: MapAxis, energy_true: MapAxis) -> SourcePSFMap:
        """From a table.

        Parameters
        ----------
        values
            Point spread function, sr-1 or its like, of shape (energies, rad); it gets normalised.
        rad, energy_true
            Axes of the table.
        """
        geom = WcsGeom.create(npix=(2, 1), proj="CAR", binsz=180, axes=[rad, energy_true])
        data = np.broadcast_to(
            values.to_value("sr-1")[:, :, np.newaxis, np.newaxis], (geom.data_shape)
        )
        psf_map = Map.from_geom(geom, data=data.copy(), unit="sr-1")
        psf_map.normalize(axis_name="rad")
        flat = geom.squash("rad")
        return cls(psf_map, Map.from_geom(flat, data=np.ones(flat.data_shape), unit="m2 s"))

    def get_psf_kernel(  # noqa: D102 - as in gammapy
        self,
        geom: Any,
        position: Any = None,
        max_radius: Any = None,
        containment: float = 0.999,
        precision_factor: int = 12,
    ) -> PSFKernel:
        plain = isinstance(geom, WcsGeom) and geom.frame == "icrs" and not geom.is_region
        if not plain or geom.axes.names != ["energy_true"]:
            return super().get_psf_kernel(geom, position, max_radius, containment, precision_factor)
        axis = self.psf_map.geom.axes["energy_true"]
        radii = self.containment_radius(containment, axis.center)
        max_radius = radii.max() if max_radius is None else u.Quantity(max_radius)
        radii = np.minimum(radii, max_radius)
        core = 2 * self.containment_radius(0.68, axis.center) / geom.pixel_scales.max()
        factors = np.ceil(precision_factor / core.to_value("")).astype(int)
        factors = np.minimum(factors, PSF_MAX_OVERSAMPLING)

        geom = geom.to_odd_npix(max_radius=max_radius)
        kernel = Map.from_geom(geom)
        image = geom.to_image()
        stored = self.psf_map.geom.axes["rad"].center.to_value("rad")
        profiles = self.psf_map.data[:, :, 0, 0]
        centre = image.data_shape[0] // 2
        for factor in np.unique(factors):
            distance = _distances(
                ra=image.center_skydir.icrs.ra.deg,
                dec=image.center_skydir.icrs.dec.deg,
                pixel=image.pixel_scales.max().to_value("deg"),
                proj=image.projection,
                npix=image.data_shape[0],
                factor=int(factor),
            )
            lower = np.clip(np.searchsorted(stored, distance) - 1, 0, len(stored) - 2)
            part = (distance - stored[lower]) / (stored[lower + 1] - stored[lower])
            for index in np.flatnonzero(factors == factor):
                half = (image.to_odd_npix(max_radius=radii[index]).data_shape[0] - 1) // 2
                near = slice((centre - half) * factor, (centre + half + 1) * factor)
                low, share = lower[near, near], part[near, near]
                profile = profiles[index]
                fine = np.maximum(profile[low] * (1 - share) + profile[low + 1] * share, 0)
                width = 2 * half + 1
                coarse = fine.reshape(width, factor, width, factor).sum(axis=(1, 3))
                box = slice(centre - half, centre + half + 1)
                kernel.data[index, box, box] = coarse
        return PSFKernel(kernel, normalize=True)


@lru_cache(maxsize=8)
def _distances(*, ra: float, dec: float, pixel: float, proj: str, npix: int, factor: int) -> Floats:
    """Distance from the centre, rad, of the pixels of an image that is `factor` times finer.

    All zenith bins of a source ask for the same.
    """
    centre = SkyCoord(ra, dec, unit="deg", frame="icrs")
    image = WcsGeom.create(skydir=centre, binsz=pixel, npix=npix, proj=proj, frame="icrs")
    coordinates = image.upsample(factor=factor).get_coord().skycoord
    return np.asarray(coordinates.separation(image.center_skydir).to_value("rad"))
