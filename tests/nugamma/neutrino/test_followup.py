"""ON/OFF follow-up of alerts and sky maps, on events that are drawn here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.time import Time

from nugamma.errors import FollowUpError
from nugamma.neutrino.followup import (
    EventList,
    Window,
    expected_background,
    fluence_limit,
    follow_up,
    follow_up_alert,
)
from nugamma.neutrino.regions import Circle, SkyMap
from nugamma.responses.pointsource import power_law
from openkm3 import alerts
from openkm3.sky import LocalDirection

healpy = pytest.importorskip("healpy", reason="healpy is missing; pip install healpy")

SHARED = Path(__file__).resolve().parents[4] / "shared/data"
ALERT = SHARED / "alerts/alert.example.json"
DAYS = 40
MERGER = Time("2024-09-01T01:16:47")


def drawn_events(seed: int, number: int = 20_000) -> EventList:
    """Up-going background that is even in the detector's frame, over 40 days."""
    rng = np.random.default_rng(seed)
    time = Time("2024-08-10") + np.sort(rng.uniform(0, DAYS, number)) * u.day
    zenith = np.arccos(rng.uniform(-1, 0, number)) * u.rad
    azimuth = rng.uniform(0, 360, number) * u.deg
    return EventList(time, LocalDirection(zenith, azimuth).to_sky(time, "ARCA"), DAYS * u.day)


@pytest.fixture(scope="module")
def events() -> EventList:
    return drawn_events(1)


def below_horizon(time: Time) -> SkyCoord:
    """A place on the sky that is 30 deg below ARCA's horizon in the south."""
    return LocalDirection(120 * u.deg, 270 * u.deg).to_sky(time, "ARCA")


def rate_in(events: EventList, circle: Circle, window: Window) -> float:
    """What the drawn background gives: 20 000 events over half of the sky in 40 days."""
    density = len(events.time) / (2 * np.pi) / DAYS
    return density * circle.solid_angle.to_value("sr") * window.duration.to_value("d")


@pytest.mark.parametrize("minutes", [17, 120], ids=["merger", "two hours"])
def test_background_is_the_rate_of_the_detector(events: EventList, minutes: float) -> None:
    window = Window.around(MERGER, minutes / 2 * u.min, minutes / 2 * u.min)
    circle = Circle(below_horizon(MERGER), 8 * u.deg)
    found = follow_up(events, circle, window)
    assert found.background == pytest.approx(rate_in(events, circle, window), rel=0.1)
    assert found.background == pytest.approx(found.alpha * found.off_events)


def test_region_above_the_horizon_has_no_background(events: EventList) -> None:
    overhead = LocalDirection(30 * u.deg, 90 * u.deg).to_sky(MERGER, "ARCA")
    window = Window.around(MERGER, 500 * u.s, 500 * u.s)
    found = follow_up(events, Circle(overhead, 8 * u.deg), window)
    assert (found.observed, found.background) == (0, 0)
    assert found.p_value == 1
    assert found.limit_events == pytest.approx(np.log(10), rel=1e-6)


def test_events_of_a_source_are_found(events: EventList) -> None:
    place = below_horizon(MERGER)
    extra = Time(np.repeat(MERGER.mjd, 3) + np.array([-1, 0, 2]) / 1440, format="mjd")
    ra = np.append(events.position.ra.deg, np.repeat(place.ra.deg, 3))
    dec = np.append(events.position.dec.deg, np.repeat(place.dec.deg, 3))
    mjd = np.append(events.time.mjd, extra.mjd)
    both = EventList(Time(mjd, format="mjd"), SkyCoord(ra, dec, unit="deg"), events.livetime)
    window = Window.around(MERGER, 500 * u.s, 500 * u.s)
    found = follow_up(both, Circle(place, 2 * u.deg), window)
    assert found.observed == 3
    assert found.significance > 4
    assert found.limit_events > 5


def test_p_values_of_background_are_even() -> None:
    """Of 30 windows and places, about one in five has a p-value below 0.2, never many more."""
    events = drawn_events(2, 8_000)
    rng = np.random.default_rng(5)
    below = 0
    for shift in rng.uniform(2, 30, 30):
        moment = Time("2024-08-12") + shift * u.day
        window = Window.around(moment, 1 * u.hour, 1 * u.hour)
        result = follow_up(events, Circle(below_horizon(moment), 20 * u.deg), window)
        below += result.p_value < 0.2
    assert 1 <= below <= 13


def test_sky_map_of_a_circle_gives_the_same_region(events: EventList) -> None:
    place = below_horizon(MERGER)
    nside = 128
    vector = healpy.ang2vec(place.ra.deg, place.dec.deg, lonlat=True)
    disc = healpy.query_disc(nside, vector, np.radians(8))
    probability = np.zeros(healpy.nside2npix(nside))
    probability[disc] = 1 / len(disc)
    region = SkyMap(probability).credible_region(0.9999)
    circle = Circle(place, 8 * u.deg)
    assert region.solid_angle.to_value("sr") == pytest.approx(
        circle.solid_angle.to_value("sr"), rel=0.02
    )
    window = Window.around(MERGER, 1 * u.hour, 1 * u.hour)
    one, other = follow_up(events, region, window), follow_up(events, circle, window)
    assert one.background == pytest.approx(other.background, rel=0.05)


@pytest.mark.parametrize("turn", [4.0, 100.0, 500.0])
def test_exact_share_of_a_turn_is_that_of_small_steps(turn: float) -> None:
    circle = Circle(SkyCoord(10, 70, unit="deg"), 25 * u.deg)
    rng = np.random.default_rng(7)
    longitude, latitude = rng.uniform(0, 360, 300), np.degrees(np.arcsin(rng.uniform(-1, 1, 300)))
    steps = (np.arange(4000) + 0.5) / 4000 * turn
    expected = [circle.contains((longitude + step) % 360, latitude) for step in steps]
    found = circle.share(longitude, latitude, turn)
    assert found == pytest.approx(np.mean(expected, axis=0), abs=1.5e-3)


def test_credible_region_is_the_smallest() -> None:
    nside = 32
    probability = np.random.default_rng(4).dirichlet(np.ones(healpy.nside2npix(nside)) * 0.1)
    region = SkyMap(probability).credible_region(0.5)
    inside, outside = probability[region.inside], probability[~region.inside]
    assert inside.min() >= outside.max()
    assert inside.sum() >= 0.5 > inside.sum() - inside.min()


@pytest.mark.parametrize("nested", [False, True], ids=["ring", "nested"])
def test_flat_map_is_read_as_healpy_writes_it(tmp_path: Path, *, nested: bool) -> None:
    probability = np.random.default_rng(6).dirichlet(np.ones(12 * 16**2))
    stored = healpy.reorder(probability, r2n=True) if nested else probability
    healpy.write_map(
        tmp_path / "map.fits", stored, nest=nested, coord="C", column_names=["PROB"], dtype=float
    )
    read = SkyMap.read(tmp_path / "map.fits")
    assert read.nside == 16
    assert read.probability == pytest.approx(probability)


def test_multi_order_map_is_drawn_on_equal_pixels(tmp_path: Path) -> None:
    """One face is split into quarters, the other eleven are whole: 4 nside^2 + pixel."""
    uniq = [*range(5, 16), *range(16, 20)]
    density = [0.5 / (4 * np.pi / 12 * 11)] * 11 + [0.125 / (4 * np.pi / 48)] * 4
    table = Table({"UNIQ": uniq, "PROBDENSITY": density})
    table.meta.update(PIXTYPE="HEALPIX", COORDSYS="C", ORDERING="NUNIQ")
    table.write(tmp_path / "map.fits")
    read = SkyMap.read(tmp_path / "map.fits")
    assert read.nside == 2
    first_face = healpy.reorder(read.probability, r2n=True)[:4]
    assert first_face == pytest.approx([0.125] * 4)
    assert read.probability.sum() == pytest.approx(1)


@pytest.mark.skipif(not ALERT.exists(), reason=f"no example of an alert; put it into {ALERT}")
def test_alert_of_km3net_is_followed_up(events: EventList) -> None:
    alert = alerts.read(ALERT)
    found = follow_up_alert(events, alert, 12 * u.hour, 12 * u.hour)
    circle = Circle(SkyCoord(10.82, 20.01, unit="deg"), 0.9 * u.deg)
    same = follow_up(events, circle, Window.around(MERGER, 12 * u.hour, 12 * u.hour))
    assert found == same
    wide = follow_up_alert(events, alert, 12 * u.hour, 12 * u.hour, radius=10 * u.deg)
    assert wide.background > 50 * found.background


def test_alert_without_a_position_is_refused(events: EventList) -> None:
    alert = alerts.Alert.from_json({"event_name": "KM3-1", "trigger_time": "2024-09-01T00:00:00Z"})
    with pytest.raises(FollowUpError, match="ra, dec and trigger_time"):
        follow_up_alert(events, alert, 1 * u.hour, 1 * u.hour)
    alert = alerts.Alert.from_json(
        {"event_name": "KM3-1", "trigger_time": "2024-09-01T00:00:00Z", "ra": 1, "dec": 2}
    )
    with pytest.raises(FollowUpError, match="give a radius"):
        follow_up_alert(events, alert, 1 * u.hour, 1 * u.hour)


@pytest.mark.skipif(
    not (SHARED / "arca230").is_dir(),
    reason=f"no tables of ARCA230; put data/*.csv of KM3NeT-ARCA-irf into {SHARED / 'arca230'}",
)
def test_planned_background_and_fluence_with_arca230() -> None:
    from nugamma.responses.arca230 import Arca230

    tracks = Arca230.read(SHARED / "arca230")
    circle = Circle(SkyCoord(0, 0, unit="deg"), 1 * u.deg)
    point = tracks.point(0 * u.deg, 1 * u.day, np.array([1.0]) * u.deg)
    found = expected_background(tracks, circle, 1 * u.day)
    assert found == pytest.approx(point.background.sum(), rel=1e-9)

    whole = SkyMap(np.full(12 * 32**2, 1 / (12 * 32**2))).credible_region(0.9999999)
    everything = expected_background(tracks, whole, 1 * u.day)
    assert everything == pytest.approx(tracks.background.sum() * 86400, rel=0.02)

    area = tracks.area_at_zenith(120 * u.deg)
    # For E^-2 the energy in a decade is the same everywhere: limit * ln(E2 / E1) / sum(A / E dE).
    spectrum = power_law(2.0)
    limit = fluence_limit(2.303, area, tracks.energy_true, spectrum)
    edges = tracks.energy_true.to_value("GeV")
    per_event = (area.to_value("cm2") * (1 / edges[:-1] - 1 / edges[1:])).sum()
    expected = 2.303 / per_event * np.log(edges[-1] / edges[0])
    assert limit.to_value("GeV cm-2") == pytest.approx(expected, rel=1e-6)


def test_impossible_input_is_refused(events: EventList, tmp_path: Path) -> None:
    window = Window.around(MERGER, 1 * u.hour, 1 * u.hour)
    circle = Circle(below_horizon(MERGER), 5 * u.deg)
    with pytest.raises(FollowUpError, match="before it starts"):
        Window.around(MERGER, -1 * u.hour, 0 * u.hour)
    with pytest.raises(FollowUpError, match="above 0 and up to 180 deg"):
        Circle(below_horizon(MERGER), 0 * u.deg)
    with pytest.raises(FollowUpError, match="is not within the window"):
        follow_up(events, circle, window, window_livetime=1 * u.day)
    short = EventList(events.time[:5], events.position[:5], 2 * u.hour)
    with pytest.raises(FollowUpError, match="no livetime outside"):
        follow_up(short, circle, window)
    with pytest.raises(FollowUpError, match="one of each per event"):
        EventList(events.time[:5], events.position[:4], 1 * u.day)
    for name, value in {"mjd": np.nan, "ra": np.nan, "decl": 91.0}.items():
        table = Table({"mjd": [6e4], "ra": [1.0], "decl": [1.0]} | {name: [value]})
        with pytest.raises(FollowUpError, match=r"missing values|an invalid"):
            EventList.from_table(table, 1 * u.day)
    with pytest.raises(FollowUpError, match="no column decl"):
        EventList.from_table(Table({"mjd": [1.0], "ra": [1.0]}), 1 * u.day)
    with pytest.raises(FollowUpError, match="sums to"):
        SkyMap(np.ones(12))
    with pytest.raises(FollowUpError, match="non-finite"):
        SkyMap(np.append(np.ones(11), np.nan) / 11)
    with pytest.raises(FollowUpError, match="12 nside"):
        SkyMap(np.ones(13) / 13)
    (tmp_path / "text.fits").write_text("no map")
    with pytest.raises(FollowUpError, match="cannot be read as a FITS file"):
        SkyMap.read(tmp_path / "text.fits")
