import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.time import Time
from hypothesis import given, settings
from hypothesis import strategies as st

from openkm3 import sky
from openkm3.sky import LocalDirection

# First best tracks of dst/orca4_sample.root and dst/orca6_sample.root (km3net-testdata).
EVENTS = [
    ("2019-10-10T00:00:18.5", 139.0281, 335.2180, 49.0281, 292.7597, 326.4710, 44.2621),
    (None, 165.7288, 190.2055, 75.7288, 77.7722, 0.0180, 44.0539),
]


def orca6_time() -> Time:
    reader = pytest.importorskip("km3io", reason="make test TESTS=tests/openkm3 has it")
    data = pytest.importorskip("km3net_testdata", reason="make test TESTS=tests/openkm3 has it")
    events = reader.OfflineReader(data.data_path("dst/orca6_sample.root"))
    return Time(float(events.t_sec[0]), float(events.t_ns[0]) * 1e-9, format="unix")


@pytest.mark.parametrize("event", EVENTS)
def test_real_events_are_where_km3astro_has_them(event):
    time, theta, phi, alt, az, ra, dec = event
    when = orca6_time() if time is None else time
    track = LocalDirection.from_flight(theta * u.deg, phi * u.deg)
    horizontal = track.to_horizontal(when, "ORCA")
    assert horizontal.alt.deg == pytest.approx(alt, abs=1e-4)
    assert horizontal.az.deg == pytest.approx(az, abs=1e-4)
    place = track.to_sky(when, "ORCA4")
    assert place.separation(SkyCoord(ra, dec, unit="deg")).deg < 1e-4


def test_a_particle_moving_up_has_its_origin_below():
    up = LocalDirection.from_flight_vector(0, 0, 1)
    assert up.theta.deg == 0
    assert up.zenith.deg == 180
    assert up.to_horizontal("2022-01-01", "ARCA").alt.deg == pytest.approx(-90)


def test_a_particle_moving_south_has_its_origin_in_the_north():
    south = LocalDirection.from_flight_vector(0, -1, 0)
    horizontal = south.to_horizontal("2022-01-01", "ORCA")
    assert horizontal.az.wrap_at(180 * u.deg).deg == pytest.approx(sky.ORCA.grid_north)


def test_arrays_go_through_in_one_call():
    many = LocalDirection.from_flight_vector(
        np.ones(1000), np.zeros(1000), np.linspace(-1, 1, 1000)
    )
    place = many.to_sky(Time(2459000.5 + np.arange(1000), format="jd"), "ARCA")
    assert place.shape == (1000,)
    assert many.flight_vector.shape == (1000, 3)


@pytest.mark.parametrize("step", [1.0, 5000.0])
def test_the_events_of_a_run_are_where_each_alone_is(step):
    count = 400
    times = Time("2022-03-04T05:06:07") + np.arange(count) * step * u.s
    zenith, azimuth = np.linspace(1, 179, count) * u.deg, np.linspace(0, 359, count) * u.deg
    together = LocalDirection(zenith, azimuth).to_sky(times, "ARCA")
    back = LocalDirection.from_sky(together, times, "ARCA")
    for index in (0, 57, 199, count - 1):
        alone = LocalDirection(zenith[index], azimuth[index]).to_sky(times[index], "ARCA")
        assert together[index].separation(alone).arcsec < 1e-6
        assert abs(back.zenith[index] - zenith[index]).deg < 1e-9


ANGLES = {"zenith": st.floats(0.01, 179.99), "azimuth": st.floats(0, 359.99)}


@settings(max_examples=40, deadline=None)
@given(
    **ANGLES,
    days=st.floats(-3000, 9000),
    detector=st.sampled_from([sky.ORCA, sky.ARCA, sky.ANTARES, sky.ORCA.exact()]),
)
def test_there_and_back_is_the_same_direction(zenith, azimuth, days, detector):
    time = Time(2451545.0 + days, format="jd")
    start = LocalDirection(zenith * u.deg, azimuth * u.deg)
    back = LocalDirection.from_sky(start.to_sky(time, detector), time, detector)
    a, b = start.flight_vector, back.flight_vector
    assert np.degrees(np.linalg.norm(a - b)) < 1e-8


@given(**ANGLES)
def test_the_flight_vector_gives_its_direction_back(zenith, azimuth):
    start = LocalDirection(zenith * u.deg, azimuth * u.deg)
    again = LocalDirection.from_flight_vector(*(3.0 * start.flight_vector))
    np.testing.assert_allclose(again.flight_vector, start.flight_vector, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(start.flight_vector), 1)
    assert start.flight_vector[2] == pytest.approx(-np.cos(np.radians(zenith)), abs=1e-12)


@pytest.mark.parametrize("years", ["1975-01-01", "2060-01-01"])
def test_times_beyond_the_earth_orientation_tables_work_in_silence(years, recwarn):
    LocalDirection(30 * u.deg, 40 * u.deg).to_sky(years, "ORCA")
    messages = [str(found.message) for found in recwarn]
    # astropy mentions the cache folder that the tests give it once in a process.
    assert [text for text in messages if "XDG_CACHE_HOME" not in text] == []


def test_an_angle_without_unit_is_refused():
    with pytest.raises(TypeError, match=r"theta needs a unit.*astropy\.units"):
        LocalDirection.from_flight(1.2, 0.3 * u.rad)


def test_a_zenith_beyond_straight_down_is_refused():
    with pytest.raises(ValueError, match="between 0 and 180 deg"):
        LocalDirection(200 * u.deg, 0 * u.deg)


def test_a_track_without_direction_is_refused():
    with pytest.raises(ValueError, match="remove tracks without a direction"):
        LocalDirection.from_flight_vector([0, 1], [0, 0], [0, 0])


def test_an_unknown_detector_is_refused_with_the_known_ones():
    with pytest.raises(sky.UnknownSiteError, match=r"'IceCube'.*ORCA, ARCA, ANTARES"):
        sky.site("IceCube")


@pytest.mark.parametrize("name", ["ORCA", "orca6", "ORCA024", " ORCA-6 "])
def test_configurations_are_known_by_their_detector(name):
    assert sky.site(name) is sky.ORCA
