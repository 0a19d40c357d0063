"""Scan with all shapes free: the profile likelihood of the hadronic fraction.

The constraint on f is exact, not a narrow prior: the flux in the band is one parameter and f of it
is hadronic. So seven parameters remain (the flux and two shapes of three). KM3NeT alone would not
know the shape of the proton spectrum: there the gamma rays, taken as purely hadronic, take the
place of the published Gaussian prior, with all its correlations and bends.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nugamma.inference import newton
from nugamma.inference.likelihood import ELECTRON, PROTON, Likelihood, Mixture
from nugamma.inference.newton import Minimum
from nugamma.inference.prefits import Prefit, prefit
from nugamma.inference.problem import Problem
from nugamma.inference.scans import POINTS, Scan, above_minimum
from nugamma.inference.threads import one_thread

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

#: Predicted further fall of the statistic at which a fit has converged.
TOLERANCE = 5e-4
#: A restart must lower the statistic by this to be worth another round of restarts.
WORTH = 5e-3
#: What two ways to sum the same statistic may differ by.
ROUNDING = 1e-5
ROUNDS = 30
#: Steps before the points first look at each other, and between the looks of the first rounds: who
#: is ahead in a long curved valley takes the others along.
FIRST = 12
EARLY, SHORT = 6, 25
#: Shapes from which every sixth point starts too: steep, so that the component shows only at the
#: lowest energies, and hard with a sharp end.
ANCHORS = slice(2, None, 6)
STEEP, HARD = (6.0, 4.0, 0.1), (2.5, 4.0, 1.0)
OTHERS = [(part, shape) for part in (PROTON, ELECTRON) for shape in (STEEP, HARD)]
SHAPES = slice(PROTON.start, ELECTRON.stop)


@one_thread
def scan(
    problem: Problem,
    gamma: Floats,
    neutrino: Floats,
    *,
    points: Floats = POINTS,
    free_backgrounds: bool = False,
    fits: Prefit | None = None,
) -> Scan:
    """Delta TS of one observation at each hadronic fraction; parameters as in `pinned.scan`."""
    fits = fits or prefit(problem, gamma, free_backgrounds=free_backgrounds)
    share = np.asarray(points, dtype=float)
    one = np.ones_like(share)
    gamma_mixture = Mixture(share, 1 - share, share)
    likelihoods = {
        "gamma": Likelihood(problem, gamma_mixture, gamma, free_backgrounds=free_backgrounds),
        "neutrino": Likelihood(
            problem,
            Mixture(one, 0 * one, share),
            gamma,
            neutrino,
            free_backgrounds=free_backgrounds,
        ),
        "combined": Likelihood(
            problem, gamma_mixture, gamma, neutrino, free_backgrounds=free_backgrounds
        ),
    }
    found = {name: best(likelihood, fits, share) for name, likelihood in likelihoods.items()}
    return Scan(
        share=share,
        fraction=np.tile(share, (3, 1)),
        dts=above_minimum(np.stack([minimum.value for minimum in found.values()])),
        converged=np.stack([minimum.converged for minimum in found.values()]),
        prefit=fits,
    )


def best(likelihood: Likelihood, fits: Prefit, share: Floats) -> Minimum:
    """Lowest minimum of each point from several starts.

    All points start from the fits of each model alone, some also from other shapes. Then points
    take over what is better for them from any other, go on to their minimum, and at last look
    whether they get lower from where their neighbours ended; until no point improves.
    """
    flux = share * fits.flux[0] + (1 - share) * fits.flux[1]
    every = np.arange(len(share))
    start = likelihood.start(flux, fits.proton, fits.electron)
    now = _from(likelihood, start, every, FIRST)
    anchors = np.flatnonzero((share > 0) & (share < 1))[ANCHORS]
    start = np.repeat(now.parameters[None, anchors], len(OTHERS), axis=0)
    for number, (part, shape) in enumerate(OTHERS):
        start[number, :, part] = shape
    rows = np.tile(anchors, len(OTHERS))
    start = start.reshape(len(rows), likelihood.size)
    now = _joined(now, rows, _from(likelihood, start, rows, FIRST, now.value[rows]))
    changed = np.ones(len(share), dtype=bool)
    known = np.full(len(share), np.inf)
    for number in range(ROUNDS):
        early = number < EARLY and not now.converged.all()
        givers, known = np.flatnonzero(known - now.value > WORTH), now.value
        now = _exchanged(likelihood, now, givers)
        going = np.flatnonzero(~now.converged)
        rows, beside = _beside(now.parameters, changed & (not early))
        found = _from(
            likelihood,
            np.concatenate([now.parameters[going], beside]),
            np.concatenate([going, rows]),
            SHORT if early else newton.STEPS,
            np.concatenate([np.full(len(going), np.inf), now.value[rows]]),
        )
        now = _joined(now, going, _part(found, slice(len(going))))
        before = now.value
        now = _joined(now, rows, _part(found, slice(len(going), None)))
        changed = changed if early else before - now.value > WORTH
        if now.converged.all() and not changed.any():
            break
    return now


def _exchanged(likelihood: Likelihood, now: Minimum, givers: Ints) -> Minimum:
    """Points take over the parameters of `givers` that are better for them."""
    if not len(givers):
        return now
    table = likelihood.exchange(now.parameters[givers])
    best = table.argmin(axis=1)
    rows = np.arange(len(table))
    taken = table[rows, best] < now.value - WORTH
    giver = np.where(taken, givers[best], rows)
    return Minimum(
        parameters=now.parameters[giver],
        value=np.where(taken, table[rows, best], now.value),
        remaining=np.where(taken, np.inf, now.remaining),
        converged=now.converged & ~taken,
    )


def _beside(parameters: Floats, changed: Bools) -> tuple[Ints, Floats]:
    """Points whose neighbours have changed, and starts with the neighbours' shapes."""
    given = np.flatnonzero(changed)
    rows, giver = np.concatenate([given + 1, given - 1]), np.concatenate([given, given])
    there = (rows >= 0) & (rows < len(changed))
    rows, giver = rows[there], giver[there]
    start = parameters[rows]
    start[:, SHAPES] = parameters[giver, SHAPES]
    return rows, start


def _part(found: Minimum, some: slice) -> Minimum:
    return Minimum(
        found.parameters[some], found.value[some], found.remaining[some], found.converged[some]
    )


def _from(
    likelihood: Likelihood,
    start: Floats,
    rows: Ints,
    steps: int = newton.STEPS,
    target: Floats | None = None,
) -> Minimum:
    def evaluate(point: Floats, some: Ints) -> newton.Local:
        return likelihood.evaluate(point, rows[some])

    return newton.minimise(
        evaluate,
        start,
        likelihood.bounds().of(rows),
        tolerance=TOLERANCE,
        steps=steps,
        target=target,
    )


def _joined(now: Minimum, rows: Ints, other: Minimum) -> Minimum:
    """`now` with `rows` taken from another run where it is lower, or as low and converged.

    Of several starts of one point the lowest counts.
    """
    order = np.argsort(-other.value, kind="stable")
    order = order[other.value[order] <= now.value[rows[order]] + ROUNDING]
    kept = rows[order]
    return Minimum(
        parameters=_with(now.parameters, kept, other.parameters[order]),
        value=_with(now.value, kept, other.value[order]),
        remaining=_with(now.remaining, kept, other.remaining[order]),
        converged=_with(now.converged, kept, other.converged[order]),
    )


def _with(values: Any, rows: Ints, new: Any) -> Any:
    changed = values.copy()
    changed[rows] = new  # of rows that come twice, the last one stays
    return changed
