import numpy as np
import pytest

from openkm3 import sky

from .benchmarks import table

# PROJ 9: pyproj.Proj("+proj=utm +zone=.. +ellps=WGS84").get_factors(..).meridian_convergence
PROJ = [
    (sky.ORCA, -2.024209239356009),
    (sky.ARCA, 0.5774695761746802),
    (sky.ANTARES, -1.9265559814188524),
]
KM3ASTRO = [(sky.ORCA, -2.02222593), (sky.ARCA, 0.57739611), (sky.ANTARES, -1.92484567)]


@pytest.mark.parametrize(("place", "angle"), PROJ)
def test_the_exact_convergence_is_that_of_proj(place, angle):
    assert place.exact().grid_north == pytest.approx(angle, abs=1e-9)


@pytest.mark.parametrize(("place", "angle"), KM3ASTRO)
def test_the_default_convergence_is_that_of_km3astro(place, angle):
    assert place.grid_north == pytest.approx(angle, abs=1e-8)


def test_the_default_convergence_is_that_of_aanet():
    columns = table("local2eq_aanet_2.7.1.csv")
    latitude, longitude = (np.degrees(columns[f"det_{x}"][0]) for x in ("latitude", "longitude"))
    ours = sky.km3net_convergence(latitude, longitude, int(columns["utm_zone"][0]))
    assert ours == pytest.approx(np.degrees(columns["meridian_convergence"][0]), abs=1e-11)


def test_grid_north_is_true_north_on_the_central_meridian():
    assert sky.grid_convergence(42.0, 9.0, 32) == pytest.approx(0, abs=1e-12)
    assert sky.grid_convergence(42.0, 10.0, 32) > 0 > sky.grid_convergence(42.0, 8.0, 32)


def test_a_zone_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="UTM zone 61 does not exist"):
        sky.grid_convergence(42.0, 9.0, 61)
