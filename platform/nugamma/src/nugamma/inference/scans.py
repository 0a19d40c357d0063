"""Delta TS against the hadronic fraction, for three scenarios."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nugamma.inference.prefits import Prefit

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Which data a scenario uses: CTA, KM3NeT, both.
SCENARIOS = ("gamma", "neutrino", "combined")
#: Hadronic shares at which the statistic is minimised.
POINTS = np.linspace(0.0, 1.0, 21)
POINTS.setflags(write=False)


@dataclass(frozen=True, eq=False)
class Scan:
    """The scan of one observation.

    Attributes
    ----------
    share
        Scanned hadronic shares, shape (n_points,).
    fraction
        Hadronic fraction of the fitted flux at each point, f = I_PD / (I_PD + I_IC), shape
        (3, n_points).
    dts
        Statistic above its minimum in the scan, shape (3, n_points).
    converged
        Whether the fit at each point ended at a minimum, shape (3, n_points).
    prefit
        Each model alone.
    """

    share: Floats
    fraction: Floats
    dts: Floats
    converged: Bools
    prefit: Prefit


def above_minimum(statistic: Floats) -> Floats:
    """Statistic above the smallest of each scan."""
    return np.asarray(statistic - statistic.min(axis=-1, keepdims=True))
