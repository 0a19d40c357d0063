import json

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from scipy.optimize import curve_fit

from nugamma.errors import SpectrumError
from nugamma.sources import Source, load_source, published_sources
from nugamma.sources.fit import fit_source, particle_spectra
from nugamma.spectra import ParticleSpectrum, SpectralOperator
from nugamma.spectra.leastsquares import FluxPointsFit
from tests.nugamma.spectra import direct

FLUX = u.Unit("cm-2 s-1 TeV-1")
# arXiv:2309.03007 with gammapy 0.17 and naima:
# chi2/ndf, integral of 0.1-100 TeV, flux at 10 TeV, flux of neutrinos at 10 TeV
PUBLISHED = {
    ("VelaX", "hadronic"): (1.79797, 4.6533e-11, 2.2904e-13, 6.3348e-14),
    ("VelaX", "leptonic"): (1.78385, 4.4698e-11, 2.2860e-13, None),
    ("RXJ1713", "hadronic"): (2.51972, 2.16143e-10, 9.2280e-14, 1.9594e-14),
    ("RXJ1713", "leptonic"): (2.45905, 2.13897e-10, 9.2281e-14, None),
}


@pytest.fixture(scope="module")
def fits():
    return {name: fit_source(load_source(name)) for name in published_sources()}


@pytest.mark.parametrize(("name", "model"), PUBLISHED)
def test_fits_are_the_published_ones(fits, name, model):
    fit = getattr(fits[name], model)
    chi2, integral, dnde, neutrinos = PUBLISHED[name, model]
    assert fit.chi2 / fit.ndf == pytest.approx(chi2, abs=1e-5)
    assert fit.integral["gamma"].to_value("cm-2 s-1") == pytest.approx(integral, rel=5e-5)
    assert fit.dnde_10tev["gamma"].to_value(FLUX) == pytest.approx(dnde, rel=5e-5)
    if neutrinos is None:
        assert set(fit.dnde_10tev) == {"gamma"}
    else:
        assert fit.dnde_10tev["neutrino"].to_value(FLUX) == pytest.approx(neutrinos, rel=5e-5)


@pytest.mark.parametrize(
    ("name", "model", "published"),
    [
        ("VelaX", "leptonic", (5.8643e30, 0.57717, 23.7146)),
        ("RXJ1713", "hadronic", (1.49632e35, 1.99526, 112.256)),
        ("RXJ1713", "leptonic", (2.82914e32, 2.74207, 49.315)),
    ],
)
def test_parameters_are_the_published_ones_where_they_are_determined(fits, name, model, published):
    spectrum = getattr(fits[name], model).spectrum
    found = (spectrum.amplitude, spectrum.alpha, spectrum.e_cutoff)
    assert found == pytest.approx(published, rel=1e-4)
    assert (spectrum.beta, spectrum.e_0) == (1.0, 10.0)


@pytest.mark.parametrize("name", published_sources())
@pytest.mark.parametrize("model", ["hadronic", "leptonic"])
def test_naima_finds_no_better_place(fits, name, model):
    """Least squares with naima itself, from the minimum, gains nothing."""
    fit = getattr(fits[name], model)
    source = fits[name].source
    points = source.flux_points
    scale = (1 * u.kpc / source.distance).to_value("") ** 2

    def expected(_, ln_amplitude, alpha, ln_cutoff):
        shape = (np.exp(ln_amplitude), alpha, np.exp(ln_cutoff), 1.0)
        return direct.flux(fit.emission, points["e_ref"], shape) * scale

    measured, errors = points["dnde"].to_value(FLUX), points["dnde_err"].to_value(FLUX)
    spectrum = fit.spectrum
    start = [np.log(spectrum.amplitude), spectrum.alpha, np.log(spectrum.e_cutoff)]
    found, _ = curve_fit(expected, measured, measured, p0=start, sigma=errors, epsfcn=1e-8)
    chi2 = np.sum(((expected(None, *found) - measured) / errors) ** 2)
    assert fit.chi2 == pytest.approx(chi2, rel=2e-5)


@pytest.mark.parametrize("name", published_sources())
@pytest.mark.parametrize("kind", ["pion-gamma", "inverse-compton"])
def test_every_start_leads_to_the_same_minimum(name, kind):
    source = load_source(name)
    points = source.flux_points
    operator = SpectralOperator.differential(points["e_ref"], kind, source.distance)
    problem = FluxPointsFit.of(name, points, operator)
    starts = problem.starts()
    assert len(starts) > 3
    minima = [problem._refined(start)[0] for start in starts]
    assert minima == pytest.approx([min(minima)] * len(minima), rel=1e-6)


def described(dnde, energy=None, errors=None, **changes):
    energy = np.geomspace(0.5, 50, len(dnde)) if energy is None else energy
    points = QTable(
        {
            "e_ref": energy * u.TeV,
            "dnde": np.asarray(dnde) * FLUX,
            "dnde_err": (0.1 * np.abs(dnde) if errors is None else np.asarray(errors)) * FLUX,
        }
    )
    given = {
        "name": "mine",
        "position": SkyCoord(10, 10, unit="deg"),
        "distance": 1 * u.kpc,
        "morphology": "point",
        "radius": 0 * u.deg,
        "flux_points": points,
    }
    return Source(**(given | changes))


@pytest.mark.parametrize("model", ["hadronic", "leptonic"])
@pytest.mark.parametrize(("alpha", "e_cutoff"), [(1.5, 5.0), (2.0, 100.0), (3.0, 400.0)])
def test_particles_that_made_the_points_are_found(model, alpha, e_cutoff):
    truth = ParticleSpectrum(3e33, alpha, e_cutoff)
    energy = np.geomspace(0.3, 100, 25)
    kind = {"hadronic": "pion-gamma", "leptonic": "inverse-compton"}[model]
    operator = SpectralOperator.differential(
        energy * u.TeV, kind, 2 * u.kpc, target_density=7 / u.cm**3, photon_fields="CMB-FIR"
    )
    source = described(
        operator.flux(truth).value,
        energy,
        distance=2 * u.kpc,
        target_density=7 / u.cm**3,
        photon_fields=load_fields("CMB-FIR"),
    )
    fit = getattr(fit_source(source), model)
    assert fit.chi2 == pytest.approx(0, abs=1e-6)
    assert fit.spectrum.alpha == pytest.approx(alpha, rel=1e-3)
    assert fit.spectrum.e_cutoff == pytest.approx(e_cutoff, rel=1e-2)
    assert fit.spectrum.amplitude == pytest.approx(3e33, rel=1e-2)


def load_fields(names):
    from nugamma.spectra.compton import photon_fields

    return photon_fields(names)


def test_errors_of_the_parameters_follow_from_those_of_the_points():
    """Toy data scatter as the covariance says."""
    source = load_source("RXJ1713")
    fit = fit_source(source).hadronic
    operator = SpectralOperator.differential(
        source.flux_points["e_ref"], "pion-gamma", source.distance
    )
    expected, errors = operator.flux(fit.spectrum), source.flux_points["dnde_err"]
    random = np.random.default_rng(1)
    start = FluxPointsFit.of("toy", source.flux_points, operator).starts()[0]
    found = []
    for _ in range(100):
        points = source.flux_points.copy()
        points["dnde"] = expected + errors * random.normal(size=len(points))
        found.append(FluxPointsFit.of("toy", points, operator)._refined(start)[1])
    assert np.std(found, axis=0)[1] == pytest.approx(np.sqrt(fit.covariance[1, 1]), rel=0.25)


def test_points_without_a_cutoff_are_fitted_all_the_same():
    energy = np.geomspace(0.5, 50, 12)
    fit = fit_source(described(1e-12 * energy**-2.5, energy))
    for model in (fit.hadronic, fit.leptonic):
        assert model.chi2 / model.ndf < 1.5  # scattering bends the spectrum a little by itself
        assert model.dnde_10tev["gamma"].to_value(FLUX) == pytest.approx(1e-12 * 10**-2.5, rel=0.1)
    json.dumps(fit.to_dict(), allow_nan=False)


def test_a_negative_flux_point_among_others_is_accepted():
    flux = [1e-11, 1e-12, 1e-13, 1e-14, -1e-16, 1e-16]
    fit = fit_source(described(flux, errors=[1e-12, 1e-13, 1e-14, 1e-15, 1e-15, 1e-15]))
    assert np.isfinite(fit.hadronic.chi2)


def test_result_is_plain_json_with_units(fits):
    content = json.loads(json.dumps(fits["VelaX"].to_dict(), allow_nan=False))
    assert content["source"]["name"] == "VelaX"
    hadronic = content["hadronic"]
    assert hadronic["chi2_per_ndf"] == pytest.approx(1.79797, abs=1e-5)
    assert hadronic["ndf"] == 21
    assert hadronic["parameters"]["amplitude"]["unit"] == "eV-1"
    assert hadronic["covariance"]["parameters"] == ["amplitude", "alpha", "e_cutoff"]
    assert hadronic["dnde_10TeV"]["neutrino"] == pytest.approx(6.3348e-14, rel=1e-4)
    assert content["leptonic"]["integral_0.1_100TeV"]["unit"] == "cm-2 s-1"


@pytest.mark.parametrize(
    ("dnde", "message"),
    [
        ([1e-12, 1e-13, 1e-14], "mine: 3 flux points cannot determine 3"),
        ([-1e-12] * 5, "no flux point is above zero"),
    ],
)
def test_too_few_points_are_refused(dnde, message):
    with pytest.raises(SpectrumError, match=message):
        fit_source(described(dnde))


def test_given_particles_are_taken_as_they_are():
    electrons = ParticleSpectrum(1e32, 2.0, 30.0)
    source = described([1e-12], flux_points=None, leptonic=electrons)
    assert particle_spectra(source) == (None, electrons)
    with pytest.raises(SpectrumError, match="no flux points"):
        fit_source(source)


def test_particles_are_fitted_where_none_are_given(fits):
    hadronic, leptonic = particle_spectra(load_source("VelaX"))
    assert hadronic == fits["VelaX"].hadronic.spectrum
    assert leptonic == fits["VelaX"].leptonic.spectrum
