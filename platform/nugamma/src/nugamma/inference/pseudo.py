"""Pseudo-experiments: counts drawn in the groups, the same on any number of workers."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from nugamma.errors import InferenceError
from nugamma.inference.problem import Problem

Floats = npt.NDArray[np.float64]

#: Hadronic share of a source of each kind.
HYPOTHESES = {"leptonic": 0.0, "hadronic": 1.0}
#: Steps in which a share enters the seed.
STEPS = 1_000_000


def share_of(hypothesis: str) -> float:
    """Hadronic share of ``hadronic`` or ``leptonic``."""
    if hypothesis not in HYPOTHESES:
        raise InferenceError(f"hypothesis {hypothesis!r}: use one of {', '.join(HYPOTHESES)}")
    return HYPOTHESES[hypothesis]


def generator(seed: int, source: str, share: float, index: int) -> np.random.Generator:
    """Random numbers of one pseudo-experiment, independent of all others.

    They depend on these four values only, so neither the number of workers nor the order of the
    work changes a pseudo-experiment.

    Parameters
    ----------
    seed
        Of the whole study.
    source
        Name of the source.
    share
        Hadronic share with which the source is made.
    index
        Number of the pseudo-experiment.
    """
    if seed < 0 or index < 0:
        raise InferenceError(f"seed {seed} and index {index} must not be negative")
    name = int.from_bytes(hashlib.sha256(source.encode()).digest()[:4], "big")
    key = (name, round(share * STEPS), index)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def draw(problem: Problem, share: float, seed: int, index: int) -> tuple[Floats, Floats]:
    """Counts (gamma, neutrino) of one pseudo-experiment.

    Sums of Poisson counts are Poisson, so drawing in the groups is drawing in the pixels.
    """
    random = generator(seed, problem.source, share, index)
    gamma, neutrino = problem.expected(share)
    return random.poisson(gamma).astype(float), random.poisson(neutrino).astype(float)
