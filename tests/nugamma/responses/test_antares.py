"""ANTARES' tables: read, refused, and the published numbers from them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord

from nugamma.errors import CountingError, ResponseError
from nugamma.neutrino.conesearch import cone_search
from nugamma.responses.antares import Antares

DATA = Path(__file__).resolve().parents[4] / "shared/data/antares"
FLUX = u.Unit("GeV-1 cm-2 s-1")

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(),
    reason=f"no tables of ANTARES; put acc.txt, background.txt and ANTARES.data into {DATA}",
)


@pytest.fixture(scope="module")
def antares() -> Antares:
    return Antares.read(DATA)


def test_background_polynomial_is_as_published(antares: Antares) -> None:
    """The output of the notebook openkm3_datalevel4 of the ESCAPE school."""
    assert antares.below(20) == pytest.approx(7893.0656496, abs=1e-6)


def test_background_polynomial_counts_the_events(antares: Antares) -> None:
    assert antares.events is not None
    assert len(antares.events) == 8754
    for declination in (-60, -30, 0, 30, 50):
        seen = np.count_nonzero(antares.events.dec.deg < declination)
        assert antares.below(declination) == pytest.approx(seen, rel=0.05)


def test_cone_on_the_public_events_is_the_published_one(antares: Antares) -> None:
    """The cone search of the public service at (20, 30), 2 deg, gives two events."""
    found = cone_search(antares, SkyCoord(20, 30, unit="deg"), 2 * u.deg)
    assert found.observed == 2


def test_background_in_cones_is_what_cones_hold(antares: Antares) -> None:
    assert antares.events is not None
    centres = SkyCoord(np.arange(0, 360, 6), -40.0, unit="deg")
    held = [np.count_nonzero(antares.events.separation(place) < 2 * u.deg) for place in centres]
    expected = antares.background(-40 * u.deg, 2 * u.deg)
    assert np.mean(held) == pytest.approx(expected, abs=3 * np.sqrt(expected / len(held)))


def test_acceptance_is_the_table(antares: Antares) -> None:
    first = np.arcsin(-0.95) * u.rad
    last = np.arcsin(0.95) * u.rad
    assert antares.events_per_flux(first, 1.5) == pytest.approx(1141.34e8)
    assert antares.events_per_flux(last, 3.0) == pytest.approx(5.24127e-08 * 1e8)
    assert antares.events_per_flux(first, 2.0) == pytest.approx(3.60617e8)
    assert antares.events_per_flux(-90 * u.deg, 2.0) == pytest.approx(3.60617e8)
    assert antares.expected(first, 2.0, 1e-8 * FLUX) == pytest.approx(3.60617)


def test_between_two_indices_the_acceptance_is_between(antares: Antares) -> None:
    low, middle, high = (antares.events_per_flux(0 * u.deg, i) for i in (2.0, 2.05, 2.1))
    assert middle == pytest.approx(np.sqrt(low * high))


def test_limit_is_events_over_acceptance(antares: Antares) -> None:
    place = SkyCoord(128.287, -45.19, unit="deg")
    found = cone_search(antares, place, 1 * u.deg, index=2.0)
    expected = found.limit_events / antares.events_per_flux(place.dec, 2.0)
    assert found.limit_flux.to_value(FLUX) == pytest.approx(expected)
    assert 0 < found.p_value <= 1


Change = Callable[[str], str]


@pytest.mark.parametrize(
    ("name", "change", "complaint"),
    [
        ("acc.txt", lambda text: text[:1500], "not a table|instead of 16 rows"),
        ("acc.txt", lambda text: "\n".join(text.splitlines()[:-1]), "instead of 16 rows"),
        ("acc.txt", lambda text: text.replace("3.60617", "nan"), "non-finite"),
        ("acc.txt", lambda text: text.replace("3.60617", "-3.6"), "not positive"),
        ("acc.txt", lambda text: text.replace("3.60617", "3.6e8"), "unit"),
        ("acc.txt", lambda text: "\n".join(text.splitlines()[::-1]), "order of the rows"),
        ("acc.txt", lambda _: "", "empty"),
        ("background.txt", lambda text: text.replace("6720.96 ", ""), "coefficients"),
        ("background.txt", lambda text: " ".join(text.split()[::-1]), "polynomial that rises"),
        ("background.txt", lambda _: "a b c", "not a table of numbers"),
        ("ANTARES.data", lambda text: text.replace("318.1\t38.3", "318.1\t138.3"), "declination"),
        ("ANTARES.data", lambda text: text[:1003], "not a table|declination"),
    ],
)
def test_spoilt_files_are_refused(
    tmp_path: Path, name: str, change: Change, complaint: str
) -> None:
    for file in DATA.iterdir():
        shutil.copyfile(file, tmp_path / file.name)
    text = (tmp_path / name).read_text()
    assert change(text) != text
    (tmp_path / name).write_text(change(text))
    with pytest.raises(ResponseError, match=complaint) as refusal:
        Antares.read(tmp_path)
    assert name in str(refusal.value)


def test_requests_beyond_the_tables_are_refused(antares: Antares, tmp_path: Path) -> None:
    with pytest.raises(ResponseError, match=r"indices 1\.5 to 3\.0"):
        antares.events_per_flux(0 * u.deg, 3.5)
    with pytest.raises(ResponseError, match="beyond the range of the background"):
        antares.background(60 * u.deg, 1 * u.deg)
    with pytest.raises(ResponseError, match="must not be negative"):
        antares.expected(0 * u.deg, 2.0, -1 * FLUX)
    with pytest.raises(ResponseError, match="not found"):
        Antares.read(tmp_path)
    without = Antares(antares.acceptance, antares.below)
    with pytest.raises(CountingError, match=r"ANTARES\.data"):
        cone_search(without, SkyCoord(0, 0, unit="deg"), 1 * u.deg)
