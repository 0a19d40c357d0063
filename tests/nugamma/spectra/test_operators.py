import itertools

import astropy.units as u
import numpy as np
import pytest
from scipy.integrate import quad

from nugamma.errors import NugammaError
from nugamma.spectra import Emission, ParticleSpectrum, SpectralOperator
from tests.nugamma.spectra import direct

KPC = 1 * u.kpc
EDGES = np.logspace(-1, 2.1875, 52) * u.TeV
ENERGIES = np.logspace(-1, 3, 33) * u.TeV
FITTED = {  # facts of the published fits, and what lies around them
    "pion-gamma": [(4.057e30, -4.935, 14.29, 1.0), (1.49632e35, 1.99526, 112.256, 1.0)],
    "pion-neutrino": [(4.057e30, -4.935, 14.29, 1.0), (1.49632e35, 1.99526, 112.256, 1.0)],
    "inverse-compton": [(5.8643e30, 0.57717, 23.7146, 1.0), (2.82914e32, 2.74207, 49.315, 1.0)],
}
SHAPES = [
    (1e32, alpha, e_cutoff, beta)
    for alpha, e_cutoff, beta in itertools.product(
        (-5, -2, 0, 1, 2, 3, 4), (3, 30, 300, 3000), (0.1, 0.5, 1, 2)
    )
]


def deviations(kind, shapes, fields="CMB", energies=ENERGIES):
    """Relative deviations from naima, where the flux is not negligible."""
    operator = SpectralOperator.differential(energies, kind, KPC, photon_fields=fields)
    found = []
    for shape in shapes:
        expected = direct.flux(kind, energies, shape, fields)
        sed = expected * energies.value**2
        visible = sed > 1e-6 * sed.max()
        flux = operator.flux(ParticleSpectrum(*shape)).value
        found.append(np.abs(flux[visible] / expected[visible] - 1))
    return np.concatenate(found)


@pytest.mark.parametrize("kind", Emission)
def test_fluxes_of_the_published_fits_are_those_of_naima(kind):
    found = deviations(kind, FITTED[kind])
    assert found.max() < 1e-3
    assert np.median(found) < 3.5e-4


@pytest.mark.parametrize("kind", Emission)
def test_fluxes_agree_with_naima_over_a_wide_range_of_shapes(kind):
    found = deviations(kind, SHAPES, energies=ENERGIES[::4])
    assert found.max() < 4e-3
    assert np.median(found) < 1e-4


def test_scattering_on_infrared_fields_agrees_with_naima():
    found = deviations("inverse-compton", SHAPES[::3], "CMB-FIR-NIR", ENERGIES[::3])
    assert found.max() < 4e-3
    assert np.median(found) < 1e-4


@pytest.mark.parametrize("kind", Emission)
def test_bins_hold_the_integrals_of_the_differential_flux(kind):
    spectrum = ParticleSpectrum(1e32, 2.2, 40.0)
    edges = [0.1, 0.3, 1, 30, 100] * u.TeV

    def dnde(energy):
        return SpectralOperator.differential([energy] * u.TeV, kind, KPC).flux(spectrum).value[0]

    flux = SpectralOperator(edges, kind, KPC).flux(spectrum)
    for low, high, value in zip(edges[:-1].value, edges[1:].value, flux.value, strict=True):
        expected = quad(
            lambda log: dnde(np.exp(log)) * np.exp(log), np.log(low), np.log(high), epsrel=1e-6
        )[0]
        assert value == pytest.approx(expected, rel=1e-5)
    assert flux.unit == u.Unit("cm-2 s-1")


def test_flux_falls_with_the_square_of_the_distance_and_grows_with_the_target():
    spectrum = ParticleSpectrum(1e32, 2.0, 100.0)
    near = SpectralOperator(EDGES, "pion-gamma", KPC).flux(spectrum)
    far = SpectralOperator(EDGES, "pion-gamma", 3 * KPC, target_density=9 / u.cm**3).flux(spectrum)
    assert far.value == pytest.approx(near.value, rel=1e-12)


def test_no_flux_is_negative_however_steep_the_particles_fall():
    steep = [(1.0, 5.0, 0.05, 2.0), (1.0, -8.0, 0.1, 4.0), (1.0, 30.0, 1.0, 1.0)]
    for kind, shape in itertools.product(Emission, steep):
        operator = SpectralOperator(EDGES, kind, KPC, photon_fields="CMB-FIR-NIR")
        assert np.all(operator.matrix >= 0)
        assert np.all(operator.flux(ParticleSpectrum(*shape)).value >= 0)


def test_no_energy_of_the_parent_is_exceeded():
    operator = SpectralOperator.differential(ENERGIES, "pion-neutrino", KPC)
    above = operator.nodes[np.newaxis] < operator.energy.value[:, np.newaxis]
    assert np.all(operator.matrix[above] == 0)
    assert np.all(operator.matrix.sum(axis=1) > 0)


def test_matrix_is_made_once_and_cannot_be_changed():
    operator = SpectralOperator(EDGES, "pion-gamma", KPC)
    with pytest.raises(ValueError, match="read-only"):
        operator.matrix[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        operator.nodes[0] = 1


def test_pion_decay_below_its_parametrisation_is_warned_of(caplog):
    SpectralOperator([0.1, 1] * u.TeV, "pion-gamma", KPC)
    SpectralOperator([0.01, 1] * u.TeV, "inverse-compton", KPC)
    assert not caplog.records
    SpectralOperator([0.01, 1] * u.TeV, "pion-gamma", KPC)
    assert "too low" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"edges": [1, 0.5] * u.TeV}, "ascend"),
        ({"edges": [1] * u.TeV}, "at least 2"),
        ({"edges": [0, 1] * u.TeV}, "positive"),
        ({"edges": [1, np.nan] * u.TeV}, "finite"),
        ({"edges": [1, 2] * u.s}, "not convertible"),
        ({"kind": "synchrotron"}, "pion-gamma, pion-neutrino, inverse-compton"),
        ({"distance": 1 * u.TeV}, "distance"),
        ({"distance": 0 * u.kpc}, "distance"),
        ({"distance": np.nan * u.kpc}, "distance"),
        ({"target_density": -1 / u.cm**3}, "target density"),
        ({"photon_fields": "CMB-starlight"}, "CMB, FIR, NIR"),
        ({"photon_fields": ["CMB", "CMB"]}, "each name once"),
        ({"photon_fields": []}, "at least one"),
    ],
)
def test_invalid_input_is_refused(arguments, message):
    given = {"edges": EDGES, "kind": "inverse-compton", "distance": KPC} | arguments
    with pytest.raises(NugammaError, match=message):
        SpectralOperator(given.pop("edges"), given.pop("kind"), given.pop("distance"), **given)
