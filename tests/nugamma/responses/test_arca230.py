"""The CSV tables of ARCA230: read, refused, and the published numbers from them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u

from nugamma.errors import ResponseError
from nugamma.neutrino.published import DECLINATION, LIVETIME, NORM, cut_and_count
from nugamma.neutrino.visibility import cos_zenith
from nugamma.responses.arca230 import SITE, Arca230
from nugamma.responses.pointsource import power_law

DATA = Path(__file__).resolve().parents[4] / "shared/data/arca230"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(),
    reason=f"no tables of ARCA230; put data/*.csv of KM3NeT-ARCA-irf into {DATA}",
)


@pytest.fixture(scope="module")
def tracks() -> Arca230:
    return Arca230.read(DATA)


@pytest.fixture(scope="module")
def showers() -> Arca230:
    return Arca230.read(DATA, "shower")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # The output of analysis/analysis.ipynb of KM3NeT-ARCA-irf.
        ("signal", 5.660006346621482),
        ("signal_in_cone", 5.0489),
        ("background", 5.9044),
        ("mean_limit", 4.4493926898741325),
        ("flux_limit", 4.463277294903209e-05),
        ("discovery_events", 8.8),
        ("discovery_flux", 8.827460944171987e-05),
    ],
)
def test_cut_and_count_example_is_as_published(tracks: Arca230, name: str, expected: float) -> None:
    assert getattr(cut_and_count(tracks), name) == pytest.approx(expected, rel=1e-3)


def test_fraction_in_the_cone_is_as_published(tracks: Arca230) -> None:
    example = cut_and_count(tracks)
    assert example.signal_in_cone / example.signal == pytest.approx(0.8920, rel=1e-3)


def test_exact_visibility_gives_a_little_more_signal(tracks: Arca230) -> None:
    """1000 samples with hard edges miss 0.18 % of what the exact arcs give."""
    sphere = tracks.point(DECLINATION, LIVETIME, np.array([180.0]) * u.deg)
    exact = sphere.counts_true(power_law(2.0, NORM, 1 * u.GeV)).sum()
    assert exact / cut_and_count(tracks).signal == pytest.approx(1.0018, abs=2e-4)


def test_area_is_the_files(tracks: Arca230, showers: Arca230) -> None:
    """Rows of the files: 7.65 < log10(E/GeV) < 8, nearly straight down-going."""
    zenith = np.arccos(0.925) * u.rad
    assert showers.area_at_zenith(zenith)[-1].to_value("m2") == pytest.approx(302.4171184578872)
    assert tracks.area_at_zenith(zenith)[-1] == 0
    assert tracks.area_at_zenith(179 * u.deg)[0].to_value("m2") == pytest.approx(9.428264e-05)


def test_area_of_a_day_is_the_mean_over_the_path(tracks: Arca230) -> None:
    hours = (np.arange(20_000) + 0.5) * 360 / 20_000 * u.deg
    path = np.arccos(cos_zenith(-45.19 * u.deg, hours, SITE)) * u.rad
    expected = np.mean([tracks.area_at_zenith(z).to_value("m2") for z in path[::8]], axis=0)
    found = tracks.area_at_declination(-45.19 * u.deg).to_value("m2")
    assert found == pytest.approx(expected, rel=4e-3)


@pytest.mark.parametrize("channel", ["track", "shower"])
def test_fractions_are_fractions(channel: str) -> None:
    response = Arca230.read(DATA, channel)  # type: ignore[arg-type]
    assert np.all(np.diff(response.containment) >= 0)
    assert response.containment[:, -1] == pytest.approx(1)
    sums = response.migration.sum(axis=1)
    seen = response.effective_area.sum(axis=1) > 0
    assert sums[seen] == pytest.approx(1)


def test_tracks_point_better_than_showers(tracks: Arca230, showers: Arca230) -> None:
    """Medians: less than 0.1 deg at 1 PeV, less than 2 deg at 100 TeV."""

    def median(response: Arca230, log_energy: float) -> float:
        row = np.searchsorted(response.psf_log_energy, log_energy) - 1
        return float(np.interp(0.5, response.containment[row], response.psf_angle))

    assert median(tracks, 6.0) < 0.1
    assert median(showers, 5.0) < 2.0


def test_background_of_all_bands_is_the_files_sum(tracks: Arca230) -> None:
    sines = (tracks.sin_declination[1:] + tracks.sin_declination[:-1]) / 2
    bands = 2 * np.pi * np.diff(tracks.sin_declination)
    found = sum(
        tracks.background_density(np.arcsin(s) * u.rad).sum() * band
        for s, band in zip(sines, bands, strict=True)
    )
    assert found == pytest.approx(tracks.background.sum(), rel=1e-12)


AREA = "aeff_coszen_allnumuCC_track.csv"
PSF = "psf_numuCC_track.csv"
Change = Callable[[str], str]


@pytest.mark.parametrize(
    ("name", "change", "complaint"),
    [
        (AREA, lambda text: text.replace("aeff [m^2]", "aeff [cm^2]"), "columns .*include units"),
        (AREA, lambda text: text[: len(text) // 2], "truncated|not a complete|not numbers"),
        (
            AREA,
            lambda text: "".join(text.splitlines(keepends=True)[:-40]),
            "ends below",
        ),
        (AREA, lambda text: "".join(text.splitlines(keepends=True)[:-7]), "truncated"),
        (AREA, lambda text: text.replace("4.443943574718268e-05", "nan"), "non-finite"),
        (AREA, lambda text: text.replace("4.443943574718268e-05", "-1"), "negative"),
        (AREA, lambda text: text.replace("4.443943574718268e-05", "many"), "not numbers"),
        (AREA, lambda text: text.replace("4.443943574718268e-05", ""), "not numbers"),
        (AREA, lambda _: "", "columns|not a complete"),
        (AREA, lambda _: "\x00\x01\x02", "columns|not a complete"),
        (PSF, lambda text: "".join(text.splitlines(keepends=True)[:-7]), "truncated"),
        (PSF, lambda text: text.replace(",132.0", ",-132.0"), "negative"),
        ("bkg_track.csv", lambda text: text.replace("rate [s^-1]", "rate [yr^-1]"), "units"),
        ("energyresponse_numuCC_track.csv", lambda text: text.replace(",", ";"), "columns"),
    ],
)
def test_spoilt_files_are_refused(
    tmp_path: Path, name: str, change: Change, complaint: str
) -> None:
    for file in DATA.glob("*track.csv"):
        shutil.copyfile(file, tmp_path / file.name)
    text = (tmp_path / name).read_text()
    assert change(text) != text
    (tmp_path / name).write_text(change(text))
    with pytest.raises(ResponseError, match=complaint) as refusal:
        Arca230.read(tmp_path)
    assert "aeff" in str(refusal.value) or name in str(refusal.value)


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResponseError, match="not found; give the folder"):
        Arca230.read(tmp_path / "nowhere")


def test_unknown_channel_is_refused() -> None:
    with pytest.raises(ResponseError, match="track or shower"):
        Arca230.read(DATA, "cascade")  # type: ignore[arg-type]
