"""The batched likelihood is Cash's statistic, with the right derivatives and minima."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from nugamma.datasets.folded import FoldedDataset
from nugamma.errors import InferenceError
from nugamma.inference import newton, pinned, profile, shapes
from nugamma.inference.emission import thinned
from nugamma.inference.likelihood import Likelihood, Mixture, cash
from nugamma.inference.prefits import prefit
from nugamma.inference.problem import Problem, build, parameters, spectrum
from nugamma.inference.pseudo import draw
from nugamma.inference.response import stack
from nugamma.inference.scans import POINTS
from nugamma.spectra import ParticleSpectrum, SpectralOperator
from tests.nugamma.inference import synthetic

FRACTIONS = np.array([0.0, 0.2, 0.7, 1.0])


@pytest.fixture(scope="module")
def problem() -> Problem:
    return synthetic.problem()


def likelihood(problem: Problem, *, free_backgrounds: bool) -> tuple[Likelihood, np.ndarray]:
    gamma, neutrino = draw(problem, 0.0, 1, 0)
    mixture = Mixture(FRACTIONS, 1 - FRACTIONS, FRACTIONS)
    made = Likelihood(problem, mixture, gamma, neutrino, free_backgrounds=free_backgrounds)
    flux, proton = parameters(problem.protons, problem.hadronic)
    electron = parameters(problem.electrons, problem.leptonic)[1]
    point = made.start(np.full(4, flux), proton + 0.1, electron - 0.1)
    point[:, 7:] = 1.01
    return made, point


def test_cash_is_twice_the_negative_log_of_poisson(problem: Problem) -> None:
    gamma, _ = draw(problem, 0.0, 1, 0)
    expected = problem.expected(0.3)[0]
    background = problem.gamma.background
    poisson = [-2 * stats.poisson.logpmf(gamma, mean).sum() for mean in (expected, background)]
    statistic = cash(expected, gamma, background) - cash(background, gamma, background)
    assert statistic == pytest.approx(poisson[0] - poisson[1], rel=1e-9)


@pytest.mark.parametrize("free_backgrounds", [False, True])
def test_derivatives_are_those_of_the_statistic(problem: Problem, free_backgrounds: bool) -> None:
    made, point = likelihood(problem, free_backgrounds=free_backgrounds)
    rows = np.arange(4)
    local = made.evaluate(point, rows)
    for index in range(made.size):
        step = np.zeros(made.size)
        step[index] = 1e-4
        above, below = made.evaluate(point + step, rows), made.evaluate(point - step, rows)
        slope = (above.value - below.value) / 2e-4
        assert slope == pytest.approx(local.gradient[:, index], rel=1e-5, abs=1e-3)
        bend = (above.gradient - below.gradient) / 2e-4
        size = np.sqrt(local.scale * local.scale[:, [index]]) + 1e-3
        assert np.abs(bend - local.hessian[:, index]).max() <= 1e-5 * size.max()


def test_expected_counts_are_linear_in_the_share(problem: Problem) -> None:
    (none, nothing), (whole, most), (half, some) = (problem.expected(f) for f in (0, 1, 0.5))
    assert half == pytest.approx((none + whole) / 2)
    assert some == pytest.approx((nothing + most) / 2)
    assert nothing == pytest.approx(problem.neutrino.background)
    with pytest.raises(InferenceError, match="within"):
        problem.expected(1.2)


def test_prefits_are_minima_of_an_independent_fit(problem: Problem) -> None:
    gamma, _ = draw(problem, 0.0, 1, 3)
    fits = prefit(problem, gamma)
    assert fits.converged.all()
    proton, electron = fits.spectra(problem)
    operator = SpectralOperator(problem.gamma.energy_true, "inverse-compton", synthetic.DISTANCE)

    def statistic(values: np.ndarray) -> float:
        trial = ParticleSpectrum(
            electron.amplitude * np.exp(values[0]),
            values[1],
            np.exp(values[2]),
            values[3],
        )
        counts = problem.gamma.background + problem.gamma.signal @ operator.flux(trial).value
        return float(cash(counts, gamma, problem.gamma.background))

    near = [0.0, electron.alpha, np.log(electron.e_cutoff), electron.beta]
    found = optimize.minimize(
        statistic,
        np.array(near) + 0.02,
        method="Nelder-Mead",
        options={"xatol": 1e-6, "fatol": 1e-5, "maxiter": 4000, "maxfev": 4000},
    )
    assert fits.statistic[1] == pytest.approx(found.fun, abs=5e-3)
    assert electron.beta != 1
    assert proton.amplitude > 0


@settings(max_examples=40, deadline=None)
@given(alpha=st.floats(-4.0, 4.0), cutoff=st.floats(15.0, 1000.0), beta=st.floats(0.5, 1.5))
def test_shapes_are_the_published_spectra(alpha: float, cutoff: float, beta: float) -> None:
    published = ParticleSpectrum(1e33, alpha, cutoff, beta)
    shape = shapes.from_spectrum(published, 100.0)
    unbound = (shape > shapes.LOWER) & (shape < shapes.UPPER)
    if not unbound.all():
        return
    energy = np.geomspace(1, 100, 9)
    at_pivot = float(published.values(np.array([100.0]))[0])
    back = shapes.to_spectrum(shape, 100.0, at_pivot)
    assert back.values(energy) == pytest.approx(published.values(energy), rel=1e-7)
    relative = shapes.values(shape[None], np.log(energy / 100.0))[0]
    assert relative * at_pivot == pytest.approx(published.values(energy), rel=1e-7)


def test_fewer_nodes_change_fluxes_by_less_than_1e_4() -> None:
    rng = np.random.default_rng(2)
    edges = u.Quantity(np.geomspace(0.1, 154, 52), "TeV")
    for kind in ("pion-gamma", "pion-neutrino", "inverse-compton"):
        operator = SpectralOperator(edges, kind, synthetic.DISTANCE)
        rows, nodes = thinned(operator.matrix, operator.nodes)
        shape = rng.uniform([0, 0.01, 0.1], [5, 10, 2], (100, 3))
        exact = shapes.values(shape, np.log(operator.nodes / 100)) @ operator.matrix.T
        few = shapes.values(shape, np.log(nodes / 100)) @ rows.T
        matters = exact > 1e-4 * exact.max(axis=1, keepdims=True)
        assert len(nodes) < 0.3 * len(operator.nodes)
        assert np.abs(few / np.where(matters, exact, few) - 1).max() < 1e-4


def test_a_pinned_scan_is_one_evaluation_a_point(problem: Problem) -> None:
    gamma, neutrino = draw(problem, 1.0, 1, 0)
    scan = pinned.scan(problem, gamma, neutrino)
    proton, electron = scan.prefit.spectra(problem)
    alone = [replace(problem, hadronic=proton, leptonic=electron).expected(f) for f in POINTS]
    gammas = np.array([cash(g, gamma, problem.gamma.background) for g, _ in alone])
    neutrinos = np.array([cash(n, neutrino, problem.neutrino.background) for _, n in alone])
    for dts, direct in zip(scan.dts, (gammas, neutrinos, gammas + neutrinos), strict=True):
        assert dts == pytest.approx(direct - direct.min(), abs=2e-3)
    assert scan.fraction[0, 0] == 0
    assert scan.fraction[0, -1] == 1
    assert scan.fraction[1] == pytest.approx(POINTS)


def test_free_background_norms_are_at_their_minimum(problem: Problem) -> None:
    gamma, neutrino = draw(problem, 0.0, 1, 1)
    points = np.array([0.0, 0.3, 0.6, 1.0])
    scan = pinned.scan(problem, gamma, neutrino, points=points, free_backgrounds=True)
    proton, electron = scan.prefit.spectra(problem)
    alone = replace(problem, hadronic=proton, leptonic=electron)
    response = problem.neutrino
    direct = []
    for share in points:
        signal = alone.expected(float(share))[1] - response.background

        def statistic(norms: np.ndarray, signal: np.ndarray = signal) -> float:
            expected = signal + norms[response.dataset] * response.background
            return float(cash(expected, neutrino, response.background))

        found = optimize.minimize(statistic, [1.0, 1.0], method="L-BFGS-B", tol=1e-12)
        direct.append(found.fun)
    assert scan.dts[1] == pytest.approx(np.array(direct) - min(direct), abs=1e-3)


def test_a_free_background_never_raises_the_minimum(problem: Problem) -> None:
    gamma, neutrino = draw(problem, 0.0, 1, 1)
    share = np.array([0.2, 0.8])
    fits = prefit(problem, gamma)
    fixed, free = (
        profile.best(
            Likelihood(
                problem,
                Mixture(share, 1 - share, share),
                gamma,
                neutrino,
                free_backgrounds=free_backgrounds,
            ),
            fits,
            share,
        )
        for free_backgrounds in (False, True)
    )
    assert free.converged.all()
    assert np.all(free.value < fixed.value)
    assert free.parameters[:, 7:] == pytest.approx(1, abs=0.2)


def test_the_profile_is_below_the_pinned_curve_and_at_its_ends(problem: Problem) -> None:
    """On data without noise both end in the same two pure models, but for beta."""
    gamma, neutrino = problem.expected(1.0)
    points = np.linspace(0, 1, 6)
    tied = pinned.scan(problem, gamma, neutrino, points=points)
    freed = profile.scan(problem, gamma, neutrino, points=points)
    assert freed.converged.all()
    assert np.all(freed.dts <= tied.dts + 1e-3)
    assert freed.dts[:, -1] == pytest.approx(0, abs=1e-3)
    # the interesting part: with all shapes free gamma rays alone say nothing between the ends
    assert freed.dts[0, 2] < 0.1 * tied.dts[0, 2]


def test_the_profile_is_a_minimum_from_random_starts(problem: Problem) -> None:
    gamma, neutrino = problem.expected(0.0)
    share = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    made = Likelihood(problem, Mixture(share, 1 - share, share), gamma, neutrino)
    fits = prefit(problem, gamma)
    found = profile.best(made, fits, share)
    assert found.converged.all()
    # the gradient vanishes but where a bound holds a parameter
    local = made.evaluate(found.parameters, np.arange(5))
    bounds = made.bounds()
    inside = (found.parameters > bounds.lower) & (found.parameters < bounds.upper)
    slope = np.where(inside, local.gradient, 0) / np.sqrt(np.maximum(local.scale, 1e-3))
    assert np.abs(slope).max() < 0.1
    rng = np.random.default_rng(3)
    for _ in range(3):
        proton, electron = rng.uniform([1, 0.5, 0.2], [4, 6, 1.8], (2, 5, 3))
        start = made.start(np.exp(found.parameters[:, 0]), proton, electron)
        other = newton.minimise(made.evaluate, start, made.bounds())
        assert np.all(other.value > found.value - 5e-3)


@settings(max_examples=25, deadline=None)
@given(target=st.lists(st.floats(-3, 3), min_size=3, max_size=3), seed=st.integers(0, 1000))
def test_newton_finds_the_bounded_minimum_of_a_quadratic(target: list[float], seed: int) -> None:
    """Against scipy's bounded least squares."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(5, 3))
    wanted = matrix @ np.array(target)

    def evaluate(point: np.ndarray, rows: np.ndarray) -> newton.Local:
        rest = point @ matrix.T - wanted
        hessian = np.tile(2 * matrix.T @ matrix, (len(rows), 1, 1))
        scale = np.diagonal(hessian, axis1=1, axis2=2)
        return newton.Local((rest**2).sum(axis=1), 2 * rest @ matrix, hessian, scale)

    low, high = np.full(3, -1.0), np.full(3, 1.0)
    found = newton.minimise(
        evaluate,
        np.zeros((1, 3)),
        newton.Bounds(low, high, np.ones(3), np.ones((1, 3), bool)),
        tolerance=1e-10,
    )
    reference = optimize.lsq_linear(matrix, wanted, (low, high), tol=1e-12)
    assert found.value[0] == pytest.approx(2 * reference.cost, abs=1e-6)


def test_a_bound_across_a_narrow_valley_does_not_slow_newton_down() -> None:
    """The valley x = y, a thousand times as long as wide, continues beyond x = 1."""
    hessian = np.array([[[1e6, -1e6], [-1e6, 1e6 + 1]]])
    target = np.array([3.0, 3.0])
    count = 0

    def evaluate(point: np.ndarray, rows: np.ndarray) -> newton.Local:
        nonlocal count
        count += 1
        away = point - target
        slope = np.einsum("bij,bj->bi", hessian[rows], away)
        value = (slope * away).sum(axis=1) / 2
        return newton.Local(value, slope, hessian[rows], np.ones((1, 2)))

    bounds = newton.Bounds(
        np.full(2, -9.0), np.array([1.0, 9.0]), np.full(2, 9.0), np.ones((1, 2), bool)
    )
    found = newton.minimise(evaluate, np.zeros((1, 2)), bounds, tolerance=1e-8)
    assert found.converged.all()
    assert found.parameters[0] == pytest.approx([1, 1], abs=1e-5)
    assert count < 10


def test_draws_depend_on_source_hypothesis_index_and_seed_only(problem: Problem) -> None:
    first = draw(problem, 0.0, 1, 0)
    again = draw(problem, 0.0, 1, 0)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    renamed = replace(problem, source="other")
    others = [draw(problem, 0.0, 1, 1), draw(problem, 0.0, 2, 0), draw(renamed, 0.0, 1, 0)]
    assert not any(np.array_equal(first[0], other[0]) for other in others)
    counts = np.array([draw(problem, 0.0, 1, i)[0] for i in range(400)])
    expected = problem.expected(0.0)[0]
    pulls = (counts.mean(axis=0) - expected) / np.sqrt(expected / 400)
    assert stats.kstest(pulls[expected > 1], "norm").pvalue > 1e-4


def test_spectra_that_free_shapes_cannot_describe_are_refused(problem: Problem) -> None:
    """Moved into the bounds they would be the start of a fit to another source."""
    gamma, neutrino = problem.expected(1.0)
    soft = replace(problem, hadronic=ParticleSpectrum(amplitude=1e35, alpha=2.0, e_cutoff=1.0))
    with pytest.raises(InferenceError, match=r"curvature 100 .allowed: up to 20.; use mode"):
        profile.scan(soft, gamma, neutrino)
    assert np.isfinite(pinned.scan(soft, gamma, neutrino).dts).all()
    # a power law, as far as anything can be seen, is within
    straight = ParticleSpectrum(amplitude=1e33, alpha=2.0, e_cutoff=1e9)
    assert parameters(problem.protons, straight)[1][1] == shapes.LOWER[1]


@pytest.mark.parametrize("beta", [0.05, 2.5])
def test_a_cutoff_outside_the_published_bounds_is_refused(beta: float) -> None:
    spectra = {
        "hadronic": synthetic.HADRONIC,
        "leptonic": ParticleSpectrum(1e32, 2.0, 30.0, beta),
    }
    with pytest.raises(InferenceError, match="beta of the leptonic spectrum"):
        build("x", synthetic.datasets(), distance=synthetic.DISTANCE, **spectra)


def test_unusable_datasets_are_refused() -> None:
    gamma, *neutrinos = synthetic.datasets()
    with pytest.raises(InferenceError, match="no neutrino dataset"):
        build(
            "x",
            [gamma],
            distance=synthetic.DISTANCE,
            hadronic=synthetic.HADRONIC,
            leptonic=synthetic.LEPTONIC,
        )
    with pytest.raises(InferenceError, match="different true-energy bins"):
        stack([gamma, neutrinos[0]])
    dark = FoldedDataset(
        **{**vars(gamma), "signal": gamma.signal * 0, "background": gamma.background * 0}
    )
    with pytest.raises(InferenceError, match="no counts are expected"):
        stack([dark])


def test_spectra_are_recovered_from_flux_and_shape(problem: Problem) -> None:
    flux, shape = parameters(problem.protons, problem.hadronic)
    back = spectrum(problem.protons, flux, shape)
    assert back.alpha == pytest.approx(problem.hadronic.alpha)
    assert back.e_cutoff == pytest.approx(problem.hadronic.e_cutoff)
    assert back.amplitude == pytest.approx(problem.hadronic.amplitude, rel=1e-6)
