"""Scan with all shapes free: the profile likelihood of the hadronic fraction.

The constraint on f is exact, not a narrow prior: the flux in the band is one parameter, and the
fraction f of it is hadronic. So seven parameters remain (the flux and two shapes of three). KM3NeT
alone cannot constrain the shape of the proton spectrum: there the likelihood of the gamma rays,
taken
as purely hadronic, replaces the published Gaussian prior.
"""

from __future__ import annotations

from dataclasses import replace
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

# Settings of the search, which are ours.
#: Predicted decrease of the statistic below which a fit has converged.
TOLERANCE = 5e-4
#: Decrease of the statistic by a restart that triggers another round of restarts.
WORTH = 5e-3
#: Largest difference between two ways to sum the same statistic.
ROUNDING = 1e-5
#: Largest number of rounds of restarts.
ROUNDS = 30
#: Largest number of steps of a walk at each point, and predicted decrease that ends them.
STRIDE, NEAR = 8, 0.02
#: Starting shapes of the component that appears at an end of the scan, besides its fit alone:
#: steep, which matters only at the lowest energies, and hard with a sharp cutoff.
STEEP, HARD = (6.0, 4.0, 0.1), (2.5, 4.0, 1.0)
OTHERS = (STEEP, HARD)
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
    """Returns delta TS of one observation at each fraction; parameters as in `pinned.scan`."""
    fits = fits or prefit(problem, gamma, free_backgrounds=free_backgrounds)
    share = np.asarray(points, dtype=float)
    one = np.ones_like(share)
    # All three scenarios in one batch: gamma rays, neutrinos, both.
    likelihood = Likelihood(
        problem,
        Mixture(
            pion=np.concatenate([share, one, share]),
            compton=np.concatenate([1 - share, 0 * one, 1 - share]),
            neutrino=np.tile(share, 3),
            seen=np.repeat([False, True, True], len(share)),
        ),
        gamma,
        neutrino,
        free_backgrounds=free_backgrounds,
    )
    found = best(likelihood, fits, share)
    return Scan(
        share=share,
        fraction=np.tile(share, (3, 1)),
        dts=above_minimum(found.value.reshape(3, -1)),
        converged=found.converged.reshape(3, -1),
        prefit=fits,
    )


def best(likelihood: Likelihood, fits: Prefit, share: Floats) -> Minimum:
    """Returns the lowest minimum of each point from several starts.

    Walks go through each scan from both ends, where one component is known from its fit alone and
    the other appears with one of several shapes; each point starts where the walk ended at the
    previous one. The lowest of all walks is followed to its minimum. Then each point is restarted
    from the shapes of its neighbours, until none improves.

    Parameters
    ----------
    likelihood
        Likelihood of one or several scans, one after the other.
    fits
        Fits of each model alone.
    share
        Hadronic fractions of a scan, ascending.
    """
    now = _walked(likelihood, fits, share)
    changed = np.ones(len(now.value), dtype=bool)
    for _ in range(ROUNDS):
        going = np.flatnonzero(~now.converged)
        rows, beside = _beside(now.parameters, changed, len(share))
        found = _from(
            likelihood,
            np.concatenate([now.parameters[going], beside]),
            np.concatenate([going, rows]),
            target=np.concatenate([np.full(len(going), np.inf), now.value[rows]]),
        )
        now = _joined(now, going, _part(found, slice(len(going))))
        before = now.value
        now = _joined(now, rows, _part(found, slice(len(going), None)))
        changed = before - now.value > WORTH
        if now.converged.all() and not changed.any():
            break
    return now


def _walked(likelihood: Likelihood, fits: Prefit, share: Floats) -> Minimum:
    """Returns the lowest of all walks at each point."""
    size = len(share)
    batch = len(likelihood.mixture.pion)
    ends, starts = [], []
    for first in range(0, batch, size):
        # A scan without electrons has one component only, so none appears.
        mixed = bool(likelihood.mixture.compton[first : first + size].any())
        for end, step, part in ((first, 1, PROTON), (first + size - 1, -1, ELECTRON)):
            for shape in (None, *OTHERS) if mixed else (None,):
                start = np.ones(likelihood.size)
                start[PROTON], start[ELECTRON] = fits.proton, fits.electron
                if shape is not None:
                    start[part] = shape
                ends.append((end, step))
                starts.append(start)
    end, step = np.array(ends).T
    point = np.array(starts)
    point[:, 0] = np.log(np.where(step > 0, *fits.flux[::-1]))
    nothing = np.full(batch, np.inf)
    now = Minimum(np.zeros((batch, likelihood.size)), nothing, nothing, nothing < 0)
    for number in range(size):
        rows = end + number * step
        found = _from(likelihood, point, rows, steps=STRIDE, tolerance=NEAR)
        now = _joined(now, rows, found)
        point = found.parameters
    return replace(now, converged=now.remaining <= TOLERANCE)


def _beside(parameters: Floats, changed: Bools, size: int) -> tuple[Ints, Floats]:
    """Returns points whose neighbours have changed, and starts with the neighbours' shapes."""
    given = np.flatnonzero(changed)
    rows, giver = np.concatenate([given + 1, given - 1]), np.concatenate([given, given])
    there = (rows >= 0) & (rows < len(changed)) & (rows // size == giver // size)
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
    *,
    steps: int = newton.MAX_STEPS,
    target: Floats | None = None,
    tolerance: float = TOLERANCE,
) -> Minimum:
    def evaluate(point: Floats, some: Ints) -> newton.Local:
        return likelihood.evaluate(point, rows[some])

    return newton.minimise(
        evaluate,
        start,
        likelihood.bounds().of(rows),
        tolerance=tolerance,
        steps=steps,
        target=target,
    )


def _joined(now: Minimum, rows: Ints, other: Minimum) -> Minimum:
    """Returns `now` with `rows` replaced where another run is lower, or as low and converged.

    Of several starts of a point, the lowest is taken.
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
    changed[rows] = new  # of repeated rows, the last one remains
    return changed
