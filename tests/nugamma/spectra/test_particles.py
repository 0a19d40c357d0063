import astropy.units as u
import naima
import numpy as np
import pytest

from nugamma.errors import SpectrumError
from nugamma.spectra import ParticleSpectrum, PhotonField
from nugamma.spectra.compton import photon_fields

ENERGY = np.logspace(-1, 5, 50)


def test_particles_are_those_of_naima():
    expected = naima.models.ExponentialCutoffPowerLaw(3e32 / u.eV, 10 * u.TeV, 2.3, 70 * u.TeV, 0.8)
    spectrum = ParticleSpectrum(3e32, 2.3, 70.0, 0.8)
    assert spectrum(ENERGY * u.TeV).value == pytest.approx(
        expected(ENERGY * u.TeV).to_value("eV-1"), rel=1e-12
    )


@pytest.mark.parametrize("index", range(4))
def test_gradient_is_the_difference_quotient(index):
    values = [2.0, 2.3, 70.0, 0.8]
    step = 1e-5 * values[index]
    low, high = list(values), list(values)
    low[index] -= step
    high[index] += step
    difference = ParticleSpectrum(*high).values(ENERGY) - ParticleSpectrum(*low).values(ENERGY)
    gradient = ParticleSpectrum(*values).gradient(ENERGY)[index]
    expected = difference / (2 * step)
    assert gradient == pytest.approx(expected, rel=1e-6, abs=1e-12 * np.abs(expected).max())


def test_gradient_far_above_the_cutoff_is_zero_not_nan():
    gradient = ParticleSpectrum(1.0, 2.0, 1e-3, 50.0).gradient(ENERGY)
    assert np.all(np.isfinite(gradient))
    assert gradient[:, -1] == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((np.nan, 2.0, 10.0), "amplitude"),
        ((-1.0, 2.0, 10.0), "negative"),
        ((1.0, np.inf, 10.0), "alpha"),
        ((1.0, 2.0, 0.0), "e_cutoff"),
        ((1.0, 2.0, 10.0, -1.0), "beta"),
    ],
)
def test_impossible_parameters_are_refused(values, message):
    with pytest.raises(SpectrumError, match=message):
        ParticleSpectrum(*values)


def test_named_photon_fields_are_those_of_naima():
    cmb, fir = photon_fields("CMB-FIR")
    assert (cmb.temperature, cmb.energy_density) == pytest.approx((2.72548, 0.2606), rel=1e-3)
    assert (fir.temperature, fir.energy_density) == pytest.approx((30.0, 0.5))


@pytest.mark.parametrize("value", [0.0, -3.0, np.nan, np.inf])
def test_photon_fields_without_energy_are_refused(value):
    with pytest.raises(SpectrumError, match="dust"):
        PhotonField("dust", value, 0.5)
    with pytest.raises(SpectrumError, match="dust"):
        PhotonField("dust", 30.0, value)
