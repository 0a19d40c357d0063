"""Pseudo-experiments: counts drawn per group, independent of the number of workers."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from nugamma.errors import InferenceError
from nugamma.inference.problem import Problem

Floats = npt.NDArray[np.float64]

#: Hadronic share of each hypothesis.
HYPOTHESES = {"leptonic": 0.0, "hadronic": 1.0}
#: Resolution with which a share enters the seed.
STEPS = 1_000_000


def share_of(hypothesis: str) -> float:
    """Returns the hadronic share of ``hadronic`` or ``leptonic``."""
    if hypothesis not in HYPOTHESES:
        raise InferenceError(f"unknown hypothesis {hypothesis!r}: use {' or '.join(HYPOTHESES)}")
    return HYPOTHESES[hypothesis]


def generator(seed: int, source: str, share: float, index: int) -> np.random.Generator:
    """Returns the random numbers of one pseudo-experiment, independent of all others.

    They depend only on these four values, not on the number of workers or the order of the work.

    Parameters
    ----------
    seed
        Seed of the whole study.
    source
        Name of the source.
    share
        Hadronic share of the simulated source.
    index
        Number of the pseudo-experiment.
    """
    if seed < 0 or index < 0:
        raise InferenceError(f"seed and index must not be negative: {seed}, {index}")
    name = int.from_bytes(hashlib.sha256(source.encode()).digest()[:4], "big")
    key = (name, round(share * STEPS), index)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def draw(problem: Problem, share: float, seed: int, index: int) -> tuple[Floats, Floats]:
    """Draws the counts (gamma, neutrino) of one pseudo-experiment.

    Sums of Poisson counts are Poisson, so drawing groups is the same as drawing pixels.

    Parameters
    ----------
    problem
        The source.
    share
        Hadronic share of the simulated source, 0 to 1.
    seed, index
        Seed of all pseudo-experiments, and number of this one.

    Returns
    -------
    gamma, neutrino
        Counts, shapes (n_groups,).

    Raises
    ------
    InferenceError
        If the share is not within [0, 1], or seed or index is negative.
    """
    random = generator(seed, problem.source, share, index)
    gamma, neutrino = problem.expected(share)
    return random.poisson(gamma).astype(float), random.poisson(neutrino).astype(float)
