"""Newton's method with bounds for many small problems at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

# Settings of the minimiser, which are ours.
#: Predicted decrease of the statistic below which a problem has converged.
TOLERANCE = 1e-6
#: Largest number of steps.
MAX_STEPS = 300
#: Steps before a problem is abandoned if its target is more than so many predicted decreases away.
MIN_STEPS, REACH = 8, 1.0
#: Initial damping, its smallest factor after a good step, and where a problem is abandoned.
DAMPING, LARGEST_REDUCTION, MAX_DAMPING = 1e-3, 0.1, 1e12
#: How often a step is recomputed because parameters would cross a bound.
MAX_BOUNDED = 3
#: Longest correction of a failed step, relative to that step.
MAX_CORRECTION = 1.0


class Local(NamedTuple):
    """A statistic around a batch of points.

    Attributes
    ----------
    value
        Shape (batch,).
    gradient
        Shape (batch, n).
    hessian
        Shape (batch, n, n); may be indefinite far from the minimum.
    scale
        A positive curvature of each parameter, for example Fisher's, shape (batch, n).
    """

    value: Floats
    gradient: Floats
    hessian: Floats
    scale: Floats


class Bounds(NamedTuple):
    """Bounds of the parameters of a batch.

    Attributes
    ----------
    lower, upper
        Bounds, shape (n,).
    longest
        Longest step of each parameter, shape (n,).
    free
        Parameters that may change, shape (batch, n).
    """

    lower: Floats
    upper: Floats
    longest: Floats
    free: Bools

    def of(self, rows: Ints) -> Bounds:
        """Returns the bounds of some problems of the batch."""
        return self._replace(free=self.free[rows])


Evaluate = Callable[[Floats, Ints], Local]


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where the minimisation of a batch ended.

    Attributes
    ----------
    parameters
        Shape (batch, n).
    value
        Statistic there, shape (batch,).
    remaining
        Predicted further decrease of the statistic, shape (batch,).
    converged
        Whether that is below the tolerance, shape (batch,).
    """

    parameters: Floats
    value: Floats
    remaining: Floats
    converged: Bools


def minimise(
    evaluate: Evaluate,
    start: Floats,
    bounds: Bounds,
    *,
    tolerance: float = TOLERANCE,
    steps: int = MAX_STEPS,
    target: Floats | None = None,
) -> Minimum:
    """Minimises a batch of problems, each by damped Newton steps within its bounds.

    Directions of negative curvature are followed downhill (using the absolute eigenvalue), and
    steps that do not lower the statistic are damped (Levenberg and Marquardt). A parameter at a
    bound stays there while its gradient points outwards (Bertsekas 1982).

    Parameters
    ----------
    evaluate
        Returns the statistic at points (k, n) of the problems `rows` (k,).
    start
        First points, shape (batch, n), within the bounds.
    bounds
        Bounds of the parameters.
    tolerance
        Predicted decrease of the statistic at which to stop.
    steps
        Largest number of steps.
    target
        Statistic (batch,) to reach: after `MIN_STEPS` steps a problem stops if it is more than
        `REACH` predicted decreases away.
    """
    point = np.clip(np.array(start, dtype=float), bounds.lower, bounds.upper)
    batch = len(point)
    everything = np.arange(batch)
    if not batch:
        nothing = np.zeros(0)
        return Minimum(point, nothing, nothing, nothing > 0)
    now = evaluate(point, everything)
    value, gradient, hessian, scale = (np.array(part) for part in now)
    remaining = np.full(batch, np.inf)
    damping, growth = np.full(batch, DAMPING), np.full(batch, 2.0)
    running = everything
    corrected, correction = np.zeros(batch, dtype=bool), np.zeros_like(point)
    for step in range(steps):
        here = Local(value[running], gradient[running], hessian[running], scale[running])
        planned = _plan(point[running], here, bounds.of(running), damping[running])
        remaining[running] = planned.fall
        going = (planned.fall > tolerance) & (damping[running] < MAX_DAMPING)
        if target is not None and step >= MIN_STEPS:
            going &= value[running] - REACH * planned.fall < target[running]
        running, planned = running[going], _Plan(*(part[going] for part in planned))
        if not len(running):
            break
        move = np.where(corrected[running, None], correction[running], planned.move)
        trial = np.clip(point[running] + move, bounds.lower, bounds.upper)
        there = evaluate(trial, running)
        # False for NaN, which is not an improvement.
        gain = (value[running] - there.value) / planned.promised
        better = gain > 0
        move = trial - point[running]
        again = _correction(planned, move, there.gradient - gradient[running], hessian[running])
        kept = running[better]
        point[kept], value[kept] = trial[better], there.value[better]
        gradient[kept], hessian[kept] = there.gradient[better], there.hessian[better]
        scale[kept] = there.scale[better]
        # Nielsen (1999): the better the quadratic model, the less damping.
        trust = 1 - (2 * np.minimum(gain[better], 1) - 1) ** 3
        damping[kept] = np.maximum(damping[kept] * np.maximum(LARGEST_REDUCTION, trust), 1e-12)
        growth[kept] = 2.0
        lengths = [(part**2 * scale[running]).sum(axis=1) for part in (again, move)]
        small = lengths[0] <= MAX_CORRECTION**2 * lengths[1]
        second = ~better & small & ~corrected[running]
        failed = running[~better & ~second]
        damping[failed] *= growth[failed]
        growth[failed] *= 2
        corrected[running] = second
        correction[running] = move + again
    return Minimum(point, value, remaining, remaining <= tolerance)


class _Plan(NamedTuple):
    """A step of each problem.

    Attributes
    ----------
    move
        The step.
    fall
        Predicted decrease of the statistic by a step without damping.
    promised
        Predicted decrease by this step.
    inverse
        Inverse of the damped Hessian, in the free parameters.
    """

    move: Floats
    fall: Floats
    promised: Floats
    inverse: Floats


def _correction(planned: _Plan, move: Floats, change: Floats, hessian: Floats) -> Floats:
    """Returns the correction of a step in a curved valley.

    The difference between the change of the gradient and Hessian times step is removed with the
    same damped Hessian: the geodesic acceleration of Transtrum and Sethna, arXiv:1201.5885.
    """
    left = change - np.einsum("bij,bj->bi", hessian, move)
    return np.asarray(-np.einsum("bij,bj->bi", planned.inverse, left))


def _plan(point: Floats, here: Local, bounds: Bounds, damping: Floats) -> _Plan:
    """Returns steps within the bounds.

    A parameter that would cross a bound is moved onto it, and the others are optimised given that:
    otherwise a step along a narrow valley would end beside it.
    """
    slope = here.gradient
    outwards = ((point <= bounds.lower) & (slope > 0)) | ((point >= bounds.upper) & (slope < 0))
    held = ~bounds.free | outwards
    given = np.zeros_like(point)
    planned = _damped(here, held, given, damping, bounds.longest)
    for _ in range(MAX_BOUNDED):
        goal = point + planned.move
        crossed = ~held & ((goal < bounds.lower) | (goal > bounds.upper))
        rows = np.flatnonzero(crossed.any(axis=1))
        if not len(rows):
            break
        held |= crossed
        given = np.where(crossed, np.clip(goal, bounds.lower, bounds.upper) - point, given)
        part = Local(*(values[rows] for values in here))
        again = _damped(part, held[rows], given[rows], damping[rows], bounds.longest)
        # The remaining decrease is still that of the gradient at the point.
        for name in ("move", "promised", "inverse"):
            getattr(planned, name)[rows] = getattr(again, name)
    return planned


def _damped(here: Local, held: Bools, given: Floats, damping: Floats, longest: Floats) -> _Plan:
    """Returns steps of the parameters that are not held; those held move by `given`."""
    slope = here.gradient + np.matmul(here.hessian, given[:, :, None])[:, :, 0]
    unit = np.where(held, 0, 1 / np.sqrt(np.maximum(here.scale, 1e-12)))
    sizes, directions = np.linalg.eigh(here.hessian * unit[:, :, None] * unit[:, None, :])
    along = np.matmul((slope * unit)[:, None], directions)[:, 0]
    sizes = np.maximum(np.abs(sizes), 1e-9)
    damped = sizes + damping[:, None]
    directions = directions * unit[:, :, None]
    free = np.matmul(directions, (-along / damped)[:, :, None])[:, :, 0]
    move = free + given
    shrink = np.minimum(1, 1 / np.maximum(np.abs(move) / longest, 1e-30).max(axis=1))
    move *= shrink[:, None]
    bent = np.matmul(here.hessian, move[:, :, None])[:, :, 0]
    promised = -((here.gradient + bent / 2) * move).sum(axis=1)
    slowly = -(here.gradient * move).sum(axis=1) / 2
    return _Plan(
        move=move,
        fall=(along**2 / sizes).sum(axis=1) / 2,
        promised=np.maximum(np.where(promised > 0, promised, slowly), 1e-300),
        inverse=np.matmul(directions / damped[:, None], directions.swapaxes(1, 2)),
    )
