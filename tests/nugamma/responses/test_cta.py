"""CTA's response: the packaged table against the public file it is derived from, and bad files."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import QTable, Table

from nugamma.errors import ResponseError
from nugamma.responses.cta import PUBLISHED_SHA256, CtaResponse
from nugamma.responses.performance import QUANTILES, TABLE, packaged, tabulate
from nugamma.responses.prod5 import download, load, released_file

PUBLIC = Path(__file__).resolve().parents[4] / "shared/data/joint/irf_file_new_CTA.fits"
needs_public = pytest.mark.skipif(
    not PUBLIC.is_file(),
    reason="needs the public response: nugamma.responses.prod5.download fetches it, "
    "put it into ../shared/data/joint beside the checkout",
)
PACKAGED = files("nugamma.responses").joinpath(TABLE)
ENERGIES = np.geomspace(0.1, 150, 60) * u.TeV


@pytest.fixture(scope="module")
def public() -> CtaResponse:
    return CtaResponse.read(PUBLIC)


@pytest.fixture(scope="module")
def compact() -> CtaResponse:
    return packaged()


def test_the_packaged_table_is_small_and_says_where_it_comes_from():
    content = PACKAGED.read_bytes()
    assert len(content) < 200_000
    table = QTable.read(content.decode(), format="ascii.ecsv")
    assert table.meta["doi"] == "10.5281/zenodo.5499840"
    assert "prod5" in table.meta["citation"]
    assert "CC BY" in table.meta["licence"]
    assert len(np.unique(table["energy"])) == 18
    assert len(np.unique(table["offset"])) == 10


@needs_public
def test_the_packaged_table_is_what_the_public_file_says(public):
    table = QTable.read(PACKAGED.read_bytes().decode(), format="ascii.ecsv")
    derived = tabulate(public)
    assert table.colnames == derived.colnames
    for name in derived.colnames:
        assert u.allclose(table[name], derived[name], rtol=6e-5), name  # five digits


@needs_public
def test_the_table_deviates_this_much_from_the_public_file(public, compact):
    # At the offset of the source. The public tables have twice as many energies, whose ups and
    # downs (the statistics of the simulation) are not in the packaged one.
    kwargs = {"energy_true": ENERGIES, "offset": 1 * u.deg}
    area = compact.effective_area.evaluate(**kwargs) / public.effective_area.evaluate(**kwargs)
    area = area.to_value("")
    assert np.mean(area) == pytest.approx(1, abs=0.01)
    assert np.std(area) < 0.05
    assert np.max(np.abs(area - 1)) < 0.20

    kwargs = {"energy": ENERGIES, "offset": 1 * u.deg}
    full = {"energy": ENERGIES, "fov_lon": 1 * u.deg, "fov_lat": 0 * u.deg}
    rate = compact.background.evaluate(**kwargs) / public.background.evaluate(**full)
    assert np.max(np.abs(rate.to_value("") - 1)) < 0.01

    ask = {"fraction": 0.68, "energy_true": ENERGIES, "offset": 1 * u.deg}
    radius = compact.psf.containment_radius(**ask) / public.psf.containment_radius(**ask)
    assert np.max(np.abs(radius.to_value("") - 1)) < 0.05


@needs_public
def test_the_quantiles_of_the_energy_dispersion_are_recovered(compact, public):
    for energy in (0.2, 2, 20) * u.TeV:
        migra = {}
        for name, table in (("compact", compact), ("public", public)):
            edisp = table.energy_dispersion
            axis = edisp.axes["migra"]
            row = edisp.evaluate(energy_true=energy, offset=1 * u.deg, migra=axis.center).value
            below = np.cumsum(row.ravel() * np.diff(axis.edges.value))
            migra[name] = np.interp(QUANTILES, below / below[-1], axis.edges.value[1:])
        assert migra["compact"][1:-1] == pytest.approx(migra["public"][1:-1], abs=0.02)
        assert migra["compact"] == pytest.approx(migra["public"], abs=0.06)


def test_rate_of_events_is_plausible_without_any_file(compact):
    area = compact.effective_area.evaluate(energy_true=1 * u.TeV, offset=0.5 * u.deg)
    assert 3e5 * u.m**2 < area < 2e6 * u.m**2
    radius = compact.psf.containment_radius(
        fraction=0.68, energy_true=1 * u.TeV, offset=0.5 * u.deg
    )
    assert 0.03 * u.deg < radius < 0.08 * u.deg


@pytest.fixture
def copy(tmp_path) -> Path:
    path = tmp_path / "irf.fits"
    shutil.copy(PUBLIC, path)
    path.chmod(0o644)
    return path


@needs_public
@pytest.mark.parametrize(
    ("hdu", "column", "unit", "message"),
    [
        ("EFFECTIVE AREA", "EFFAREA", "TeV", "column EFFAREA has the unit TeV, which .* to m2"),
        ("ENERGY DISPERSION", "ENERG_LO", "m", "column ENERG_LO has the unit m"),
        ("BACKGROUND", "BKG", "s-1", "column BKG has the unit"),
    ],
)
def test_wrong_units_are_refused(copy, hdu, column, unit, message):
    with fits.open(copy, mode="update") as content:
        content[hdu].columns[column].unit = unit
    with pytest.raises(ResponseError, match=message):
        CtaResponse.read(copy)


@needs_public
def test_non_finite_numbers_are_refused(copy):
    with fits.open(copy, mode="update") as content:
        content["EFFECTIVE AREA"].data["EFFAREA"][0, 2, 3] = np.nan
    with pytest.raises(ResponseError, match="EFFAREA has non-finite"):
        CtaResponse.read(copy)


@needs_public
def test_a_file_without_background_is_refused(copy, tmp_path):
    with fits.open(copy) as content:
        del content["BACKGROUND"]
        content.writeto(tmp_path / "short.fits")
    with pytest.raises(ResponseError, match="table BACKGROUND cannot be read"):
        CtaResponse.read(tmp_path / "short.fits")


@needs_public
@pytest.mark.parametrize(
    ("hdu", "column", "axes"),
    [
        ("EFFECTIVE AREA", "EFFAREA", (2, 1)),
        ("POINT SPREAD FUNCTION", "SIGMA_1", (2, 1)),
        ("ENERGY DISPERSION", "MATRIX", (3, 2, 1)),
        ("BACKGROUND", "BKG", (3, 2, 1)),
    ],
)
def test_swapped_axes_are_refused_in_one_sentence(tmp_path, hdu, column, axes):
    path = tmp_path / "swapped.fits"
    with fits.open(PUBLIC) as content:
        table = Table.read(content[hdu])
        unit = table[column].unit
        table[column] = table[column].data.transpose(0, *axes)
        table[column].unit = unit
        number = content.index_of(hdu)
        made = fits.table_to_hdu(table)
        for key in ("HDUCLAS1", "HDUCLAS2", "HDUCLAS3", "HDUCLAS4", "HDUCLASS"):
            made.header[key] = content[hdu].header[key]
        content[number] = made
        content[number].name = hdu
        content.writeto(path)
    with pytest.raises(ResponseError, match=rf"swapped\.fits: column {column} has the shape"):
        CtaResponse.read(path)


@needs_public
@pytest.mark.parametrize(
    "hdu", ["EFFECTIVE AREA", "POINT SPREAD FUNCTION", "ENERGY DISPERSION", "BACKGROUND"]
)
def test_a_missing_table_is_named(tmp_path, hdu):
    with fits.open(PUBLIC) as content:
        del content[hdu]
        content.writeto(tmp_path / "less.fits")
    with pytest.raises(ResponseError, match=rf"less\.fits: table {hdu} cannot be read"):
        CtaResponse.read(tmp_path / "less.fits")


NORTH = "Prod5-North-40deg-AverageAz-4LSTs09MSTs.180000s-v0.1.fits.gz"


@pytest.fixture
def release(tmp_path, monkeypatch):
    """Return a folder as of CTAO's release: the public file with the header of the North."""
    folder = tmp_path / "release/fits"
    folder.mkdir(parents=True)
    with fits.open(PUBLIC) as content:
        content[0].header["INSTRUME"] = "CTAO Northern Array"
        content["EFFECTIVE AREA"].header["INSTRUME"] = "Northern Array"
        content.writeto(folder / NORTH)
    monkeypatch.setenv("NUGAMMA_CTA_FOLDER", str(tmp_path))
    monkeypatch.delenv("GAMMAPY_DATA", raising=False)
    return folder


@needs_public
def test_responses_are_chosen_by_site_and_zenith_angle(release, public, compact):
    assert released_file("north-40deg") == release / NORTH
    read = load("north-40deg")
    assert (read.site, read.zenith) == ("north", 40 * u.deg)
    assert (public.site, public.zenith) == ("south", 20 * u.deg)
    assert (compact.site, compact.zenith) == ("south", 20 * u.deg)
    assert released_file("south-20deg") is None
    assert load("south-20deg").checksum == compact.checksum
    assert load(public) is public
    assert load(PUBLIC).checksum == PUBLISHED_SHA256
    for name, message in (
        (
            "south-60deg",
            r"not on this machine: download Prod5-South-60deg-AverageAz-14MSTs37SSTs.*5499840",
        ),
        ("west-20deg", "unknown CTA response .*use south or north with 20, 40 or 60 deg"),
        ("north-30deg", "unknown CTA response"),
    ):
        with pytest.raises(ResponseError, match=message):
            released_file(name)


@needs_public
def test_a_name_that_the_header_contradicts_is_refused(release):
    wrong = release / NORTH.replace("North", "South")
    (release / NORTH).rename(wrong)
    with pytest.raises(ResponseError, match=r"Prod5-South.*name different sites"):
        CtaResponse.read(wrong)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(
        ResponseError, match=r"CTA response .*not found; .*download fetches the public"
    ):
        CtaResponse.read(tmp_path / "none.fits")


@pytest.fixture
def server(tmp_path) -> Iterator[tuple[str, list[str]]]:
    """Serve the public file, or one in its place, on this machine; gives what was asked for."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "irf.fits").write_bytes(PUBLIC.read_bytes() if PUBLIC.is_file() else b"other")
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, *_: object) -> None:
            asked.append(self.path)

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{web.server_port}/irf.fits", asked
        web.shutdown()
        thread.join()


@needs_public
def test_the_public_file_is_downloaded_once_and_checked(server, tmp_path, public):
    address, asked = server
    first = download(tmp_path / "cache", address=address)
    again = download(tmp_path / "cache", address=address)
    assert first == again
    assert asked == ["/irf.fits"]
    assert CtaResponse.read(first).checksum == public.checksum == PUBLISHED_SHA256


def test_another_file_than_the_public_one_is_refused_and_not_kept(server, tmp_path):
    address, _ = server
    with pytest.raises(ResponseError, match=r"could not be downloaded: .*sha256 differs"):
        download(tmp_path / "cache", address=address, sha256="0" * 64)
    assert not [path for path in (tmp_path / "cache").rglob("*.fits") if path.is_file()]


def test_a_server_that_does_not_answer_is_named(tmp_path):
    with pytest.raises(ResponseError, match=r"127\.0\.0\.1:9/.*cannot be reached"):
        download(tmp_path, address="http://127.0.0.1:9/irf.fits")
