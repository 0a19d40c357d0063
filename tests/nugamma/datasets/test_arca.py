"""KM3NeT's datasets of Vela X: published counts, and gammapy's own evaluation of them."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from gammapy.modeling.models import FoVBackgroundModel, PowerLawSpectralModel, SkyModel

from nugamma.datasets.morphology import spatial_model
from nugamma.datasets.published import ARCA
from nugamma.errors import DatasetError
from nugamma.responses.arca import ArcaResponse
from nugamma.spectra import SpectralOperator

from .statistics import difference

REGION = 1.3 * u.deg
#: In the region, each bin of reconstructed energy; the time step hardly matters.
SIGNAL = (1.21, 1.81, 2.71, 4.13, 6.08, 7.54, 7.59, 6.28, 3.90, 1.81, 0.64, 0.16, 0.03)
NEUTRINOS = (12.0, 15.5, 19.7, 24.2, 26.4, 23.0, 15.6, 8.6, 3.9, 1.5, 0.54, 0.18, 0.06)


@pytest.fixture(scope="module")
def edges(arca_maps) -> u.Quantity:
    return arca_maps[0].exposure.geom.axes["energy_true"].edges


@pytest.fixture(scope="module")
def fluxes(vela, spectra, edges) -> np.ndarray:
    return SpectralOperator(edges, "pion-neutrino", vela.distance).flux(spectra[0]).value


@pytest.fixture(scope="module")
def published_fluxes(vela, spectra, edges) -> np.ndarray:
    """Fluxes as the publication's gammapy integrated them, with one power law over each bin."""
    differential = SpectralOperator.differential(edges, "pion-neutrino", vela.distance)
    values, energy = differential.flux(spectra[0]).value, edges.to_value("TeV")
    with np.errstate(all="ignore"):  # no protons are left far above the cutoff
        index = -np.log(values[1:] / values[:-1]) / np.log(energy[1:] / energy[:-1])
        ratio = (energy[1:] / energy[:-1]) ** (1 - index) - 1
        return np.nan_to_num(values[:-1] * energy[:-1] * ratio / (1 - index))


def inside(maps, pixels, vela) -> np.ndarray:
    """Which pixels of the cutout lie in the region."""
    near = maps.counts.geom.to_image().separation(vela.position) < REGION
    return near[pixels.cutout].ravel()


def test_expected_signal_of_vela_x_is_the_published_one(
    arca_maps, arca_pixels, vela, published_fluxes, fluxes
):
    spectrum, exact = np.zeros(16), 0.0
    for maps, pixels in zip(arca_maps, arca_pixels, strict=True):
        near = inside(maps, pixels, vela)
        spectrum += pixels.signal(published_fluxes)[:, near].sum(axis=1)
        exact += pixels.signal(fluxes)[:, near].sum()
    assert spectrum.sum() == pytest.approx(43.912, rel=2e-4)
    assert spectrum[:13] == pytest.approx(SIGNAL, rel=2e-3, abs=0.006)
    # Exact integrals over the bins are a little larger.
    assert exact == pytest.approx(43.912 * 1.0016, rel=3e-4)


def test_expected_signal_of_the_whole_map_and_of_each_zenith_bin(
    arca_maps, arca_pixels, vela, fluxes
):
    whole = sum(pixels.signal(fluxes).sum() for pixels in arca_pixels)
    assert whole == pytest.approx(52.8, abs=0.1)
    near = [
        pixels.signal(fluxes)[:, inside(maps, pixels, vela)].sum()
        for maps, pixels in zip(arca_maps, arca_pixels, strict=True)
    ]
    # With the step of a day that these datasets have; one of 8 h moves 2 % to neighbouring bins.
    assert near == pytest.approx([9.95, 5.10, 4.44, 4.40, 4.66, 5.64, 9.73], rel=2.5e-3)


def test_expected_background_of_vela_x_is_the_published_one(arca_maps, vela):
    near = arca_maps[0].counts.geom.to_image().separation(vela.position) < REGION
    spectrum = sum(maps.background.data[:, near].sum(axis=1) for maps in arca_maps)
    assert spectrum.sum() == pytest.approx(151.327 + 0.641, rel=2e-4)
    # A few muons come on top of the neutrinos.
    assert np.all(spectrum[:13] >= np.array(NEUTRINOS) - 0.06)
    assert spectrum[:13] == pytest.approx(NEUTRINOS, rel=0.01, abs=0.13)
    total = sum(maps.background.data.sum(dtype=float) for maps in arca_maps)
    assert total == pytest.approx(2.3e4, rel=0.01)


def test_muons_come_from_above_the_horizon_only():
    response = ArcaResponse.read()
    edges = [1e2, 1e6] * u.GeV
    zeniths = [85, 92, 100, 120, 160] * u.deg
    rates = response.background_rate("muons", edges, zeniths).value.ravel()
    assert rates[0] > 0
    assert not rates[2:].any()


def test_datasets_are_ordinary_ones_from_the_most_upgoing(arca_maps):
    assert [maps.name for maps in arca_maps] == [f"nu{number}" for number in range(1, 8)]
    for maps in arca_maps:
        assert maps.counts.geom.data_shape == (16, 300, 300)
        assert maps.exposure.geom.data_shape == (80, 300, 300)
        assert maps.exposure.unit == "m2 s"
        assert maps.mask_safe.data.all()
    livetimes = [maps.exposure.meta["livetime"] for maps in arca_maps]
    assert u.Quantity(livetimes).sum().to_value("yr") == pytest.approx(10)


@pytest.mark.parametrize("number", [0, 6])
def test_linear_response_is_gammapys_prediction(arca_maps, arca_pixels, vela, edges, number):
    maps, pixels = arca_maps[number], arca_pixels[number]
    spectrum = PowerLawSpectralModel(index=2.3, amplitude="1e-12 cm-2 s-1 TeV-1")
    maps.models = [SkyModel(spectral_model=spectrum, spatial_model=spatial_model(vela))]
    predicted = maps.npred_signal().data
    maps.models = None
    flux = spectrum.integral(edges[:-1], edges[1:]).to_value("cm-2 s-1")
    mine = np.zeros_like(predicted, dtype=float)
    mine[:, *pixels.cutout] = pixels.signal(flux).reshape(16, *mine[0][pixels.cutout].shape)
    counted = predicted > 1e-6 * predicted.max()
    assert counted.sum() > 1e5
    assert np.abs(mine / predicted - 1)[counted].max() < 1e-6


def test_grouped_likelihood_is_gammapys_on_the_full_maps(arca_maps, arca_folded, vela, edges):
    """Signal or none, as counts expected with the signal decide, in the most telling bins."""
    spectrum = PowerLawSpectralModel(index=2.2, amplitude="2e-13 cm-2 s-1 TeV-1")
    spectrum.reference.value = 3
    flux = spectrum.integral(edges[:-1], edges[1:]).to_value("cm-2 s-1")
    full = grouped = 0.0
    for number in (0, 6):
        maps = arca_maps[number].copy(name=f"nu{number + 1}")
        model = SkyModel(spectral_model=spectrum.copy(), spatial_model=spatial_model(vela))
        maps.models = [model, FoVBackgroundModel(dataset_name=maps.name)]
        maps.counts = maps.npred()
        with_signal = maps.stat_sum()
        model.spectral_model.amplitude.value = 0
        full += maps.stat_sum() - with_signal
        grouped += difference(arca_folded[number], flux, np.zeros(80))
    assert full > 1
    assert grouped == pytest.approx(full, rel=2e-3)


def test_grouping_loses_little_between_signal_and_none(arca_pixels, arca_folded, fluxes):
    for truth, model in ((fluxes, 0 * fluxes), (0 * fluxes, fluxes), (fluxes / 2, fluxes)):
        full = sum(difference(pixels, truth, model) for pixels in arca_pixels)
        grouped = sum(difference(folded, truth, model) for folded in arca_folded)
        assert 0 <= 1 - grouped / full < 2e-3


def test_a_source_that_is_never_visible_is_refused(vela):
    class North:
        name, morphology, radius = "north", "disk", 0.5 * u.deg
        position = vela.position.__class__(0 * u.deg, 80 * u.deg)

    with pytest.raises(DatasetError, match="never low enough for ARCA"):
        next(ARCA.maps(North()))
