"""Agreement with aanet and with ANTARES' astro, to the figures that the README states."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import FK5, Galactic, SkyCoord
from astropy.time import Time

from openkm3 import sky

from .benchmarks import table, times

DETECTORS = ["ORCA", "ARCA", "antares"]
LARGEST = {  # degrees: coordinate systems, astronomical objects, Moon and Sun
    "ORCA": (0.0105, 0.0065, 0.017),
    "ARCA": (0.0090, 0.0065, 0.018),
    "antares": (0.0065, 0.0091, 0.017),
}


def source(columns, rows=slice(None)):
    return sky.LocalDirection(columns["zenith"][rows] * u.deg, columns["azimuth"][rows] * u.deg)


@pytest.mark.parametrize("detector", DETECTORS)
def test_tracks_are_where_the_benchmark_has_them(detector):
    columns = table(f"{detector}_coordinate_systems_benchmark.csv")
    ours = source(columns).to_sky(times(columns), detector)
    j2000 = SkyCoord(columns["RA-J2000"], columns["DEC-J2000"], unit="deg", frame=FK5)
    galactic = SkyCoord(columns["gal_lon"], columns["gal_lat"], unit="deg", frame=Galactic)
    assert ours.separation(j2000).deg.max() < LARGEST[detector][0]
    assert ours.galactic.separation(galactic).deg.max() < LARGEST[detector][0]


@pytest.mark.parametrize("detector", DETECTORS)
def test_the_flight_of_the_benchmark_gives_its_source(detector):
    columns = table(f"{detector}_coordinate_systems_benchmark.csv")
    ours = sky.LocalDirection.from_flight(columns["theta"] * u.deg, columns["phi"] * u.deg)
    np.testing.assert_allclose(ours.zenith.deg, columns["zenith"], atol=1e-9)
    np.testing.assert_allclose(ours.azimuth.deg, columns["azimuth"], atol=1e-9)


@pytest.mark.parametrize("detector", DETECTORS)
def test_stars_stand_where_the_benchmark_has_them(detector):
    columns = table(f"{detector}_astro_objects_benchmark.csv")
    stars = SkyCoord(columns["RA-J2000"], columns["DEC-J2000"], unit=("hourangle", "deg"))
    when = times(columns)
    ours = sky.LocalDirection.from_sky(stars, when, detector)
    theirs = source(columns).to_horizontal(when, detector)
    apart = ours.to_horizontal(when, detector).separation(theirs)
    assert apart.deg.max() < LARGEST[detector][1]


@pytest.mark.parametrize("detector", DETECTORS)
def test_moon_and_sun_stand_where_the_benchmark_has_them(detector):
    columns = table(f"{detector}_moon_sun_position_benchmark.csv")
    when = np.array(times(columns))
    for name in ("Moon", "Sun"):
        rows = columns["object"] == name
        assert rows.sum() == 4
        apart = sky.separation(source(columns, rows), name, when[rows].tolist(), detector)
        assert apart.deg.max() < LARGEST[detector][2]


def test_arca21_tracks_are_where_aanet_has_them():
    columns = table("local2eq_aanet_2.7.1.csv")
    place = sky.Site(
        "ARCA21",
        np.degrees(columns["det_latitude"][0]),
        np.degrees(columns["det_longitude"][0]),
        columns["utm_z"][0],
        int(columns["utm_zone"][0]),
    )
    fields = ("year", "month", "day", "hour", "min", "sec")
    moments = zip(*(columns[field].astype(int) for field in fields), strict=True)
    when = Time(["{:04}-{:02}-{:02}T{:02}:{:02}:{:02}".format(*moment) for moment in moments])
    track = sky.LocalDirection.from_flight_vector(columns["dx"], columns["dy"], columns["dz"])
    np.testing.assert_allclose(track.theta.rad, columns["theta"], atol=1e-9)

    ours = track.to_sky(when, place)
    of_j2000 = columns["j2000"] == "True"
    assert of_j2000.sum() == 240
    ra, dec = columns["eq_ra"] * u.rad, columns["eq_dec"] * u.rad
    j2000 = SkyCoord(ra[of_j2000], dec[of_j2000], frame=FK5)
    assert ours[of_j2000].separation(j2000).deg.max() < 0.0108
    lon, lat = columns["gal_lon"] * u.rad, columns["gal_lat"] * u.rad
    galactic = SkyCoord(lon[of_j2000], lat[of_j2000], frame=Galactic)
    assert ours[of_j2000].galactic.separation(galactic).deg.max() < 0.0108
    # The other half of the table is of date: aanet's has the mean equinox.
    for index in np.flatnonzero(~of_j2000)[::20]:
        of_date = SkyCoord(ra[index], dec[index], frame=FK5(equinox=when[index]))
        assert ours[index].separation(of_date).deg < 0.0108
