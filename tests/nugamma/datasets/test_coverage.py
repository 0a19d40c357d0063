"""What CTA sees of a source: integrals over disks and Gaussians, and altitudes by astropy."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, EarthLocation, SkyCoord
from astropy.time import Time
from gammapy.maps import WcsGeom
from gammapy.modeling.models import GaussianSpatialModel

from nugamma.datasets import build, coverage
from nugamma.datasets.folding import pixel_response
from nugamma.datasets.morphology import spatial_model
from nugamma.datasets.published import CTA
from nugamma.errors import DatasetError, DatasetWarning
from nugamma.responses.cta import CtaResponse
from nugamma.responses.performance import packaged
from nugamma.sources import load_source, published_sources
from openkm3.sky.offline import offline

PARANAL = EarthLocation.from_geodetic(-70.32 * u.deg, -24.68 * u.deg, 2150 * u.m)
LA_PALMA = EarthLocation.from_geodetic(-17.89 * u.deg, 28.76 * u.deg, 2200 * u.m)
WIDTHS = CTA.widths


def source(morphology: str = "disk", radius: float = 0.5, dec: float = -30.0) -> Any:
    place = SkyCoord(10, dec, unit="deg")
    return SimpleNamespace(
        name="Mine", position=place, morphology=morphology, radius=radius * u.deg
    )


@pytest.fixture(scope="module")
def compact() -> CtaResponse:
    return packaged()


def seen(made: Any, response: CtaResponse) -> coverage.Coverage:
    return CTA.replace(response=response).coverage(made)


def test_published_sources_are_seen_whole_and_keep_their_maps(compact: CtaResponse) -> None:
    for name in published_sources():
        published = load_source(name)
        found = seen(published, compact)
        assert found.beyond < 1e-3
        assert found.counted > 0.97
        assert coverage.map_width(published, WIDTHS) == CTA.widths[0]


@pytest.mark.parametrize("sigma", [1.0, 2.0, 4.0])
def test_part_of_a_gaussian_in_a_map_is_gammapys_integral(sigma: float) -> None:
    model = GaussianSpatialModel(lon_0="10 deg", lat_0="-30 deg", sigma=sigma * u.deg, frame="icrs")
    geom = WcsGeom.create(
        skydir=SkyCoord(10, -30, unit="deg"), binsz=0.05, width=6, frame="icrs", proj="TAN"
    )
    expected = model.integrate_geom(geom).data.sum()
    spots = coverage.places(source("gaussian", sigma))
    assert np.mean(geom.contains(spots)) == pytest.approx(expected, abs=4e-3)


def test_a_disk_is_filled_evenly() -> None:
    """Half of a cap of 5 deg lies within the angle of half its solid angle."""
    made = source(radius=5)
    distance = coverage.places(made).separation(made.position)
    half = 2 * np.arcsin(np.sin(2.5 * u.deg) / np.sqrt(2))
    assert np.mean(distance < half) == pytest.approx(0.5, abs=1e-3)
    assert distance.max() < 5 * u.deg


@pytest.mark.parametrize(("morphology", "radius"), [("disk", 2.5), ("disk", 4), ("gaussian", 1.5)])
def test_lost_events_are_those_that_the_dataset_loses(
    compact: CtaResponse, morphology: str, radius: float
) -> None:
    """Counts at 1 to 1.2 TeV of the dataset, against those of a point."""
    bins = CTA.energy_true[16:18]
    band = CTA.replace(response=compact, energy=bins, energy_true=bins)

    def counts(made: Any) -> float:
        pixels = pixel_response(next(band.maps(made)), spatial_model(made), "gamma")
        return float(pixels.before_dispersion.sum())

    wide = source(morphology, radius)
    part = counts(wide) / counts(source("point", 0))
    assert seen(wide, compact).counted == pytest.approx(part, rel=0.02)


def test_maps_grow_with_the_source(compact: CtaResponse) -> None:
    for radius, width in ((2.5, 6), (3, 8), (3.5, 8), (4.5, 10)):
        assert coverage.map_width(source(radius=radius), WIDTHS) == width * u.deg


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (source("disk", 4), r"the disk of 4 deg extends far off CTA's axis.*35 % fewer events"),
        (source("gaussian", 2.5), r"15 % of the gaussian of 2.5 deg lies beyond.*45 % fewer"),
    ],
)
def test_a_warning_names_what_is_lost(compact: CtaResponse, made: Any, said: str) -> None:
    with pytest.warns(DatasetWarning, match=said):
        CTA.replace(response=compact).check(made)


def test_a_source_beyond_the_field_of_view_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"62 % of the gaussian of 5 deg lies beyond CTA"):
        build(source("gaussian", 5), [CTA])


def highest(dec: float, site: EarthLocation) -> float:
    """Largest altitude through a day, in deg, by astropy."""
    times = Time("2024-03-01") + np.linspace(0, 1, 289) * u.day
    with offline():
        place = SkyCoord(10, dec, unit="deg")
        return float(place.transform_to(AltAz(obstime=times, location=site)).alt.deg.max())


@pytest.mark.parametrize("dec", [-85, -50, -25, 6, 10, 20, 44, 47, 50, 70])
@pytest.mark.parametrize(("site", "place"), [("south", PARANAL), ("north", LA_PALMA)])
def test_a_source_that_is_too_low_for_a_site_causes_a_warning(
    dec: float, site: str, place: EarthLocation
) -> None:
    altitude = highest(dec, place)
    made = source("point", 0, dec)
    if altitude < 0:
        with pytest.raises(DatasetError, match=f"never rises over CTA {site.title()}"):
            coverage.check_site(made, site, 20 * u.deg)
    elif altitude < 19.5:
        with pytest.warns(
            DatasetWarning, match=f"no higher than {altitude:.0f} deg .* far fewer events"
        ):
            coverage.check_site(made, site, 20 * u.deg)
    elif altitude < 59.5:
        suitable = 40 if altitude > 40 else 60
        with pytest.warns(DatasetWarning, match=f"--cta-response {site}-{suitable}deg"):
            coverage.check_site(made, site, 20 * u.deg)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            coverage.check_site(made, site, 20 * u.deg)


def test_what_to_use_instead_is_named() -> None:
    with pytest.raises(DatasetError, match=r"never rises over CTA South; .*north-40deg"):
        build(source("point", 0, 70), [CTA])
    with pytest.warns(DatasetWarning, match=r"15 deg above .*--cta-response north-20deg"):
        coverage.check_site(source(dec=50), "south", 20 * u.deg)
    with pytest.raises(DatasetError, match="never rises over CTA North; use CTA South"):
        coverage.check_site(source(dec=-70), "north", 20 * u.deg)
    with pytest.warns(DatasetWarning, match="does not name its site"):
        coverage.check_site(source(), None, None)
    with pytest.warns(DatasetWarning, match="does not give its zenith angle"):
        coverage.check_site(source(), "south", None)
