"""A dataset of a few pixels, for what does not need a large one."""

from __future__ import annotations

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from gammapy.datasets import MapDataset
from gammapy.irf import EDispKernelMap
from gammapy.maps import Map, MapAxis, WcsGeom

from nugamma.datasets.psf import SourcePSFMap

CENTRE = SkyCoord(83.6, 22, unit="deg", frame="icrs")


class Somewhere:
    """A source at the centre of the small dataset."""

    name = "somewhere"
    position = CENTRE
    morphology = "disk"
    radius = 0.3 * u.deg


def dataset() -> MapDataset:
    """Four true and three reconstructed energies, 40 x 40 pixels, one of them masked."""
    energy = MapAxis.from_energy_bounds("1 TeV", "10 TeV", 3)
    true = MapAxis.from_energy_bounds("0.5 TeV", "20 TeV", 4, name="energy_true")
    rad = MapAxis.from_edges(np.linspace(0, 1, 41), unit="deg", name="rad")
    geom = WcsGeom.create(skydir=CENTRE, binsz=0.05, npix=40, frame="icrs", axes=[energy])
    gaussian = np.exp(-0.5 * (rad.center.value / 0.1) ** 2) * np.ones((4, 1))
    exposure = Map.from_geom(geom.to_image().to_cube([true]), unit="m2 s")
    exposure.data += 1e9 * np.arange(1, 5).reshape(4, 1, 1)
    mask = Map.from_geom(geom, data=np.ones(geom.data_shape, dtype=bool))
    mask.data[:, 20, 20] = False
    background = Map.from_geom(geom)
    background.data += np.array([3.0, 1.0, 0.2]).reshape(3, 1, 1)
    return MapDataset(
        name="small",
        counts=Map.from_geom(geom),
        exposure=exposure,
        background=background,
        psf=SourcePSFMap.from_values(gaussian * u.sr**-1, rad, true),
        edisp=EDispKernelMap.from_diagonal_response(energy, true),
        mask_safe=mask,
    )
