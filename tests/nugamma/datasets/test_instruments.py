"""An instrument is one object: a new one works in an analysis with nothing else changed."""

from __future__ import annotations

import json

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, EarthLocation, SkyCoord
from astropy.time import Time

from nugamma.datasets import FixedDetector, PointedTelescope, build, inputs
from nugamma.datasets.published import ARCA, CTA
from nugamma.errors import DatasetError
from nugamma.inference.modes import scan
from nugamma.inference.problem import Problem
from nugamma.responses.performance import packaged
from nugamma.sources import Source
from nugamma.spectra import ParticleSpectrum
from openkm3.sky.offline import offline

#: South Pole, where a source stays at one zenith angle: 90 deg plus its declination.
POLE = EarthLocation.from_geodetic(lon=0 * u.deg, lat=-89.99 * u.deg, height=0 * u.m)
#: A telescope with half of CTA's time, wider pointings and fewer, larger pixels.
HALF = PointedTelescope(
    name="half",
    label="Half a CTA",
    messenger="gamma",
    colour="#123456",
    livetime=100 * u.hour,
    response=packaged(),
    position_angles=[0, 120, 240] * u.deg,
    widths=(3 * u.deg,),
    pixel=0.1 * u.deg,
)
POLAR = FixedDetector(
    name="polar",
    label="A detector at the South Pole",
    messenger="neutrino",
    colour="#654321",
    livetime=5 * u.yr,
    location=POLE,
    time_step=240 * u.hour,
    width=8 * u.deg,
    pixel=0.4 * u.deg,
    prefix="polar-",
)


@pytest.fixture(scope="module")
def source() -> Source:
    """Return a point in the north, which only a southern neutrino detector sees through Earth."""
    return Source(
        name="north",
        position=SkyCoord(100, 20, unit="deg"),
        distance=1 * u.kpc,
        morphology="point",
        radius=0 * u.deg,
        hadronic=ParticleSpectrum(4e33, 2.0, 100.0),
        leptonic=ParticleSpectrum(1.5e31, 2.6, 60.0),
    )


def test_a_new_telescope_and_a_new_detector_make_an_analysis(source, tmp_path):
    folded = build(source, [HALF, POLAR], cache=tmp_path)
    assert [(one.name, one.messenger) for one in folded] == [
        ("half", "gamma"),
        ("polar-1", "neutrino"),
    ]
    problem = Problem.of(source, folded)
    found = scan(problem, *problem.expected(0.0))
    assert found.dts[:, 0] == pytest.approx(0, abs=1e-3)
    limits = found.limits(0.9)
    assert list(limits) == ["gamma", "neutrino", "combined"]
    assert all(low == 0 and 0 < high < 1 for low, high in limits.values())
    again = build(source, [HALF, POLAR], cache=tmp_path)
    assert np.array_equal(again[1].signal, folded[1].signal)
    assert {path.name.split("-north")[0] for path in tmp_path.iterdir()} == {
        "folded-half",
        "folded-polar",
    }


def test_events_grow_with_the_livetime(source):
    """Twice the time, twice the background."""
    one, two = (
        sum(d.background.sum() for d in build(source, [instrument]))
        for instrument in (HALF, HALF.replace(livetime=200 * u.hour))
    )
    assert two / one == pytest.approx(2, rel=1e-6)


def test_a_detector_sees_the_source_from_its_own_place(source):
    """Zenith angle at the pole: by astropy, through a day."""
    (path,) = POLAR.path(source)
    times = Time("2019-06-01") + np.linspace(0, 1, 25) * u.day
    with offline():
        zenith = source.position.transform_to(AltAz(obstime=times, location=POLE)).zen
    assert path.fraction == 1
    assert path.mean.to_value("deg") == pytest.approx(zenith.deg.mean(), abs=0.05)
    with pytest.raises(DatasetError, match="never low enough for A detector at the South Pole"):
        POLAR.path(SourceAt(-60))


class SourceAt:
    """A point at a declination."""

    name, morphology, radius = "point", "point", 0 * u.deg

    def __init__(self, declination: float) -> None:
        self.position = SkyCoord(0, declination, unit="deg")


def test_energies_and_zenith_angles_can_be_asked_for():
    assert CTA.energy_range.to_value("TeV") == pytest.approx([0.1, 10**2.1875])
    assert ARCA.energy_range.to_value("TeV") == pytest.approx([0.1, 1000])
    assert CTA.zenith == 20 * u.deg
    assert ARCA.zenith.to_value("deg") == pytest.approx([80, 180])


@pytest.mark.parametrize(
    "changes",
    [
        {"livetime": 50 * u.hour},
        {"offset": 0.7 * u.deg},
        {"position_angles": [0, 180] * u.deg},
        {"largest_offset": 3 * u.deg},
        {"pixel": 0.05 * u.deg},
        {"widths": (7 * u.deg,)},
        {"energy": CTA.energy[:40]},
        {"energy_true": CTA.energy[:40]},
    ],
)
def test_each_setting_of_a_telescope_is_in_the_key_of_the_cache(source, changes):
    assert key(source, CTA.replace(**changes)) != key(source, CTA)


@pytest.mark.parametrize(
    "changes",
    [
        {"livetime": 1 * u.yr},
        {"location": POLE},
        {"time_step": 1 * u.hour},
        {"width": 20 * u.deg},
        {"pixel": 0.2 * u.deg},
        {"prefix": "other"},
        {"energy": ARCA.energy[2:]},
        {"energy_true": ARCA.energy_true[:60]},
    ],
)
def test_each_setting_of_a_detector_is_in_the_key_of_the_cache(source, changes):
    assert key(source, ARCA.replace(**changes)) != key(source, ARCA)


def test_figures_and_labels_are_not_in_the_key_of_the_cache(source):
    assert key(source, CTA.replace(label="x", colour="red")) == key(source, CTA)


def key(source: Source, instrument: PointedTelescope | FixedDetector) -> str:
    return json.dumps(inputs(source, [instrument]), sort_keys=True)
