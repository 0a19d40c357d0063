"""Averages over pseudo-experiments, as published."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nugamma.errors import InferenceError
from nugamma.inference.intervals import Interval, Posterior

Floats = npt.NDArray[np.float64]
LEVELS = (0.68, 0.9)


@dataclass(frozen=True)
class IntervalSummary:
    """Averages over pseudo-experiments of one scenario.

    Attributes
    ----------
    dts_mean, dts_median
        Delta TS at each point of the scan.
    mode_mean
        Mean of the most probable f.
    ci68, ci90
        Mean ends of the credible intervals.
    quantile68, quantile90
        Quantiles of the modes over the pseudo-experiments, counted from the true end: 68 % and 90 %
        for a leptonic source, 32 % and 10 % for a hadronic one.
    """

    dts_mean: Floats
    dts_median: Floats
    mode_mean: float
    ci68: Interval
    ci90: Interval
    quantile68: float
    quantile90: float


def summarise(f: npt.ArrayLike, dts: npt.ArrayLike, *, hadronic: bool) -> IntervalSummary:
    """Returns averages over the pseudo-experiments of one scenario.

    Parameters
    ----------
    f
        Fitted hadronic fractions, shape (n_pseudo, n_points), ascending along the scan.
    dts
        Delta TS, same shape.
    hadronic
        Whether the simulated source is hadronic (f = 1) or leptonic (f = 0).
    """
    f, dts = np.asarray(f, dtype=float), np.asarray(dts, dtype=float)
    if f.ndim != 2 or f.shape != dts.shape or not len(f):
        raise InferenceError("f and delta TS must have the same shape (n_pseudo, n_points)")
    posteriors = [Posterior(*scan) for scan in zip(f, dts, strict=True)]
    modes = np.array([posterior.mode for posterior in posteriors])
    ends = {
        level: np.mean([p.credible_interval(level) for p in posteriors], axis=0) for level in LEVELS
    }
    quantiles = [float(np.quantile(modes, 1 - q if hadronic else q)) for q in LEVELS]
    return IntervalSummary(
        dts_mean=dts.mean(axis=0),
        dts_median=np.median(dts, axis=0),
        mode_mean=float(modes.mean()),
        ci68=(float(ends[0.68][0]), float(ends[0.68][1])),
        ci90=(float(ends[0.9][0]), float(ends[0.9][1])),
        quantile68=quantiles[0],
        quantile90=quantiles[1],
    )
