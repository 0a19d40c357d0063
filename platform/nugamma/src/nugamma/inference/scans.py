"""Delta TS against the hadronic fraction, in three scenarios."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from nugamma.inference.prefits import Prefit

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Which data a scenario uses: gamma rays, neutrinos, both.
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

    def limits(
        self, level: float = 0.9, method: Literal["published", "hpd", "profile"] = "published"
    ) -> dict[str, tuple[float, float]]:
        """Returns the interval of the hadronic fraction in each scenario.

        Parameters
        ----------
        level
            Credibility or confidence.
        method
            ``published`` (highest density around the mode), ``hpd`` (outer ends of the exact
            region) or ``profile`` (Wilks).

        Returns
        -------
        dict of (low, high)
            By scenario: ``gamma``, ``neutrino`` and ``combined``.
        """
        from nugamma.inference.limits import intervals  # workers of a study do without

        found = intervals(self.fraction, self.dts, level, method)
        return {
            name: (float(low), float(high))
            for name, (low, high) in zip(SCENARIOS, found, strict=True)
        }


def above_minimum(statistic: Floats) -> Floats:
    """Statistic above the smallest of each scan."""
    return np.asarray(statistic - statistic.min(axis=-1, keepdims=True))
