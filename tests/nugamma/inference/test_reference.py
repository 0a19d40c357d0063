"""The fast likelihood against gammapy's own datasets and minimiser, on small maps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gammapy.datasets import MapDataset

from nugamma.datasets import group, pixel_response
from nugamma.datasets.morphology import spatial_model
from nugamma.errors import InferenceError
from nugamma.inference import reference
from nugamma.inference.likelihood import ELECTRON, Likelihood, Mixture, cash
from nugamma.inference.newton import minimise
from nugamma.inference.problem import Problem, build, parameters
from nugamma.sources import Source, load_source
from nugamma.spectra import ParticleSpectrum
from tests.nugamma.datasets import small

HADRONIC = ParticleSpectrum(amplitude=2e34, alpha=1.8, e_cutoff=60.0)
LEPTONIC = ParticleSpectrum(amplitude=4e32, alpha=2.4, e_cutoff=30.0)


@pytest.fixture(scope="module")
def source() -> Source:
    return replace(load_source("VelaX"), position=small.CENTRE, radius=small.Somewhere.radius)


@pytest.fixture(scope="module")
def maps() -> list[MapDataset]:
    """Return two of the small datasets, exposed longer."""
    cta, neutrinos = small.dataset().copy(name="cta"), small.dataset().copy(name="nu1")
    for dataset in (cta, neutrinos):
        dataset.exposure.data *= 100
    return [cta, neutrinos]


@pytest.fixture(scope="module")
def problem(source: Source, maps: list[MapDataset]) -> Problem:
    place = spatial_model(source)
    folded = [
        group(pixel_response(dataset, place, messenger))
        for dataset, messenger in zip(maps, ("gamma", "neutrino"), strict=True)
    ]
    return build(
        source.name, folded, distance=source.distance, hadronic=HADRONIC, leptonic=LEPTONIC
    )


def test_a_scan_with_gammapy_is_the_fast_scan(
    source: Source, maps: list[MapDataset], problem: Problem
) -> None:
    datasets = reference.modelled(source, maps[:1], maps[1:], HADRONIC, LEPTONIC)
    reference.share_out(datasets, 0.0, LEPTONIC.amplitude)
    reference.set_asimov(datasets)
    seen = problem.expected(0.0)
    slow, fast = [], []
    for share in (0.0, 0.5, 1.0):
        reference.share_out(datasets, share * HADRONIC.amplitude, (1 - share) * LEPTONIC.amplitude)
        slow.append(datasets.stat_sum())
        fast.append(
            sum(
                float(cash(expected, counts, response.background))
                for expected, counts, response in zip(
                    problem.expected(share), seen, (problem.gamma, problem.neutrino), strict=True
                )
            )
        )
    assert slow[2] - slow[0] > 10
    assert np.diff(fast) == pytest.approx(np.diff(slow), rel=2e-3)


def test_gammapys_fit_ends_where_the_fast_one_does(
    source: Source, maps: list[MapDataset], problem: Problem
) -> None:
    """The number of electrons, fitted to a source that is half hadronic."""
    datasets = reference.modelled(source, maps[:1], maps[1:2], HADRONIC, LEPTONIC)
    reference.share_out(datasets, 0.5 * HADRONIC.amplitude, 0.5 * LEPTONIC.amplitude)
    reference.set_asimov(datasets)
    truth = datasets["cta"].stat_sum()
    reference.share_out(datasets, 0.0, LEPTONIC.amplitude)
    neutrino = datasets["nu1"].stat_sum()
    slow = reference.fit_electrons(datasets, ["amplitude"]) - neutrino - truth

    counts, _ = problem.expected(0.5)
    none = np.array([0.0])
    likelihood = Likelihood(problem, Mixture(none, 1 - none, none), counts)
    flux, shape = parameters(problem.electrons, LEPTONIC)
    bounds = likelihood.bounds()
    bounds.free[:, ELECTRON] = False
    found = minimise(likelihood.evaluate, likelihood.start(np.array([flux]), shape, shape), bounds)
    assert found.converged.all()
    fast = found.value[0] - cash(counts, counts, problem.gamma.background)
    assert slow > 0.1
    assert slow == pytest.approx(fast, abs=0.02)


def test_both_messengers_are_needed(source: Source, maps: list[MapDataset]) -> None:
    with pytest.raises(InferenceError, match="of gamma rays and of neutrinos"):
        reference.modelled(source, maps[:1], [], HADRONIC, LEPTONIC)
