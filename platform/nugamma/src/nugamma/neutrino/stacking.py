"""Several sources as one search: weights, the sum of their cones, and the combined limit.

A stack measures one number: the common strength of sources whose fluxes have a given ratio. The
ratio is given by *weights*: equal, or proportional to fluxes measured with other messengers. The
detector's acceptance turns it into a ratio of events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from astropy import units as u
from gammapy.modeling.models import SpectralModel

from nugamma.errors import CountingError
from nugamma.neutrino.counting import (
    combined_upper_limit,
    discovery_signal,
    mean_upper_limit,
    p_value_of,
    plain_numbers,
    poisson_p_value,
)
from nugamma.responses.pointsource import PointResponse

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stack:
    """Expected counts of several sources, each in its own cone.

    Parameters
    ----------
    names : tuple of str
    weights : ndarray, shape (n,)
        Share of each source in the flux; sums to 1.
    signal : ndarray, shape (n,)
        Signal events of each source, if all of them together have the stacked flux.
    background : ndarray, shape (n,)
        Background events in each cone.
    """

    names: tuple[str, ...]
    weights: Floats
    signal: Floats
    background: Floats

    @property
    def acceptance_weights(self) -> Floats:
        """Share of each source in the expected events: flux weight times acceptance."""
        return np.asarray(self.signal / self.signal.sum())

    def sensitivity(self, level: float = 0.9) -> float:
        """Returns the average upper limit on the total flux in units of the stacked flux."""
        return mean_upper_limit(float(self.background.sum()), level) / float(self.signal.sum())

    def discovery(self, sigma: float = 5.0) -> float:
        """Returns the total flux that is discovered in half of the experiments."""
        needed = discovery_signal(self.background.sum(), p_value_of(sigma))
        return float(needed / self.signal.sum())

    def p_value(self, observed: npt.ArrayLike) -> float:
        """Returns the probability of at least as many events in all cones from background alone."""
        counts = self._counts(observed)
        return float(poisson_p_value(counts.sum(), self.background.sum()))

    def upper_limit(self, observed: npt.ArrayLike, level: float = 0.9) -> float:
        """Returns the upper limit on the total flux in units of the stacked flux.

        Every source counts with its own signal and background (`combined_upper_limit`), so a
        source with much background does not spoil one with little.
        """
        counts = self._counts(observed)
        return combined_upper_limit(counts, self.signal, self.background, level)

    def _counts(self, observed: npt.ArrayLike) -> Floats:
        counts = plain_numbers(observed, "observed events")
        if counts.shape != self.signal.shape:
            raise CountingError(
                f"{counts.size} counts for {len(self.names)} sources; give one per source, in the "
                f"order {', '.join(self.names)}"
            )
        return counts


def flux_weights(fluxes: npt.ArrayLike) -> Floats:
    """Returns weights proportional to measured fluxes (all in the same unit); they sum to 1."""
    if np.any(getattr(fluxes, "mask", False)):
        raise CountingError("some fluxes for the weights are masked; remove these sources")
    try:
        values = np.asarray(u.Quantity(fluxes).value, dtype=float)
    except (TypeError, ValueError) as error:
        raise CountingError(
            f"fluxes for the weights must be numbers in the same unit: {error}"
        ) from None
    if values.ndim != 1 or not np.all(np.isfinite(values)) or np.any(values < 0):
        raise CountingError(
            "fluxes for the weights must be a list of finite numbers, none negative"
        )
    if not values.sum() > 0:
        raise CountingError("all fluxes for the weights are zero; at least one must be positive")
    return np.asarray(values / values.sum())


def stack(
    responses: Sequence[PointResponse],
    spectrum: SpectralModel,
    weights: npt.ArrayLike | None = None,
    *,
    radius: u.Quantity,
    names: Sequence[str] | None = None,
) -> Stack:
    """Returns a stack of sources.

    Parameters
    ----------
    responses : sequence of PointResponse
        Signal and background around each source.
    spectrum : gammapy.modeling.models.SpectralModel
        Total flux of all sources.
    weights : array_like, optional
        Shares of the sources, with any sum (`flux_weights`); equal by default.
    radius : Quantity
        Radius of the cones, the same for all sources or one per source; the nearest of a response's
        radii is used and must agree to 10 %.
    names : sequence of str, optional

    Raises
    ------
    CountingError
        If there are no sources, the number of weights or names differs, or the detector expects no
        event from any of them.
    """
    n = len(responses)
    if n == 0:
        raise CountingError("no sources to stack; give at least one response")
    share = flux_weights(np.ones(n) if weights is None else weights)
    cones = np.broadcast_to(np.atleast_1d(radius.to_value(u.deg)), (n,))
    if len(share) != n:
        raise CountingError(f"{len(share)} weights for {n} sources")
    signal, background = np.zeros(n), np.zeros(n)
    for i, (response, cone) in enumerate(zip(responses, cones, strict=True)):
        row = response.row(cone * u.deg)
        signal[i] = share[i] * response.counts(spectrum)[row].sum()
        background[i] = response.background[row].sum()
    if not signal.sum() > 0:
        raise CountingError(
            "the detector expects no event from any of these sources with this spectrum"
        )
    labels = tuple(names) if names is not None else tuple(f"source {i + 1}" for i in range(n))
    if len(labels) != n:
        raise CountingError(f"{len(labels)} names for {n} sources")
    return Stack(labels, share, signal, background)
