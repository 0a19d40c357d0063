"""Neutrinos at the place and time of something else: ON/OFF follow-up of alerts and sky maps.

ON is what was seen in a region of the sky within a time window. OFF is the rest of the data: each
event is seen again as if it had come at a time of the window from the same direction of the
*detector*, which keeps its altitude and azimuth and turns its right ascension by the rotation of
the Earth in between. How often such events fall into the region gives the background, with the
detector's own efficiency in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.time import Time
from gammapy.modeling.models import SpectralModel

from nugamma.errors import FollowUpError
from nugamma.neutrino.counting import LimitMethod, on_off_p_value, sigma_of, upper_limit
from nugamma.neutrino.eventlist import EventList
from nugamma.neutrino.pointsource import NeutrinoTelescope, integral_flux, solid_angle
from nugamma.neutrino.regions import Circle, Region
from nugamma.neutrino.times import moment
from openkm3.alerts import Alert
from openkm3.sky.offline import offline

Floats = npt.NDArray[np.float64]

#: Degrees that the Earth turns under the stars in a day.
_TURN_A_DAY = 360 * 1.00273781191135448


@dataclass(frozen=True)
class Window:
    """From when to when."""

    start: Time
    stop: Time

    def __post_init__(self) -> None:
        """Refuse windows that end before they start."""
        for time in (self.start, self.stop):
            if not isinstance(time, Time) or not time.isscalar:
                raise FollowUpError(
                    f"a window starts and ends at one astropy Time, not at {time!r}"
                )
        if not self.stop > self.start:
            raise FollowUpError(f"the window ends ({self.stop.iso}) before it starts")

    @classmethod
    def around(cls, time: Time | str, before: u.Quantity, after: u.Quantity) -> Window:
        """From ``before`` a time to ``after`` it; 500 s both are common for mergers.

        Text is UTC, or ISO 8601 with a zone.
        """
        middle = moment(time)
        for length in (before, after):
            if not u.Quantity(length).isscalar or not u.Quantity(length).unit.is_equivalent(u.s):
                raise FollowUpError(
                    f"the time around a window's middle needs a unit, as in 500 s, not {length}"
                )
        return cls(middle - before, middle + after)

    @property
    def duration(self) -> u.Quantity:
        """Length in days."""
        return (self.stop - self.start).to(u.day)


@dataclass(frozen=True)
class FollowUp:
    """Result of a follow-up.

    Parameters
    ----------
    observed : int
        Events in the region and the window.
    background : float
        Expected there without a source.
    off_events, alpha : float
        Effective number of OFF events behind the background, and the ratio of the exposures:
        ``background = alpha * off_events``.
    p_value, significance : float
        Probability of as many events or more from background, with the uncertainty of the
        background; one-sided standard deviations.
    limit_events : float
        Upper limit on the signal in events.
    """

    observed: int
    background: float
    off_events: float
    alpha: float
    p_value: float
    significance: float
    limit_events: float


def follow_up(
    events: EventList,
    region: Region,
    window: Window,
    *,
    window_livetime: u.Quantity | None = None,
    level: float = 0.9,
    method: LimitMethod = "cls",
) -> FollowUp:
    """Compare a region and a time window with the rest of the data.

    Parameters
    ----------
    events : EventList
        All events of the selection, those in the window included.
    region : Circle, CredibleRegion or another Region
    window : Window
    window_livetime : Quantity, optional
        How long data were taken in the window; by default all the time.
    level, method : float, str
        Of the upper limit, see `nugamma.neutrino.counting.upper_limit`.

    Raises
    ------
    FollowUpError
        No data were taken outside the window.
    """
    during = window.duration if window_livetime is None else window_livetime
    if not 0 < during.to_value(u.day) <= window.duration.to_value(u.day) * (1 + 1e-9):
        raise FollowUpError(f"{during} of data do not fit into a window of {window.duration:.4f}")
    outside = events.livetime - during
    if not outside.to_value(u.day) > 0:
        raise FollowUpError("no data outside the window to take the background from")
    inside = (events.time >= window.start) & (events.time <= window.stop)
    places = events.position.icrs
    on = np.count_nonzero(region.contains(places.ra.deg[inside], places.dec.deg[inside]))
    shares = _shares(events.time[~inside], places[~inside], region, window)
    ratio = float((during / outside).to_value(""))
    total, squares = float(shares.sum()), float((shares**2).sum())
    # An event that is in the region for a part of the window's moments counts as a part of one.
    effective = total**2 / squares if total > 0 else 0.0
    alpha = ratio * total / effective if total > 0 else ratio
    p_value = float(on_off_p_value(on, effective, alpha))
    return FollowUp(
        observed=int(on),
        background=ratio * total,
        off_events=effective,
        alpha=alpha,
        p_value=p_value,
        significance=float(sigma_of(p_value, sides=1)),
        limit_events=upper_limit(int(on), ratio * total, level, method),
    )


def follow_up_alert(
    events: EventList,
    alert: Alert,
    before: u.Quantity,
    after: u.Quantity,
    *,
    radius: u.Quantity | None = None,
    level: float = 0.9,
) -> FollowUp:
    """Follow up an alert: its error circle (or ``radius``) around its trigger time.

    Raises
    ------
    FollowUpError
        The alert has no position, no time, or no error region and none was given.
    """
    if alert.ra is None or alert.dec is None or alert.trigger_time is None:
        raise FollowUpError(f"alert {alert.name}: without ra, dec and trigger_time nothing can be")
    size = alert.error_radius * u.deg if radius is None and alert.error_radius else radius
    if size is None:
        raise FollowUpError(f"alert {alert.name} has no ra_dec_error; give a radius")
    region = Circle(SkyCoord(alert.ra, alert.dec, unit="deg"), size)
    window = Window.around(alert.trigger_time, before, after)
    return follow_up(events, region, window, level=level)


def expected_background(
    telescope: NeutrinoTelescope, region: Region, duration: u.Quantity
) -> float:
    """Background that a response expects in a region, as a mean over sidereal days.

    For planning, where there are no data yet. A window much shorter than a day sees more or
    less, depending on where the region stands at the time.
    """
    declination, areas = region.declinations()
    # The response changes slowly: 40 bands are as good as all rings of pixels.
    band = np.floor((np.sin(declination.to_value(u.rad)) + 1) * 20).astype(int)
    cone = np.array([1.0]) * u.deg
    total = 0.0
    for number in np.unique(band):
        chosen = band == number
        middle = np.average(declination.to_value(u.deg)[chosen], weights=areas[chosen]) * u.deg
        counts = telescope.point(middle, duration, cone).background.sum()
        total += float(counts / solid_angle(cone)[0] * areas[chosen].sum())
    return total


def fluence_limit(
    limit_events: float, area: u.Quantity, edges: u.Quantity, spectrum: SpectralModel
) -> u.Quantity:
    """Energy that arrived, at most: fluence per area between the edges, GeV cm-2.

    Parameters
    ----------
    limit_events : float
        Upper limit in events.
    area : Quantity, shape (n,)
        Effective area in energy bins, where the source stood in the window, for example
        `Arca230.area_at_zenith`.
    edges : Quantity, shape (n + 1,)
    spectrum : gammapy.modeling.models.SpectralModel
        Shape of the flux (its normalisation drops out), one flavour.
    """
    per_event = float((integral_flux(spectrum, edges) * area.to_value("cm2")).sum())
    if not per_event > 0:
        raise FollowUpError("the effective area is zero at all energies of the spectrum")
    # gammapy divides by zero for an index of 2 on its way to the right number.
    with np.errstate(divide="ignore", invalid="ignore"):
        energy = spectrum.energy_flux(edges[0], edges[-1]).to_value("GeV cm-2 s-1")
    return limit_events / per_event * float(energy) * u.Unit("GeV cm-2")


def _shares(time: Time, places: SkyCoord, region: Region, window: Window) -> Floats:
    """Share of the window in which each OFF event would lie in the region."""
    with offline():
        then = time.earth_rotation_angle("tio").deg
        start = float(window.start.earth_rotation_angle("tio").deg)
    turn = window.duration.to_value(u.day) * _TURN_A_DAY
    return region.share(places.ra.deg + start - then, places.dec.deg, turn)
