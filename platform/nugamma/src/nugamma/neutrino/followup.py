"""ON/OFF follow-up of alerts and sky maps: neutrinos from a region within a time window.

ON are the events in a region of the sky within a time window. OFF are all others: each is moved to
the times of the window with the same direction in the *detector*, that is, altitude and azimuth
stay and the right ascension turns with the Earth. The fraction of such events in the region gives
the background, including the detector's own efficiency.
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
from nugamma.neutrino.regions import Circle, Region
from nugamma.neutrino.times import moment
from nugamma.responses.pointsource import NeutrinoTelescope, integral_flux, solid_angle
from openkm3.alerts import Alert
from openkm3.sky.offline import offline

Floats = npt.NDArray[np.float64]

#: Rotation of the Earth relative to the stars, deg per UT1 day (IERS Conventions 2010, eq. 5.15).
_TURN_PER_DAY = 360 * 1.00273781191135448


@dataclass(frozen=True)
class Window:
    """A time window."""

    start: Time
    stop: Time

    def __post_init__(self) -> None:
        """Refuses windows that end before they start."""
        for time in (self.start, self.stop):
            if not isinstance(time, Time) or not time.isscalar:
                raise FollowUpError(
                    f"start and stop of a window must be single astropy Times, not {time!r}"
                )
        if not self.stop > self.start:
            raise FollowUpError(
                f"the window ends ({self.stop.iso}) before it starts; swap start and stop"
            )

    @classmethod
    def around(cls, time: Time | str, before: u.Quantity, after: u.Quantity) -> Window:
        """Returns the window from ``before`` to ``after`` a time; 500 s each is usual for mergers.

        Text is UTC, or ISO 8601 with a time zone.
        """
        middle = moment(time)
        for length in (before, after):
            if not u.Quantity(length).isscalar or not u.Quantity(length).unit.is_equivalent(u.s):
                raise FollowUpError(
                    f"before and after need a unit of time, as in 500 * u.s, not {length}"
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
        Expected events there without a source.
    off_events, alpha : float
        Effective number of OFF events that determine the background, and the ratio of exposures:
        ``background = alpha * off_events``.
    p_value, significance : float
        Probability of at least as many events from background, including the background's
        uncertainty, also as one-sided standard deviations.
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
    """Compares a region and time window with the rest of the data.

    Parameters
    ----------
    events : EventList
        All selected events, including those in the window.
    region : Circle, CredibleRegion or another Region
    window : Window
    window_livetime : Quantity, optional
        How long data were taken in the window; by default its whole duration.
    level, method : float, str
        Of the upper limit, see `nugamma.neutrino.counting.upper_limit`.

    Raises
    ------
    FollowUpError
        If no data were taken outside the window.
    """
    during = window.duration if window_livetime is None else window_livetime
    if not 0 < during.to_value(u.day) <= window.duration.to_value(u.day) * (1 + 1e-9):
        raise FollowUpError(
            f"window_livetime {during} is not within the window of {window.duration:.4f}"
        )
    outside = events.livetime - during
    if not outside.to_value(u.day) > 0:
        raise FollowUpError(
            "the event list has no livetime outside the window, from which to take the background"
        )
    inside = (events.time >= window.start) & (events.time <= window.stop)
    places = events.position.icrs
    on = np.count_nonzero(region.contains(places.ra.deg[inside], places.dec.deg[inside]))
    shares = _shares(events.time[~inside], places[~inside], region, window)
    ratio = float((during / outside).to_value(""))
    total, squares = float(shares.sum()), float((shares**2).sum())
    # An event that is in the region during a fraction of the window counts as that fraction.
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
    """Follows up an alert: events in its error circle (or ``radius``) around its trigger time.

    Raises
    ------
    FollowUpError
        If the alert has no position, no time, or no error radius while none is given.
    """
    if alert.ra is None or alert.dec is None or alert.trigger_time is None:
        raise FollowUpError(f"alert {alert.name} needs ra, dec and trigger_time for a follow-up")
    size = alert.error_radius * u.deg if radius is None and alert.error_radius else radius
    if size is None:
        raise FollowUpError(f"alert {alert.name} has no ra_dec_error; give a radius")
    region = Circle(SkyCoord(alert.ra, alert.dec, unit="deg"), size)
    window = Window.around(alert.trigger_time, before, after)
    return follow_up(events, region, window, level=level)


def expected_background(
    telescope: NeutrinoTelescope, region: Region, duration: u.Quantity
) -> float:
    """Returns the background that a response predicts in a region, averaged over sidereal days.

    It is meant for planning. A window much shorter than a day has more or less, depending on the
    region's zenith angle at the time.
    """
    declination, areas = region.declinations()
    # The response changes slowly, so 40 bands of declination are enough.
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
    """Returns the upper limit on the fluence between the outermost edges, GeV cm-2.

    Parameters
    ----------
    limit_events : float
        Upper limit in events.
    area : Quantity, shape (n,)
        Effective area in energy bins at the source's zenith angle during the window, for example
        `Arca230.area_at_zenith`.
    edges : Quantity, shape (n + 1,)
    spectrum : gammapy.modeling.models.SpectralModel
        Shape of the flux of one flavour; its normalisation cancels.
    """
    per_event = float((integral_flux(spectrum, edges) * area.to_value("cm2")).sum())
    if not per_event > 0:
        raise FollowUpError("the effective area is zero at all energies of the spectrum")
    # For an index of 2, gammapy divides by zero before it takes the right formula.
    with np.errstate(divide="ignore", invalid="ignore"):
        energy = spectrum.energy_flux(edges[0], edges[-1]).to_value("GeV cm-2 s-1")
    return limit_events / per_event * float(energy) * u.Unit("GeV cm-2")


def _shares(time: Time, places: SkyCoord, region: Region, window: Window) -> Floats:
    """Returns the fraction of the window during which each OFF event would be in the region."""
    with offline():
        then = time.earth_rotation_angle("tio").deg
        start = float(window.start.earth_rotation_angle("tio").deg)
    turn = window.duration.to_value(u.day) * _TURN_PER_DAY
    return region.share(places.ra.deg + start - then, places.dec.deg, turn)
