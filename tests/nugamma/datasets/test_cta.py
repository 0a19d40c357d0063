"""CTA's dataset of Vela X: published counts, gammapy's own makers, and the packaged table."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from astropy import units as u
from gammapy.data import FixedPointingInfo, Observation
from gammapy.datasets import MapDataset
from gammapy.irf import FoVAlignment
from gammapy.makers import MapDatasetMaker, SafeMaskMaker
from gammapy.modeling.models import FoVBackgroundModel, PowerLawSpectralModel, SkyModel

from nugamma.datasets import group, pixel_response
from nugamma.datasets.morphology import spatial_model
from nugamma.datasets.published import CTA
from nugamma.errors import DatasetError, ResponseError
from nugamma.spectra.models import InverseComptonSpectralModel, PionDecaySpectralModel

from .statistics import difference


def test_expected_counts_of_vela_x_are_the_published_ones(cta_maps, cta_pixels, gamma_fluxes):
    # gammapy 2.1 with its maps of point spread and dispersion, and naima's fluxes
    assert cta_pixels.signal(gamma_fluxes["pion-gamma"]).sum() == pytest.approx(228464, rel=1e-4)
    compton = cta_pixels.signal(gamma_fluxes["inverse-compton"]).sum()
    assert compton == pytest.approx(224967, rel=1e-4)
    assert cta_maps.background.data.sum(dtype=float) == pytest.approx(2.0736e7, rel=2e-5)
    assert cta_pixels.before_dispersion.shape == (51, 137**2)


def test_exposure_and_background_are_what_gammapys_makers_make(vela, public):
    """On a small map, with few energies."""
    small = CTA.replace(response=public, widths=(5 * u.deg,), pixel=0.25 * u.deg)
    mine = next(small.maps(vela))
    stacked = MapDataset.create(
        mine.counts.geom, energy_axis_true=mine.exposure.geom.axes["energy_true"], name="stacked"
    )
    # gammapy's own irfs, read by gammapy, at four pointings
    irfs = {
        "aeff": public.effective_area,
        "edisp": public.energy_dispersion,
        "psf": public.psf,
        "bkg": public.background,
    }
    for angle in (0, 90, 180, 270) * u.deg:
        pointing = FixedPointingInfo(
            fixed_icrs=vela.position.directional_offset_by(angle, 1 * u.deg)
        )
        observation = Observation.create(pointing=pointing, livetime=50 * u.hour, irfs=irfs)
        made = MapDatasetMaker(selection=["exposure", "background"]).run(
            stacked.copy(name="one"), observation
        )
        masked = SafeMaskMaker(methods=["offset-max"], offset_max=4 * u.deg).run(made, observation)
        stacked.stack(masked)
    assert np.array_equal(mine.mask_safe.data, stacked.mask_safe.data)
    assert mine.background.data == pytest.approx(stacked.background.data, rel=2e-4)
    seen = stacked.exposure.data > 0
    assert mine.exposure.data[seen] == pytest.approx(stacked.exposure.data[seen], rel=2e-4)


def test_linear_response_is_gammapys_prediction(cta_maps, cta_pixels, vela):
    spectrum = PowerLawSpectralModel(index=2.3, amplitude="1e-11 cm-2 s-1 TeV-1")
    cta_maps.models = [SkyModel(spectral_model=spectrum, spatial_model=spatial_model(vela))]
    predicted = cta_maps.npred_signal().data
    cta_maps.models = None
    edges = cta_pixels.energy_true
    flux = spectrum.integral(edges[:-1], edges[1:]).to_value("cm-2 s-1")
    mine = np.zeros_like(predicted, dtype=float)
    mine[:, *cta_pixels.cutout] = cta_pixels.signal(flux).reshape(51, 137, 137)
    counted = predicted > 1e-6 * predicted.max()
    assert counted.sum() > 2e5
    assert np.abs(mine / predicted - 1)[counted].max() < 1e-6


def test_grouped_likelihood_is_gammapys_on_the_full_maps(cta_maps, cta_pixels, vela, spectra):
    """Hadronic against leptonic, as counts expected of the leptonic model decide."""
    hadronic = PionDecaySpectralModel.of(spectra[0], distance=vela.distance)
    leptonic = InverseComptonSpectralModel.of(spectra[1], distance=vela.distance)
    maps = cta_maps.copy(name="cta")
    edges = cta_pixels.energy_true
    fluxes, statistic = [], []
    for spectrum in (leptonic, hadronic):
        model = SkyModel(spectral_model=spectrum, spatial_model=spatial_model(vela))
        maps.models = [model, FoVBackgroundModel(dataset_name="cta")]
        if not statistic:
            maps.counts = maps.npred()
        statistic.append(maps.stat_sum())
        fluxes.append(spectrum.integral(edges[:-1], edges[1:]).to_value("cm-2 s-1"))
    full = statistic[1] - statistic[0]
    assert full == pytest.approx(35.6, abs=0.1)
    assert difference(cta_pixels, *fluxes) == pytest.approx(full, rel=1e-3)  # float32 in gammapy
    assert difference(group(cta_pixels), *fluxes) == pytest.approx(full, rel=2e-3)


@pytest.mark.parametrize(("groups", "lost"), [(10, 0.0050), (20, 0.00134), (40, 0.00034)])
def test_grouping_loses_what_the_documentation_says(cta_pixels, gamma_fluxes, groups, lost):
    truth, model = gamma_fluxes["inverse-compton"], gamma_fluxes["pion-gamma"]
    full = difference(cta_pixels, truth, model)
    grouped = difference(group(cta_pixels, groups=groups), truth, model)
    assert 1 - grouped / full == pytest.approx(lost, rel=0.1)


def test_groups_hold_all_counts(cta_maps, cta_pixels, gamma_fluxes):
    folded = group(cta_pixels)
    flux = gamma_fluxes["pion-gamma"]
    assert folded.background.sum() == pytest.approx(
        cta_maps.background.data.sum(dtype=float), rel=1e-9
    )
    expected = cta_pixels.signal(flux).sum()
    assert (folded.npred(flux) - folded.background).sum() == pytest.approx(expected, rel=1e-9)
    assert (folded.name, folded.messenger) == ("cta", "gamma")
    assert set(folded.energy_bin) == set(range(51))


def test_the_packaged_table_gives_the_limits_of_the_public_file(vela, cta_pixels, gamma_fluxes):
    """Asimov scans of the hadronic fraction, shapes pinned, flat prior."""
    packaged = group(pixel_response(next(CTA.maps(vela)), spatial_model(vela), "gamma"))
    hadronic, leptonic = gamma_fluxes["pion-gamma"], gamma_fluxes["inverse-compton"]
    fractions = np.linspace(0, 1, 101)
    for truth, quantile in ((leptonic, 0.9), (hadronic, 0.1)):
        limits, ends = [], []
        for folded in (group(cta_pixels), packaged):
            scan = np.array(
                [difference(folded, truth, f * hadronic + (1 - f) * leptonic) for f in fractions]
            )
            content = np.cumsum(np.exp(-scan / 2))
            limits.append(np.interp(quantile, content / content[-1], fractions))
            ends.append(scan.max())
        assert ends[1] / ends[0] == pytest.approx(1, abs=0.005)
        assert limits[1] - limits[0] == pytest.approx(0, abs=0.002)
    assert 0.70 < limits[0] < 0.75


def test_a_response_with_too_few_energies_is_refused(vela, public):
    area = public.effective_area
    low = area.slice_by_idx({"energy_true": slice(0, 20)})
    with pytest.raises(
        ResponseError, match=r"effective area in .* CTA covers .* the analysis needs"
    ):
        next(CTA.replace(response=dataclasses.replace(public, effective_area=low)).maps(vela))


def test_a_background_aligned_with_the_horizon_is_refused(vela, public):
    background = public.background.__class__(
        axes=public.background.axes,
        data=public.background.data,
        unit=public.background.unit,
        fov_alignment=FoVAlignment.ALTAZ,
    )
    with pytest.raises(ResponseError, match="aligned with the horizon"):
        next(CTA.replace(response=dataclasses.replace(public, background=background)).maps(vela))


def test_a_livetime_of_zero_is_refused():
    with pytest.raises(DatasetError, match=r"cannot observe for 0\.0 h"):
        CTA.replace(livetime=0 * u.hour)
