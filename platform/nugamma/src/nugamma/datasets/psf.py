"""A point spread function that is the same in the whole map, with a fast kernel."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import SkyCoord
from gammapy.irf import PSFKernel, PSFMap
from gammapy.irf.psf.map import PSF_MAX_OVERSAMPLING
from gammapy.maps import Map, MapAxis, WcsGeom
from gammapy.utils.array import round_up_to_odd
from scipy import sparse

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class SourcePSFMap(PSFMap):
    """Point spread function at the position of a source, used for the whole map.

    It is gammapy's ``PSFMap`` and gives the same kernel, but computes the distances of all pixels
    from the centre once instead of once per energy, in a tenth of the time. Written to a file and
    read back, it is a plain ``PSFMap``.
    """

    @classmethod
    def from_values(cls, values: u.Quantity, rad: MapAxis, energy_true: MapAxis) -> SourcePSFMap:
        """Returns a map from a table.

        Parameters
        ----------
        values
            Point spread function, shape (energies, rad), in sr-1 or similar; it is normalised here.
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
        pixel, npix = image.pixel_scales.max(), image.data_shape[0]
        widths = [round_up_to_odd(width) for width in (2 * radii / pixel).to_value("")]
        stored = self.psf_map.geom.axes["rad"].center.to_value("rad")
        profiles = self.psf_map.data[:, :, 0, 0]
        for factor in np.unique(factors):
            fine = _fine(
                ra=image.center_skydir.icrs.ra.deg,
                dec=image.center_skydir.icrs.dec.deg,
                pixel=pixel.to_value("deg"),
                proj=image.projection,
                npix=npix,
                factor=int(factor),
                stored=tuple(stored),
            )
            some = np.flatnonzero(factors == factor)
            for index, values in zip(some, fine.sums(profiles[some]), strict=True):
                margin = (npix - widths[index]) // 2
                box = slice(margin, npix - margin)
                kernel.data[index, box, box] = values.reshape(npix, npix)[box, box]
        return PSFKernel(kernel, normalize=True)


class _Fine(NamedTuple):
    """Linear map from a profile to sums over the finer pixels in each pixel of an image.

    Attributes
    ----------
    inside
        Matrix (npix**2, rad) for the finer pixels between two tabulated distances.
    outside, lower, part
        For the others, nearer or farther than all of these: pixel, tabulated distance from which
        the profile is extrapolated, and by how many steps; shape (n,).
    """

    inside: sparse.csr_array
    outside: Ints
    lower: Ints
    part: Floats

    def sums(self, profiles: Floats) -> Floats:
        """Returns one image per profile, shape (n_profiles, npix**2)."""
        found = self.inside @ profiles.T
        drawn = profiles[:, self.lower] * (1 - self.part) + profiles[:, self.lower + 1] * self.part
        np.add.at(found, self.outside, np.maximum(drawn, 0).T)
        return np.asarray(found.T)


@lru_cache(maxsize=8)
def _fine(
    *,
    ra: float,
    dec: float,
    pixel: float,
    proj: str,
    npix: int,
    factor: int,
    stored: tuple[float, ...],
) -> _Fine:
    """Returns the interpolation in distance from the centre, in a `factor` times finer image.

    It is the same for all zenith bins of a source.
    """
    centre = SkyCoord(ra, dec, unit="deg", frame="icrs")
    image = WcsGeom.create(skydir=centre, binsz=pixel, npix=npix, proj=proj, frame="icrs")
    coordinates = image.upsample(factor=factor).get_coord().skycoord
    distance = coordinates.separation(image.center_skydir).to_value("rad")
    blocks = distance.reshape(npix, factor, npix, factor).transpose(0, 2, 1, 3)
    distance, place = blocks.ravel(), np.repeat(np.arange(npix**2), factor**2)
    nodes = np.array(stored)
    lower = np.clip(np.searchsorted(nodes, distance) - 1, 0, len(nodes) - 2)
    part = (distance - nodes[lower]) / (nodes[lower + 1] - nodes[lower])
    near = (part >= 0) & (part <= 1)
    inside = sparse.csr_array(
        (
            np.concatenate([1 - part[near], part[near]]),
            (np.tile(place[near], 2), np.concatenate([lower[near], lower[near] + 1])),
        ),
        shape=(npix**2, len(nodes)),
    )
    return _Fine(inside, place[~near], lower[~near], part[~near])
