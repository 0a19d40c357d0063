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

#: Predicted further fall of the statistic below which a problem counts as solved.
TOLERANCE = 1e-6
STEPS = 300
PATIENCE, HOPE = 8, 1.0
DAMPING, LESS, MOST = 1e-3, 0.1, 1e12
#: How often parameters that would cross a bound are looked for in one step.
BOUNDED = 3
#: Longest correction of a failed step, as a part of that step.
BENT = 1.0


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
    """Where the parameters of a batch may go.

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
        """The bounds of some problems of the batch."""
        return self._replace(free=self.free[rows])


Evaluate = Callable[[Floats, Ints], Local]


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where the problems of a batch ended.

    Attributes
    ----------
    parameters
        Shape (batch, n).
    value
        Statistic there, shape (batch,).
    remaining
        Predicted further fall of the statistic, shape (batch,).
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
    steps: int = STEPS,
    target: Floats | None = None,
) -> Minimum:
    """Minimise a batch of problems, each by damped Newton steps within its bounds.

    Directions of negative curvature are followed downhill (the absolute eigenvalue is used), and
    steps that do not lower the statistic are shortened by damping (Levenberg and Marquardt). A
    parameter at a bound rests there while its gradient points outwards (Bertsekas 1982).

    Parameters
    ----------
    evaluate
        Gives the statistic at points (k, n) of the problems `rows` (k,).
    start
        First points, shape (batch, n), within the bounds.
    bounds
        Where the parameters may go.
    tolerance
        Predicted further fall of the statistic at which to stop.
    steps
        Most steps to take.
    target
        Statistic (batch,) to beat: after `PATIENCE` steps a problem stops where even `HOPE` times
        its predicted fall would not reach it.
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
        going = (planned.fall > tolerance) & (damping[running] < MOST)
        if target is not None and step >= PATIENCE:
            going &= value[running] - HOPE * planned.fall < target[running]
        running, planned = running[going], _Plan(*(part[going] for part in planned))
        if not len(running):
            break
        move = np.where(corrected[running, None], correction[running], planned.move)
        trial = np.clip(point[running] + move, bounds.lower, bounds.upper)
        there = evaluate(trial, running)
        # "not less" would also take NaN for an improvement
        gain = (value[running] - there.value) / planned.promised
        better = gain > 0
        move = trial - point[running]
        again = _correction(planned, move, there.gradient - gradient[running], hessian[running])
        kept = running[better]
        point[kept], value[kept] = trial[better], there.value[better]
        gradient[kept], hessian[kept] = there.gradient[better], there.hessian[better]
        scale[kept] = there.scale[better]
        # Nielsen (1999): less damping the better the quadratic model was
        trust = 1 - (2 * np.minimum(gain[better], 1) - 1) ** 3
        damping[kept] = np.maximum(damping[kept] * np.maximum(LESS, trust), 1e-12)
        growth[kept] = 2.0
        lengths = [(part**2 * scale[running]).sum(axis=1) for part in (again, move)]
        small = lengths[0] <= BENT**2 * lengths[1]
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
        What a step without damping would bring.
    promised
        What this one should.
    inverse
        Inverse of the damped Hessian, in the free parameters.
    """

    move: Floats
    fall: Floats
    promised: Floats
    inverse: Floats


def _correction(planned: _Plan, move: Floats, change: Floats, hessian: Floats) -> Floats:
    """What to add to a step because the valley is bent.

    The gradient has not changed by Hessian times step, and what is left is taken away by the same
    damped Hessian: the geodesic acceleration of Transtrum and Sethna, arXiv:1201.5885.
    """
    left = change - np.einsum("bij,bj->bi", hessian, move)
    return np.asarray(-np.einsum("bij,bj->bi", planned.inverse, left))


def _plan(point: Floats, here: Local, bounds: Bounds, damping: Floats) -> _Plan:
    """Steps within the bounds.

    A parameter that would cross a bound goes just there, and the others make the best of it:
    otherwise a step along a narrow valley would end beside it.
    """
    slope = here.gradient
    outwards = ((point <= bounds.lower) & (slope > 0)) | ((point >= bounds.upper) & (slope < 0))
    held = ~bounds.free | outwards
    given = np.zeros_like(point)
    planned = _damped(here, held, given, damping, bounds.longest)
    for _ in range(BOUNDED):
        goal = point + planned.move
        crossed = ~held & ((goal < bounds.lower) | (goal > bounds.upper))
        rows = np.flatnonzero(crossed.any(axis=1))
        if not len(rows):
            break
        held |= crossed
        given = np.where(crossed, np.clip(goal, bounds.lower, bounds.upper) - point, given)
        part = Local(*(values[rows] for values in here))
        again = _damped(part, held[rows], given[rows], damping[rows], bounds.longest)
        # what is left to gain stays that of the gradient at the point
        for name in ("move", "promised", "inverse"):
            getattr(planned, name)[rows] = getattr(again, name)
    return planned


def _damped(here: Local, held: Bools, given: Floats, damping: Floats, longest: Floats) -> _Plan:
    """Steps of the parameters that are not held, with the `given` ones of those that are."""
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
