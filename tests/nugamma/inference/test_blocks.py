"""A block's few numbers give the expected counts of all its groups."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from nugamma.datasets.folded import FoldedDataset
from nugamma.inference import pinned, shapes
from nugamma.inference.likelihood import Likelihood, Mixture, cash
from nugamma.inference.problem import Problem, build
from nugamma.inference.pseudo import draw
from tests.nugamma.inference import synthetic


@pytest.fixture(scope="module")
def problem() -> Problem:
    """Groups whose share of the source changes with the true energy, as a narrow core does."""
    made = []
    for dataset in synthetic.datasets(groups=6):
        middle = np.sqrt(dataset.energy_true.value[1:] * dataset.energy_true.value[:-1])
        steps = np.repeat(np.arange(6), dataset.n_groups // 6)[:, None]
        core = middle ** (0.1 * (2.5 - steps))
        made.append(FoldedDataset(**{**vars(dataset), "signal": dataset.signal * core}))
    return build(
        "synthetic",
        made,
        distance=synthetic.DISTANCE,
        hadronic=synthetic.HADRONIC,
        leptonic=synthetic.LEPTONIC,
    )


@settings(max_examples=30, deadline=None)
@given(st.tuples(*(st.floats(a, b) for a, b in zip(shapes.LOWER, shapes.UPPER, strict=True))))
def test_omitted_groups_are_far_below_the_noise(
    problem: Problem, shape: tuple[float, float, float]
) -> None:
    flux = 4e-11 * problem.protons.values(np.array([shape]))[0]
    bins = len(problem.gamma.energy_true) - 1
    for response, blocks, part in zip(
        (problem.gamma, problem.neutrino),
        problem.blocks,
        (flux[:bins], flux[bins:]),
        strict=True,
    ):
        numbers = np.tensordot(part, blocks.onto, 1)
        found = np.einsum("kb,bkg->bg", numbers, blocks.factors).ravel()[blocks.place]
        exact = response.signal @ part
        noise = np.sqrt(response.background + exact)
        # a spectrum that is all at one end may be far brighter than the source
        size = max(1.0, np.linalg.norm(exact / noise) / 100)
        assert np.abs((found - exact) / noise).max() < 3e-3 * size
        assert blocks.factors.shape[1] <= 5


def test_a_scan_is_that_of_all_groups(problem: Problem) -> None:
    gamma, neutrino = draw(problem, 0.0, 1, 5)
    scan = pinned.scan(problem, gamma, neutrino)
    proton, electron = scan.prefit.spectra(problem)
    protons = problem.protons.matrix @ proton.values(problem.protons.nodes)
    electrons = problem.electrons.matrix @ electron.values(problem.electrons.nodes)
    bins = len(electrons)
    by_gamma, by_neutrino = (
        cash(response.background + fluxes @ response.signal.T, counts, response.background)
        for response, fluxes, counts in (
            (
                problem.gamma,
                np.outer(scan.share, protons[:bins]) + np.outer(1 - scan.share, electrons),
                gamma,
            ),
            (problem.neutrino, np.outer(scan.share, protons[bins:]), neutrino),
        )
    )
    direct = np.array([by_gamma, by_neutrino, by_gamma + by_neutrino])
    assert scan.dts == pytest.approx(direct - direct.min(axis=1, keepdims=True), abs=2e-3)


def test_groups_without_counts_are_not_looked_at_one_by_one(problem: Problem) -> None:
    gamma, counts = problem.expected(1.0)[0], np.zeros(problem.neutrino.n_groups)
    shape = np.array([2.0, 0.1, 1.0])
    flux = 4e-11 * problem.protons.values(shape[None])
    flux = flux[:, len(problem.gamma.energy_true) - 1 :]
    one, rows = np.ones(1), np.arange(1)
    mixture = Mixture(one, 0 * one, one)
    alone = Likelihood(problem, mixture, gamma)
    point = alone.start(np.array([4e-11]), shape, shape)
    for seen in (0, 1):
        counts[:seen] = 2
        both = Likelihood(problem, mixture, gamma, counts)
        assert both.neutrino is not None
        assert sum(tier.counts.size for tier in both.neutrino.tiers) == seen
        value = both.evaluate(point, rows).value - alone.evaluate(point, rows).value
        expected = problem.neutrino.background + flux @ problem.neutrino.signal.T
        direct = cash(expected, counts, problem.neutrino.background)
        assert value == pytest.approx(direct, rel=1e-5)


def test_blocks_are_the_same_on_any_number_of_threads() -> None:
    """To the last bit, where the processor has other sums for more threads."""
    made = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            made.append(synthetic.problem().blocks)
    for one, two in zip(*made, strict=True):
        assert np.array_equal(one.onto, two.onto)
        assert np.array_equal(one.factors, two.factors)
