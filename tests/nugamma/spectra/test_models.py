import astropy.units as u
import numpy as np
import pytest
from gammapy.datasets import FluxPointsDataset
from gammapy.estimators import FluxPoints
from gammapy.modeling import Fit
from gammapy.modeling.models import Models, NaimaSpectralModel, PointSpatialModel, SkyModel

from nugamma.errors import SpectrumError
from nugamma.sources import load_source
from nugamma.spectra import (
    InverseComptonSpectralModel,
    ParticleSpectrum,
    PhotonField,
    PionDecaySpectralModel,
)
from tests.nugamma.spectra import direct

PROTONS = ParticleSpectrum(1.49632e35, 1.99526, 112.256)
ELECTRONS = ParticleSpectrum(2.82914e32, 2.74207, 49.315)
ENERGY = np.logspace(-1, 2, 20) * u.TeV
MODELS = {
    "gamma": PionDecaySpectralModel.of(PROTONS, distance="2 kpc", target_density="5 cm-3"),
    "neutrino": PionDecaySpectralModel.of(PROTONS, particle="neutrino", distance="3 kpc"),
    "cmb": InverseComptonSpectralModel.of(ELECTRONS, distance="2 kpc"),
    "infrared": InverseComptonSpectralModel.of(
        ELECTRONS, photon_fields=["CMB", PhotonField("dust", 25.0, 0.7)]
    ),
}


@pytest.mark.parametrize(
    ("model", "kind", "spectrum"),
    [
        (PionDecaySpectralModel.of(PROTONS), "pion-gamma", PROTONS),
        (PionDecaySpectralModel.of(PROTONS, particle="neutrino"), "pion-neutrino", PROTONS),
        (InverseComptonSpectralModel.of(ELECTRONS), "inverse-compton", ELECTRONS),
    ],
)
def test_model_is_naima_s(model, kind, spectrum):
    shape = (spectrum.amplitude, spectrum.alpha, spectrum.e_cutoff, spectrum.beta)
    expected = direct.flux(kind, ENERGY, shape)
    assert model(ENERGY).to_value("cm-2 s-1 TeV-1") == pytest.approx(expected, rel=4e-3)
    assert model.particles == spectrum


def test_integrals_are_those_of_gammapy_over_naima():
    expected = NaimaSpectralModel(
        direct.PionDecay(direct.particles(PROTONS.amplitude, 1.99526, 112.256, 1.0), "gamma")
    ).integral(ENERGY[:-1], ENERGY[1:])
    found = PionDecaySpectralModel.of(PROTONS).integral(ENERGY[:-1], ENERGY[1:])
    assert found.to_value("cm-2 s-1") == pytest.approx(expected.to_value("cm-2 s-1"), rel=1e-3)


@pytest.mark.parametrize("name", MODELS)
def test_models_are_written_and_read(name, tmp_path):
    model = MODELS[name].copy()
    model.alpha.frozen = True
    model.e_cutoff.min = 1
    path = tmp_path / "models.yaml"
    Models([SkyModel(model, PointSpatialModel(), name="it")]).write(path)
    read = Models.read(path)["it"].spectral_model
    assert type(read) is type(model)
    assert read(ENERGY).value == pytest.approx(model(ENERGY).value, rel=1e-12)
    assert read.to_dict() == model.to_dict()
    assert read.parameters.free_parameters.names == ["amplitude", "e_cutoff", "beta"]


def test_a_model_adds_to_another_and_is_copied():
    total = MODELS["gamma"] + MODELS["cmb"]
    expected = MODELS["gamma"](ENERGY) + MODELS["cmb"](ENERGY)
    assert total.copy()(ENERGY).value == pytest.approx(expected.value, rel=1e-12)


def test_energies_have_any_unit_and_shape():
    model = MODELS["cmb"]
    grid = model([[1e3, 2e3], [3e3, 1e3]] * u.GeV)
    assert grid.shape == (2, 2)
    assert grid[1, 0].value == pytest.approx(model(3 * u.TeV).value, rel=1e-12)
    assert model(1 * u.TeV).shape == ()


def test_any_bins_are_integrated():
    model = MODELS["gamma"]
    whole = model.integral(1 * u.TeV, 10 * u.TeV)
    parts = model.integral([1, 4] * u.TeV, [4, 10] * u.TeV)
    apart = model.integral([4, 1] * u.TeV, [10, 4] * u.TeV)
    assert whole.shape == ()
    assert parts.sum().value == pytest.approx(whole.value, rel=1e-8)
    assert apart[::-1].value == pytest.approx(parts.value, rel=1e-12)


def test_errors_are_propagated_from_the_parameters():
    model = MODELS["gamma"].copy()
    model.amplitude.error = 0.1 * model.amplitude.value
    dnde, low, high = model.evaluate_error(ENERGY[:3])
    assert (low / dnde).value == pytest.approx(0.1, rel=0.05)
    assert (high / dnde).value == pytest.approx(0.1, rel=0.05)
    flux, low, _ = model.integral_error(1 * u.TeV, 10 * u.TeV, n_samples=500)
    assert (low / flux).to_value("") == pytest.approx(0.1, rel=0.2)


def test_gammapy_fits_flux_points_with_it():
    source = load_source("RXJ1713")
    table = source.flux_points.copy()
    model = PionDecaySpectralModel.of(ParticleSpectrum(1e35, 2.1, 80.0), distance=source.distance)
    model.beta.frozen = True
    dataset = FluxPointsDataset(
        SkyModel(model, name="it"),
        data=FluxPoints.from_table(table, sed_type="dnde", format="gadf-sed"),
    )
    result = Fit().run([dataset])
    assert result.success
    assert result.total_stat / (len(table) - 3) == pytest.approx(2.51972, rel=1e-3)
    assert model.alpha.value == pytest.approx(1.99526, rel=5e-3)


def test_an_unknown_particle_is_refused():
    with pytest.raises(SpectrumError, match="gamma or neutrino"):
        PionDecaySpectralModel(particle="neutron")
