"""How long a source is seen, against astropy's own coordinate transformations."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, SkyCoord
from astropy.time import Time
from astropy.utils.masked import Masked
from hypothesis import given, settings
from hypothesis import strategies as st

from nugamma.errors import VisibilityError
from nugamma.neutrino import visibility
from openkm3.sky import site
from openkm3.sky.offline import offline

EDGES = np.linspace(-1, 1, 21)

VELA_X = SkyCoord(128.287, -45.19, unit="deg")
CRAB = SkyCoord(83.6287, 22.0147, unit="deg")
POLARIS = SkyCoord(37.95456, 89.26411, unit="deg")


def cos_zenith_through_a_day(source: SkyCoord, detector: str, epoch: str) -> np.ndarray:
    sidereal_day = 0.9972695663 * u.day
    times = Time(epoch) + np.linspace(0, 1, 2001)[:-1] * sidereal_day
    with offline():
        seen = source.transform_to(AltAz(obstime=times, location=site(detector).location))
    return np.sin(seen.alt.rad)


@pytest.mark.parametrize("detector", ["ARCA", "ORCA", "ANTARES"])
@pytest.mark.parametrize("source", [VELA_X, CRAB, POLARIS], ids=["Vela X", "Crab", "Polaris"])
def test_time_at_each_zenith_is_astropys(source: SkyCoord, detector: str) -> None:
    epoch = "2028-03-01"
    expected = np.histogram(cos_zenith_through_a_day(source, detector, epoch), EDGES)[0] / 2000
    declination = visibility.declination_of_date(source, epoch)
    found = visibility.time_fractions(declination, EDGES, detector)
    # A sample more or less at both ends of a bin, twice a day.
    assert found == pytest.approx(expected, abs=2.1e-3)


@pytest.mark.parametrize("source", [VELA_X, CRAB], ids=["Vela X", "Crab"])
def test_time_below_the_horizon_is_astropys(source: SkyCoord) -> None:
    expected = np.mean(cos_zenith_through_a_day(source, "ARCA", "2028-03-01") < 0)
    declination = visibility.declination_of_date(source, "2028-03-01")
    assert visibility.fraction_of_time(declination) == pytest.approx(expected, abs=1e-3)


def test_track_is_the_path_that_astropy_gives() -> None:
    """The hour angle runs from the upper culmination."""
    path = cos_zenith_through_a_day(VELA_X, "ARCA", "2028-03-01")
    shifted = np.roll(path, -int(np.argmax(path)))
    hours = np.linspace(0, 360, 2001)[:-1] * u.deg
    declination = visibility.declination_of_date(VELA_X, "2028-03-01")
    found = visibility.cos_zenith(declination, hours, "ARCA")
    assert np.abs(found - shifted).max() < 4e-3


@settings(deadline=None)
@given(st.floats(-90, 90), st.sampled_from(["ARCA", "ORCA"]))
def test_fractions_sum_to_one(declination: float, detector: str) -> None:
    fractions = visibility.time_fractions(declination * u.deg, EDGES, detector)
    assert np.all(fractions >= 0)
    assert fractions.sum() == pytest.approx(1, abs=1e-12)


@settings(deadline=None)
@given(st.floats(-90, 90), st.floats(0, 180), st.floats(0, 180), st.floats(0, 180))
def test_time_between_zeniths_adds_up(dec: float, a: float, b: float, c: float) -> None:
    low, middle, high = np.sort([a, b, c]) * u.deg
    d = dec * u.deg
    whole = visibility.fraction_of_time(d, low, high)
    parts = visibility.fraction_of_time(d, low, middle) + visibility.fraction_of_time(
        d, middle, high
    )
    assert whole == pytest.approx(parts, abs=1e-12)


def test_the_celestial_poles_do_not_move() -> None:
    latitude = site("ARCA").latitude * u.deg
    assert visibility.fraction_of_time(90 * u.deg) == 0
    assert visibility.fraction_of_time(-90 * u.deg) == 1
    band = visibility.fraction_of_time(90 * u.deg, 89 * u.deg - latitude, 91 * u.deg - latitude)
    assert band == 1


def test_celestial_equator_is_below_the_horizon_half_the_time() -> None:
    assert visibility.fraction_of_time(0 * u.deg) == pytest.approx(0.5, abs=1e-12)


def test_map_agrees_with_single_places() -> None:
    healpy = pytest.importorskip("healpy", reason="healpy is missing; pip install healpy")
    sky = visibility.visibility_map(nside=16, frame="galactic", epoch="J2028.0")
    pixel = healpy.ang2pix(16, 10.0, 20.0, lonlat=True)
    longitude, latitude = healpy.pix2ang(16, pixel, lonlat=True)
    place = SkyCoord(longitude, latitude, unit="deg", frame="galactic")
    declination = visibility.declination_of_date(place, "J2028.0")
    assert sky[pixel] == pytest.approx(float(visibility.fraction_of_time(declination)), abs=1e-12)
    # Every place is somewhere on the celestial sphere, half of which is below the horizon.
    assert sky.mean() == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: visibility.fraction_of_time(91 * u.deg), "declinations must be between"),
        (lambda: visibility.fraction_of_time(np.nan * u.deg), "declinations must be between"),
        (lambda: visibility.fraction_of_time(-45.0), "needs a unit"),
        (lambda: visibility.fraction_of_time(-45.0 * u.m), "a unit of angle"),
        (lambda: visibility.fraction_of_time(Masked(3.0 * u.deg, mask=True)), "are masked"),
        (lambda: visibility.fraction_above(0 * u.deg, 1.5), "cosines of zenith angles"),
        (lambda: visibility.time_fractions(0 * u.deg, [0.5, 0.1]), "ascending"),
        (
            lambda: visibility.fraction_of_time(0 * u.deg, 120 * u.deg, 90 * u.deg),
            "zenith_min <= zenith_max",
        ),
    ],
)
def test_impossible_angles_are_refused(call: object, complaint: str) -> None:
    with pytest.raises(VisibilityError, match=complaint):
        call()  # type: ignore[operator]
