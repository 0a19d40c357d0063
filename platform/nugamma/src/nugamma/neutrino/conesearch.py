"""Search a list of events for a source: events in a cone, and the limit on the flux."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord

from nugamma.errors import CountingError
from nugamma.neutrino.counting import LimitMethod, poisson_p_value, sigma_of, upper_limit
from nugamma.responses.antares import Antares


@dataclass(frozen=True)
class ConeSearch:
    """Result of a search.

    Parameters
    ----------
    observed : int
        Events in the cone.
    background : float
        Expected background events in the cone.
    p_value, significance : float
        Probability of at least this count from background alone, also as one-sided standard
        deviations.
    limit_events : float
        Upper limit on the signal in events.
    limit_flux : Quantity
        Upper limit on the flux at 1 GeV of neutrinos and antineutrinos of one flavour. As in the
        published tool, the whole signal is assumed to lie in the cone.
    """

    observed: int
    background: float
    p_value: float
    significance: float
    limit_events: float
    limit_flux: u.Quantity


def cone_search(
    antares: Antares,
    position: SkyCoord,
    radius: u.Quantity,
    index: float = 2.0,
    *,
    level: float = 0.9,
    method: LimitMethod = "feldman-cousins",
) -> ConeSearch:
    """Counts ANTARES' events around a position and sets a limit.

    Raises
    ------
    CountingError
        If the response was read from a folder without ``ANTARES.data``.
    """
    if antares.events is None:
        raise CountingError("no events to search: put ANTARES.data into the folder with the tables")
    place = position.icrs
    observed = int(np.count_nonzero(antares.events.separation(place) < radius))
    background = antares.background(place.dec, radius)
    limit = upper_limit(observed, background, level, method)
    p_value = float(poisson_p_value(observed, background))
    return ConeSearch(
        observed=observed,
        background=background,
        p_value=p_value,
        significance=float(sigma_of(p_value, sides=1)),
        limit_events=limit,
        limit_flux=limit / antares.events_per_flux(place.dec, index) * u.Unit("GeV-1 cm-2 s-1"),
    )
