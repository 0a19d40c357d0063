"""The path of sources over ARCA's sky, against the publication and astropy."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, SkyCoord
from astropy.time import Time

from nugamma.datasets.fixed import zenith_nodes
from nugamma.datasets.zenith import ARCA, node_weights, refined, source_path
from nugamma.errors import DatasetError
from nugamma.responses.arca import ArcaResponse

VELA = SkyCoord(128.287, -45.19, unit="deg", frame="icrs")
#: As printed by the notebook of the publication (Create_KM3NeT_datasets, 8 h).
PUBLISHED = (
    160.63116486887048,
    139.1090246529909,
    125.90772606852988,
    114.66403651518051,
    104.40592321688483,
    94.59478747222855,
    84.4333213533851,
)


@pytest.fixture(scope="module")
def path():
    return source_path(VELA, 8 * u.hour)


def test_mean_zeniths_of_vela_x_are_the_published_ones(path):
    assert [one.mean.to_value("deg") for one in path] == pytest.approx(PUBLISHED, abs=5e-8)


def test_time_that_vela_x_is_above_80_degrees_is_the_whole_year(path):
    assert sum(len(one.zeniths) for one in path) == 1095
    assert sum(one.fraction for one in path) == pytest.approx(1, abs=1e-12)


def test_a_source_in_the_north_is_lost_part_of_the_time():
    crab = source_path(SkyCoord(83.63, 22.01, unit="deg"), 8 * u.h)
    assert 0.3 < sum(one.fraction for one in crab) < 0.7


def test_a_source_that_never_sets_is_refused():
    with pytest.raises(DatasetError, match=r"declination 85\.00 deg is never low enough"):
        source_path(SkyCoord(10, 85, unit="deg"), 8 * u.hour)


@pytest.mark.parametrize("step", [0 * u.hour, -1 * u.hour, np.nan * u.hour, 1 * u.yr])
def test_a_time_step_that_makes_no_sense_is_refused(step):
    with pytest.raises(DatasetError, match="out of range"):
        source_path(VELA, step)


def test_averages_over_the_path_are_those_of_every_single_instant(path):
    response = ArcaResponse.read()
    energies = [0.3, 10, 800] * u.TeV
    pixels = SkyCoord([128.287, 110, 135], [-45.19, -33, -58], unit="deg", frame="icrs")
    instants = Time(
        np.linspace(*Time(["2019-01-01", "2019-12-31T16:00"]).unix, 1095), format="unix"
    )
    frame = AltAz(obstime=instants, location=ARCA)
    zenith = VELA.transform_to(frame).zen
    chosen = (np.cos(zenith) > -1) & (np.cos(zenith) < -5 / 6)  # the most upgoing bin
    assert chosen.sum() == len(path[0].zeniths)

    nodes = zenith_nodes(response)
    directions = pixels.cartesian.xyz.value.T
    weights = node_weights(directions, path[0].zeniths, nodes)
    assert weights.sum(axis=0) == pytest.approx(1)
    average = (response.area(energies, nodes) @ weights).to_value("m2")
    for number, pixel in enumerate(pixels):
        angles = pixel.transform_to(frame[chosen]).zen
        direct = response.area(energies, angles).to_value("m2").mean(axis=1)
        # Aberration of light, 20 arcsec, is that of the zenith and not of the pixel.
        assert average[:, number] == pytest.approx(direct, rel=3e-4)


def test_weights_are_exact_for_what_is_linear_between_the_nodes():
    rng = np.random.default_rng(5)
    nodes = np.sort(np.concatenate([[0, 180], rng.uniform(1, 179, 12)])) * u.deg
    values = rng.uniform(1, 2, len(nodes))
    points = rng.normal(size=(2, 40, 3))
    directions, zeniths = points / np.linalg.norm(points, axis=-1, keepdims=True)
    angles = np.degrees(np.arccos(directions @ zeniths.T))
    expected = np.interp(angles, nodes.value, values).mean(axis=1)
    assert values @ node_weights(directions, zeniths, nodes) == pytest.approx(expected, rel=1e-12)
    poles = np.array([[0, 0, 1.0], [0, 0, -1.0]])
    at_ends = node_weights(poles, poles[:1], nodes)
    assert (at_ends[0, 0], at_ends[-1, 1]) == pytest.approx((1, 1))


def test_refined_nodes_keep_the_given_ones():
    nodes = [0, 11.8, 16.8, 32.5, 180] * u.deg
    finer = refined(nodes, 2 * u.deg)
    assert set(nodes.value) <= set(finer.value)
    assert np.all(np.diff(finer.value) > 0)
    assert np.diff(finer.value).max() <= 2 + 1e-12
