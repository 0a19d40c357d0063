"""Several sources as one search: weights, the sum of their cones, and the combined limit.

A stack asks for one number: the strength of the sources with their fluxes in a given ratio. The
ratio is set by *weights*: equal, or by what other messengers say of each source (flux), and it is
the detector's acceptance that turns it into a ratio of events.
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
from nugamma.neutrino.pointsource import PointResponse

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
        Events of each source when all of them together have the flux that was stacked.
    background : ndarray, shape (n,)
        Events of background in each cone.
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
        """Average upper limit on the total flux, in units of the stacked flux, cones summed."""
        return mean_upper_limit(float(self.background.sum()), level) / float(self.signal.sum())

    def discovery(self, sigma: float = 5.0) -> float:
        """Total flux that is discovered in half of the experiments, cones summed."""
        needed = discovery_signal(self.background.sum(), p_value_of(sigma))
        return float(needed / self.signal.sum())

    def p_value(self, observed: npt.ArrayLike) -> float:
        """Probability that background alone gives as many events in all cones or more."""
        counts = self._counts(observed)
        return float(poisson_p_value(counts.sum(), self.background.sum()))

    def upper_limit(self, observed: npt.ArrayLike, level: float = 0.9) -> float:
        """Upper limit on the total flux, in units of the stacked flux.

        Every source counts with its own signal and background (`combined_upper_limit`), so a
        clean source is not spoilt by a dirty one.
        """
        counts = self._counts(observed)
        return combined_upper_limit(counts, self.signal, self.background, level)

    def _counts(self, observed: npt.ArrayLike) -> Floats:
        counts = plain_numbers(observed, "observed events")
        if counts.shape != self.signal.shape:
            raise CountingError(
                f"{counts.size} counts for {len(self.names)} sources: give one for each, in the "
                f"order {', '.join(self.names)}"
            )
        return counts


def flux_weights(fluxes: npt.ArrayLike) -> Floats:
    """Weights that are proportional to measured fluxes (in any one unit), summing to 1."""
    if np.any(getattr(fluxes, "mask", False)):
        raise CountingError("fluxes to weight with must be known: some are masked")
    try:
        values = np.asarray(u.Quantity(fluxes).value, dtype=float)
    except (TypeError, ValueError) as error:
        raise CountingError(f"fluxes to weight with must be numbers in one unit: {error}") from None
    if values.ndim != 1 or not np.all(np.isfinite(values)) or np.any(values < 0):
        raise CountingError("fluxes to weight with must be a list of numbers of zero or more")
    if not values.sum() > 0:
        raise CountingError("all fluxes to weight with are zero")
    return np.asarray(values / values.sum())


def stack(
    responses: Sequence[PointResponse],
    spectrum: SpectralModel,
    weights: npt.ArrayLike | None = None,
    *,
    radius: u.Quantity,
    names: Sequence[str] | None = None,
) -> Stack:
    """Stack sources.

    Parameters
    ----------
    responses : sequence of PointResponse
        What the detector sees around each source.
    spectrum : gammapy.modeling.models.SpectralModel
        Flux of all sources together; each has its share of it.
    weights : array_like, optional
        Shares, of any sum (`flux_weights`); equal without.
    radius : Quantity
        Cone to count in, the same for all or one for each; the nearest of a response's radii,
        which must be within 10 %.
    names : sequence of str, optional

    Raises
    ------
    CountingError
        There are no sources, or not one weight for each, or the detector sees none of them.
    """
    n = len(responses)
    if n == 0:
        raise CountingError("no sources to stack")
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
        raise CountingError("the detector sees none of the sources to stack with this spectrum")
    labels = tuple(names) if names is not None else tuple(f"source {i + 1}" for i in range(n))
    if len(labels) != n:
        raise CountingError(f"{len(labels)} names for {n} sources")
    return Stack(labels, share, signal, background)
