"""Intervals of the hadronic fraction by four methods, and their coverage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

from nugamma.errors import InferenceError
from nugamma.inference.feldman_cousins import critical_values, fraction_interval
from nugamma.inference.intervals import Interval, Posterior

Floats = npt.NDArray[np.float64]
Method = Literal["published", "hpd", "profile", "feldman-cousins"]
METHODS: tuple[Method, ...] = ("published", "hpd", "profile", "feldman-cousins")


def exact_hull(posterior: Posterior, level: float) -> Interval:
    """Returns the outer ends of the exact region of highest density."""
    regions = posterior.highest_density_set(level)
    return regions[0][0], regions[-1][1]


BY_METHOD: dict[str, Callable[[Posterior, float], Interval]] = {
    "published": Posterior.credible_interval,
    "hpd": exact_hull,
    "profile": Posterior.profile_interval,
}


def intervals(
    fraction: Floats,
    dts: Floats,
    level: float,
    method: Method,
    toys: Floats | None = None,
) -> Floats:
    """Returns one interval per scan.

    Parameters
    ----------
    fraction, dts
        Scans, shape (n_pseudo, n_points).
    level
        Credibility or confidence.
    method
        ``published`` (highest density around the mode), ``hpd`` (outer ends of the exact region),
        ``profile`` (Wilks), ``feldman-cousins``.
    toys
        For ``feldman-cousins``: delta TS at the true point in pseudo-experiments made at each
        point, shape (n_points, n_toys).

    Returns
    -------
    ndarray, shape (n_pseudo, 2)
    """
    if method == "feldman-cousins":
        if toys is None:
            raise InferenceError(
                "Feldman-Cousins intervals need pseudo-experiments at every f; give toys"
            )
        critical = critical_values(toys, level)
        found = [fraction_interval(f, t, critical) for f, t in zip(fraction, dts, strict=True)]
    else:
        make = BY_METHOD[method]
        found = [make(Posterior(f, t), level) for f, t in zip(fraction, dts, strict=True)]
    return np.array(found)


def coverage(found: Floats, truth: float) -> float:
    """Returns the fraction of intervals that contain the truth."""
    tiny = 1e-9  # rounding
    return float(np.mean((found[:, 0] <= truth + tiny) & (found[:, 1] >= truth - tiny)))
