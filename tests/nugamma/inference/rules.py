"""Limits of all four sources under each rule for the fits of one model alone.

    python -m tests.nugamma.inference.physics rules [COUNT]

Mode pinned is to be the published analysis, so it runs the published minimisers: that order of
preference was there before any limit, though the limits of Vela X and RX J1713 had been seen beside
the published ones when it was settled. The other rules are here to show what the choice amounts to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nugamma.inference import pinned
from nugamma.inference.intervals import Posterior
from nugamma.inference.likelihood import ELECTRON, PROTON, Likelihood, Mixture
from nugamma.inference.newton import Local, minimise
from nugamma.inference.prefits import Prefit, prefit
from nugamma.inference.problem import Problem, parameters
from nugamma.inference.pseudo import draw
from nugamma.inference.published_fits import published_prefit
from nugamma.inference.scans import SCENARIOS
from nugamma.inference.threads import one_thread
from nugamma.running.workers import workers

LEVEL = 0.9
#: The rule of versions up to November 2026: a Gaussian prior on beta around 1. Its width had been
#: chosen so that Vela X came out as published.
OLD_WIDTH = 0.2
BETAS = np.array([PROTON.stop - 1, ELECTRON.stop - 1])
#: Pseudo-experiments in one task, and the index that stands for data without fluctuations.
TOGETHER, ASIMOV = 5, -1


def with_prior(problem: Problem, gamma: np.ndarray, *, width: float | None) -> Prefit:
    """Each model alone with a Gaussian prior on beta; `width` None holds beta."""
    hadronic, proton = parameters(problem.protons, problem.hadronic)
    leptonic, electron = parameters(problem.electrons, problem.leptonic)
    alone = np.array([1.0, 0.0])
    likelihood = Likelihood(problem, Mixture(alone, 1 - alone, alone), gamma)
    start = likelihood.start(np.array([hadronic, leptonic]), proton, electron)
    bounds, centre = likelihood.bounds(), start[0, BETAS]
    if width is None:
        bounds.free[:, BETAS] = False

    def evaluate(point: np.ndarray, rows: np.ndarray) -> Local:
        local = likelihood.evaluate(point, rows)
        if width is not None:
            place = (np.arange(len(rows)), BETAS[rows])
            beyond = (point[place] - centre[rows]) / width
            local.value[:] += beyond**2
            local.gradient[place] += 2 * beyond / width
            local.hessian[place[0], place[1], place[1]] += 2 / width**2
            local.scale[place] += 2 / width**2
        return local

    found = minimise(evaluate, start, bounds)
    return Prefit(
        flux=np.exp(found.parameters[:, 0]),
        proton=found.parameters[0, PROTON],
        electron=found.parameters[1, ELECTRON],
        statistic=found.value,
        converged=found.converged,
    )


def old(problem: Problem, gamma: np.ndarray) -> Prefit:
    """The tuned prior."""
    return with_prior(problem, gamma, width=OLD_WIDTH)


def beta_held(problem: Problem, gamma: np.ndarray) -> Prefit:
    """Beta as in the fit to the flux points."""
    return with_prior(problem, gamma, width=None)


RULES: dict[str, Callable[[Problem, np.ndarray], Prefit]] = {
    "old": old,
    "new": published_prefit,
    "converged": prefit,
    "beta = 1": beta_held,
}


@one_thread
def limits_of(problem: Problem, task: tuple[float, list[int]]) -> list[Any]:
    """Limits of some pseudo-experiments: index, then a number a rule and scenario."""
    share, indices = task
    found = []
    for index in indices:
        gamma, neutrino = (
            problem.expected(share) if index == ASIMOV else draw(problem, share, 1, index)
        )
        limits = []
        for rule in RULES.values():
            scan = pinned.scan(problem, gamma, neutrino, fits=rule(problem, gamma))
            limits.append(
                [
                    Posterior(fraction, dts).credible_interval(LEVEL)[0 if share else 1]
                    for fraction, dts in zip(scan.fraction, scan.dts, strict=True)
                ]
            )
        found.append((index, limits))
    return found


def rows(problem: Problem, share: int, count: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Scenario; limits without fluctuations; mean limits of `count` pseudo-experiments."""
    _ = problem.blocks
    indices = list(range(ASIMOV, count))
    parts = [(float(share), indices[i : i + TOGETHER]) for i in range(0, len(indices), TOGETHER)]
    made: dict[int, Any] = {}
    for results in workers().run(limits_of, problem, parts):
        made.update(results)
    # (index, rule, scenario)
    every = np.array([made[index] for index in range(count)])
    for number, scenario in enumerate(SCENARIOS):
        yield scenario, np.array(made[ASIMOV])[:, number], every[:, :, number].mean(axis=0)
