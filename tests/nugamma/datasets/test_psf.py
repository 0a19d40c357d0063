"""The fast kernel against gammapy's own."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from gammapy.irf import PSFMap
from gammapy.maps import MapAxis, WcsGeom

from nugamma.datasets.psf import SourcePSFMap


def gaussians(sigma: u.Quantity) -> SourcePSFMap:
    energy = MapAxis.from_energy_bounds("1 TeV", "100 TeV", len(sigma), name="energy_true")
    rad = MapAxis.from_edges(np.linspace(0, 3, 61), unit="deg", name="rad")
    values = np.exp(-0.5 * (rad.center / sigma[:, np.newaxis]).to_value("") ** 2)
    return SourcePSFMap.from_values(values * u.sr**-1, rad, energy)


@pytest.mark.parametrize("declination", [-60, 0, 40])
def test_kernel_is_gammapys(declination):
    psf = gaussians([0.8, 0.3, 0.1, 0.04] * u.deg)
    geom = WcsGeom.create(
        skydir=SkyCoord(200, declination, unit="deg"),
        binsz=0.1,
        width=12,
        frame="icrs",
        axes=[psf.psf_map.geom.axes["energy_true"]],
    )
    plain = PSFMap(psf.psf_map, psf.exposure_map)
    for options in ({}, {"max_radius": 0.5 * u.deg}, {"containment": 0.9}):
        fast, slow = psf.get_psf_kernel(geom, **options), plain.get_psf_kernel(geom, **options)
        assert fast.psf_kernel_map.geom == slow.psf_kernel_map.geom
        assert np.abs(fast.data - slow.data).max() <= 1e-7 * slow.data.max()
        assert fast.data.sum(axis=(1, 2)) == pytest.approx(1, abs=1e-6)


def test_other_frames_get_gammapys_kernel():
    psf = gaussians([0.3, 0.1] * u.deg)
    geom = WcsGeom.create(
        skydir=SkyCoord(10, 2, unit="deg", frame="galactic"),
        binsz=0.1,
        width=3,
        frame="galactic",
        axes=[psf.psf_map.geom.axes["energy_true"]],
    )
    plain = PSFMap(psf.psf_map, psf.exposure_map).get_psf_kernel(geom)
    assert np.array_equal(psf.get_psf_kernel(geom).data, plain.data)


def test_values_are_normalised_over_the_sphere():
    psf = gaussians([0.3, 0.1] * u.deg)
    assert psf.containment(3 * u.deg, [1, 90] * u.TeV).value == pytest.approx(1, abs=1e-6)
