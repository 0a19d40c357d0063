"""Linear response and groups of a small dataset, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nugamma.datasets import FoldedDataset, group, pixel_response
from nugamma.datasets.morphology import spatial_model
from nugamma.errors import DatasetError

from .small import CENTRE, Somewhere, dataset
from .statistics import difference


@pytest.fixture(scope="module")
def pixels():
    return pixel_response(dataset(), spatial_model(Somewhere()), "gamma")


def test_a_disk_without_dispersion_has_the_counts_of_exposure_times_flux():
    maps = dataset()
    maps.mask_safe = None
    response = pixel_response(maps, spatial_model(Somewhere()), "gamma")
    events = response.before_dispersion.sum(axis=1)
    # 1 cm-2 s-1 on 1e9 m2 s; gammapy integrates a disk to 0.3 % on such pixels.
    assert events == pytest.approx(1e13 * np.arange(1, 5), rel=3e-3)


def test_masked_pixels_are_in_no_group(pixels):
    folded = group(pixels)
    assert folded.background.sum() == pytest.approx((40 * 40 - 1) * 4.2, rel=1e-6)
    flux = np.full(4, 1e-12)
    everything = pixels.signal(flux).sum()
    middle = pixels.signal(flux)[~pixels.used].sum()
    assert middle > 0
    found = (folded.npred(flux) - folded.background).sum()
    assert found == pytest.approx(everything - middle, rel=1e-6)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(0, 1e-11), min_size=4, max_size=4), st.integers(1, 60))
def test_groups_never_contain_more_information_than_pixels_and_expected_counts_are_linear(
    pixels, flux, groups
):
    flux = np.array(flux)
    folded = group(pixels, groups=groups)
    twice = folded.npred(2 * flux) - folded.background
    assert twice == pytest.approx(2 * (folded.npred(flux) - folded.background), rel=1e-9, abs=1e-9)
    full = difference(pixels, flux, 1.3 * flux)
    # Without the masked pixel, and with less to tell.
    assert difference(folded, flux, 1.3 * flux) <= full * (1 + 1e-9) + 1e-7


def test_more_groups_lose_less(pixels):
    flux = np.array([5e-12, 3e-12, 1e-12, 5e-13])
    lost = [
        difference(pixels, flux, 0 * flux) - difference(group(pixels, groups=n), flux, 0 * flux)
        for n in (2, 8, 32)
    ]
    assert lost[0] > lost[1] > lost[2]


@pytest.mark.parametrize("what", ["exposure", "background"])
@pytest.mark.parametrize(
    ("value", "message"), [(-1.0, "is negative in places"), (np.nan, "has non-finite")]
)
def test_negative_numbers_and_nan_in_maps_are_refused(what, value, message):
    maps = dataset()
    getattr(maps, what).data[1, 3, 3] = value
    with pytest.raises(DatasetError, match=f"dataset small: the {what} {message}"):
        pixel_response(maps, spatial_model(Somewhere()), "gamma")


def test_no_exposure_and_missing_maps_are_refused():
    maps = dataset()
    maps.exposure.data *= 0
    with pytest.raises(DatasetError, match="exposure is zero everywhere"):
        pixel_response(maps, spatial_model(Somewhere()), "gamma")
    maps = dataset()
    maps.edisp = None
    with pytest.raises(DatasetError, match="has no edisp"):
        pixel_response(maps, spatial_model(Somewhere()), "gamma")


def test_a_source_outside_the_map_is_refused():
    class Away(Somewhere):
        position = CENTRE.directional_offset_by(0 * u.deg, 10 * u.deg)

    with pytest.raises(DatasetError, match="lies outside the map"):
        pixel_response(dataset(), spatial_model(Away()), "gamma")


@pytest.mark.parametrize(
    ("morphology", "radius", "message"),
    [
        ("ring", 1, "unknown morphology 'ring'; use disk, gaussian or point"),
        ("disk", 0, "a disk of radius 0.0 deg does not fit"),
        ("disk", 0.03, "a disk of radius 0.03 deg is too small"),
        ("gaussian", 30, "a gaussian of radius 30.0 deg does not fit"),
        ("gaussian", np.nan, "a gaussian of radius nan deg does not fit"),
    ],
)
def test_invalid_morphologies_are_refused(morphology, radius, message):
    source = Somewhere()
    source.morphology, source.radius = morphology, radius * u.deg
    with pytest.raises(DatasetError, match=message):
        spatial_model(source)


@pytest.mark.parametrize("morphology", ["disk", "gaussian", "point"])
def test_each_morphology_keeps_its_events_and_its_place(morphology):
    source = Somewhere()
    source.morphology, source.radius = morphology, 0.1 * u.deg
    model = spatial_model(source)
    assert not model.parameters.free_parameters
    response = pixel_response(dataset(), model, "gamma")
    image = response.before_dispersion[0].reshape(
        response.cutout[0].stop - response.cutout[0].start, -1
    )
    assert image.sum() == pytest.approx(1e13, rel=3e-3)
    centre = np.array([s.start for s in response.cutout]) + np.array(
        [(image.sum(axis=1 - k) * np.arange(image.shape[k])).sum() / image.sum() for k in (0, 1)]
    )
    assert centre == pytest.approx([19.5, 19.5], abs=0.01)


def test_no_groups_are_refused(pixels):
    with pytest.raises(DatasetError, match="0 groups: at least one"):
        group(pixels, groups=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"background": np.ones(3)}, "signal has 2 groups"),
        ({"energy_true": [1, 2] * u.TeV}, "3 true-energy bins need 4 edges"),
        ({"signal": -np.ones((2, 3))}, "signal has negative or non-finite"),
        ({"background": np.array([1, np.nan])}, "background has negative or non-finite"),
    ],
)
def test_a_folded_dataset_that_does_not_fit_together_is_refused(change, message):
    parts = {
        "name": "x",
        "messenger": "gamma",
        "energy_true": [1, 2, 4, 8] * u.TeV,
        "signal": np.ones((2, 3)),
        "background": np.ones(2),
        "energy_bin": np.zeros(2, dtype=int),
    }
    FoldedDataset(**parts)
    with pytest.raises(DatasetError, match=message):
        FoldedDataset(**(parts | change))
