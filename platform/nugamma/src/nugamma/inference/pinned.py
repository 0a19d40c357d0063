"""Scan with the shapes of both models fixed to their fits alone, as published.

The amplitudes are f and 1 - f times those of the two fits, so each point of the scan is one
evaluation of the likelihood, without a minimisation (except of background norms, if free).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nugamma.inference.likelihood import cash
from nugamma.inference.observed import TINY
from nugamma.inference.prefits import Prefit
from nugamma.inference.problem import Problem
from nugamma.inference.published_fits import published_prefit
from nugamma.inference.response import NOTHING, StackedResponse
from nugamma.inference.scans import POINTS, Scan, above_minimum
from nugamma.inference.threads import one_thread

Floats = npt.NDArray[np.float64]

#: Newton steps for a background norm, which starts within a percent and doubles its digits.
NORM_STEPS = 12


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
    """Returns delta TS of one observation at each hadronic share.

    Parameters
    ----------
    problem
        The source.
    gamma, neutrino
        Counts, shapes (n_groups,).
    points
        Hadronic shares.
    free_backgrounds
        Whether a norm of each dataset's background is fitted at each point.
    fits
        Fits of each model alone, if already known.
    """
    fits = fits or published_prefit(problem, gamma, free_backgrounds=free_backgrounds)
    protons, electrons = fits.fluxes(problem)
    bins = len(electrons)
    share = np.asarray(points, dtype=float)
    neutrinos = protons[bins:]
    lines = ((electrons, protons[:bins] - electrons), (np.zeros_like(neutrinos), neutrinos))
    by_gamma, by_neutrino = (
        (_profiled if free_backgrounds else _along)(response, seen, *line, share)
        for response, seen, line in zip(
            (problem.gamma, problem.neutrino), (gamma, neutrino), lines, strict=True
        )
    )
    fraction = problem.fraction(share, fits.flux[0], fits.flux[1])
    return Scan(
        share=share,
        fraction=np.stack([fraction, share, fraction]),
        dts=above_minimum(np.stack([by_gamma, by_neutrino, by_gamma + by_neutrino])),
        converged=np.full((3, len(share)), bool(fits.converged.all())),
        prefit=fits,
    )


def _along(
    response: StackedResponse, counts: Floats, start: Floats, direction: Floats, share: Floats
) -> Floats:
    """Returns the statistic, relative to the background, for `start` + `share` * `direction`.

    For groups without counts only the sum of their expectations matters.
    """
    fluxes = np.stack([start, start + direction])
    filled = np.flatnonzero(counts)
    background = np.maximum(response.background[filled], NOTHING)
    # Relative to the background before summing, to keep enough digits; as both ends are positive,
    # so is everything between them.
    low, high = np.maximum(1 + fluxes @ response.signal[filled].T / background, TINY)
    expected = np.outer(share, high - low)
    expected += low
    sums = fluxes @ response.total_signal
    signal = sums[0] + share * (sums[1] - sums[0])
    return np.asarray(2 * (signal - np.log(expected, out=expected) @ counts[filled]))


def _profiled(
    response: StackedResponse, counts: Floats, start: Floats, direction: Floats, share: Floats
) -> Floats:
    """Returns the statistic with the best norm of each dataset's background."""
    signal = response.signal @ start + np.outer(share, response.signal @ direction)
    background, starts = response.background, np.flatnonzero(np.diff(response.dataset, prepend=-1))
    norm = np.ones((len(signal), len(starts)))
    for _ in range(NORM_STEPS):
        expected = norm[:, response.dataset] * background + signal
        ratio = background / np.maximum(expected, TINY)
        slope = np.add.reduceat(background - counts * ratio, starts, axis=1)
        curve = np.add.reduceat(counts * ratio**2, starts, axis=1)
        norm = np.clip(norm - slope / np.maximum(curve, TINY), norm / 3, norm * 3)
    return cash(norm[:, response.dataset] * background + signal, counts, background)
