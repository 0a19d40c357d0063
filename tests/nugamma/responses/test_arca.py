"""The response that km3irf carries, against its files read without gammapy, and bad files."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from importlib.metadata import files
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from gammapy.maps import MapAxis

from nugamma.errors import ResponseError
from nugamma.responses.arca import ArcaResponse
from tests import commands

SHARED = Path(__file__).resolve().parents[4] / "shared/data/joint"
PACKAGED = {
    path.name: Path(str(path.locate())) for path in files("km3irf") or [] if path.suffix == ".fits"
}
TRUE = MapAxis.from_energy_bounds("1e2 GeV", "1e7 GeV", 80, name="energy_true")
WIDE = MapAxis.from_energy_bounds("0.1 GeV", "1e10 GeV", 220, name="energy")


@pytest.fixture(scope="module")
def arca() -> ArcaResponse:
    return ArcaResponse.read()


def raw(name: str) -> fits.FITS_rec:
    """The one row of a file's table."""
    with fits.open(PACKAGED[f"{name}.fits"], memmap=False) as content:
        return content[1].data[0]


def centres(row: fits.FITS_rec, axis: str) -> np.ndarray:
    low, high = row[f"{axis}_LO"].astype(float), row[f"{axis}_HI"].astype(float)
    return np.sqrt(low * high) if axis == "ENERG" else (low + high) / 2


def line(x: float, grid: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Linear interpolation of rows between grid points, and beyond them."""
    i = int(np.clip(np.searchsorted(grid, x) - 1, 0, len(grid) - 2))
    part = (x - grid[i]) / (grid[i + 1] - grid[i])
    return values[i] * (1 - part) + values[i + 1] * part


def looked_up(name: str, column: str, energy: float, zenith: float) -> float:
    """A number of a file: linear in the value, in log(E/GeV) and in the zenith angle/deg."""
    row = raw(name)
    table = row[column] if column == "EFFAREA" else row[column].T  # BKG has energy, then theta
    values = table if table.shape[0] == row["THETA_LO"].size else table.T
    at_zenith = line(np.radians(zenith), centres(row, "THETA"), values)
    return float(line(np.log(energy), np.log(centres(row, "ENERG")), at_zenith))


def test_the_code_of_km3irf_is_not_run():
    program = "import sys; from nugamma.responses.arca import ArcaResponse; ArcaResponse.read();"
    program += "print([name for name in sys.modules if name.startswith('km3')])"
    run = commands.run(sys.executable, "-c", program, status=None)
    assert run.stdout.strip() == "[]", run.stderr


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"needs the published responses in {SHARED}")
def test_a_folder_of_the_published_files_is_the_same_response(arca):
    assert ArcaResponse.read(SHARED).checksum == arca.checksum


@pytest.mark.parametrize("zenith", [45.0, 85.0, 111.0, 163.0, 171.0, 178.0])
@pytest.mark.parametrize("energy", [300.0, 7.5e3, 1.1e6])
def test_area_is_linear_between_bin_centres_and_beyond_them(arca, energy, zenith):
    expected = max(looked_up("aeff", "EFFAREA", energy, zenith), 0)
    found = arca.area([energy] * u.GeV, [zenith] * u.deg).to_value("m2").item()
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-12)


def test_area_of_a_source_that_culminates_below_the_detector_is_not_zero(arca):
    # gammapy's default puts zero beyond the last bin centre, 163 deg.
    assert arca.area([10] * u.TeV, [175] * u.deg).item() > 10 * u.m**2


@pytest.mark.parametrize(("name", "kind"), [("bkg_nu", "neutrinos"), ("bkg_mu", "muons")])
@pytest.mark.parametrize("zenith", [81.0, 88.0, 93.0])
def test_background_is_linear_in_its_value_with_its_own_zenith_bins(arca, name, kind, zenith):
    edges = np.array([1000.0, 1778.0])
    low, high = (max(looked_up(name, "BKG", edge, zenith), 0) for edge in edges)
    found = arca.background_rate(kind, edges * u.GeV, [zenith] * u.deg).to_value("s-1 sr-1").item()
    if min(low, high) == 0:
        assert found == pytest.approx(0, abs=1e-12)
    else:
        index = -np.log(high / low) / np.log(edges[1] / edges[0])
        power = (edges[1] / edges[0]) ** (1 - index) - 1
        expected = low * 1e3 * edges[0] * power / (1 - index)  # the table is per MeV
        assert found == pytest.approx(expected, rel=1e-4)


def test_zenith_bins_of_muons_are_shifted_by_half_a_bin(arca):
    cosines = np.cos(arca.muons.axes["offset"].edges)
    assert cosines[0] == 1
    assert cosines[1:] == pytest.approx(np.arange(11, -12, -2) / 12, abs=1e-6)
    assert np.cos(arca.neutrinos.axes["offset"].edges) == pytest.approx(
        np.linspace(1, -1, 13), abs=1e-6
    )
    nodes = arca.zenith_nodes().to_value("deg")
    for table in (arca.effective_area, arca.neutrinos, arca.muons):
        for centre in table.axes["offset"].center.to_value("deg"):
            assert np.min(np.abs(nodes - centre)) < 1e-6


def median(edges: np.ndarray, probability: np.ndarray) -> float:
    total = np.concatenate([[0.0], np.cumsum(probability)])
    return float(np.exp(np.interp(0.5 * total[-1], total, np.log(edges))))


@pytest.mark.parametrize(("energy", "ratio"), [(1.33e3, 0.58), (7.5e3, 0.367), (1.33e5, 0.138)])
def test_reconstructed_energies_have_the_median_of_the_file(arca, energy, ratio):
    row = raw("edisp")
    index = int(np.argmin(abs(np.log(centres(row, "ENERG") / energy))))
    migra = np.append(row["MIGRA_LO"], row["MIGRA_HI"][-1])
    in_file = median(migra, row["MATRIX"][-1, :, index])
    assert in_file == pytest.approx(ratio, rel=0.01)

    steepest = centres(row, "THETA")[-1] * u.rad
    true = MapAxis.from_energy_edges(
        np.append(row["ENERG_LO"], row["ENERG_HI"][-1]) * u.GeV, name="energy_true"
    )
    kernel = arca.edisp_kernel(steepest, true, WIDE)
    found = median(WIDE.edges.to_value("GeV"), kernel.pdf_matrix[index])
    # Read as a density it would come out three times as high.
    assert found / true.center.to_value("GeV")[index] == pytest.approx(in_file, rel=0.05)


def test_no_event_is_lost_in_energy_or_direction(arca):
    for zenith in (84, 105, 160) * u.deg:
        kernel = arca.edisp_kernel(zenith, TRUE, WIDE)
        assert kernel.pdf_matrix.sum(axis=1) == pytest.approx(1, abs=2e-3)
        rad = np.linspace(0, 180, 36001) * u.deg
        psf = arca.psf_values(zenith, TRUE.center[::16], (rad[1:] + rad[:-1]) / 2)
        rings = 2 * np.pi * -np.diff(np.cos(rad.to_value("rad")))
        # Between the tabulated rings it is a little off; maps of it are normalised.
        assert (psf.to_value("sr-1") * rings).sum(axis=1) == pytest.approx(1, abs=0.07)


def test_point_spread_and_dispersion_are_refused_from_above(arca):
    for zenith in (30, 79.9, 181) * u.deg:
        with pytest.raises(ResponseError, match="valid at zenith angles from 80"):
            arca.edisp_kernel(zenith, TRUE, WIDE)
        with pytest.raises(ResponseError, match="valid at zenith angles from 80"):
            arca.psf_values(zenith, TRUE.center, [0.1] * u.deg)


def test_energies_outside_the_tables_are_refused(arca):
    with pytest.raises(ResponseError, match=r"effective area covers 0.1 TeV to 1e\+05 TeV"):
        arca.area([50] * u.GeV, [100] * u.deg)
    with pytest.raises(ResponseError, match="background of muons covers"):
        arca.background_rate("muons", [1e8, 1e9] * u.GeV, [100] * u.deg)
    high = MapAxis.from_energy_bounds("1e2 GeV", "1e9 GeV", 7, name="energy_true")
    with pytest.raises(ResponseError, match="energy dispersion covers"):
        arca.edisp_kernel(100 * u.deg, high, WIDE)


@pytest.fixture
def folder(tmp_path) -> Path:
    for name in ("aeff", "edisp", "psf", "bkg_nu", "bkg_mu"):
        shutil.copy(PACKAGED[f"{name}.fits"], tmp_path / f"{name}.fits")
    return tmp_path


def edit(path: Path, change: Callable[[fits.BinTableHDU], None]) -> None:
    with fits.open(path, mode="update") as content:
        change(content[1])


def unit(column: str, value: str) -> Callable[[fits.BinTableHDU], None]:
    def change(hdu: fits.BinTableHDU) -> None:
        hdu.columns[column].unit = value

    return change


def number(column: str, value: float) -> Callable[[fits.BinTableHDU], None]:
    def change(hdu: fits.BinTableHDU) -> None:
        hdu.data[column][0].flat[7] = value

    return change


def factor(column: str, value: float) -> Callable[[fits.BinTableHDU], None]:
    def change(hdu: fits.BinTableHDU) -> None:
        hdu.data[column][0][...] *= value

    return change


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("aeff", unit("EFFAREA", "s"), "column EFFAREA has the unit s, which .* to m2"),
        ("aeff", unit("THETA_LO", "GeV"), "column THETA_LO has the unit GeV, which .* to rad"),
        ("bkg_nu", unit("BKG", "s-1 sr-1"), "column BKG has the unit"),
        ("psf", unit("RPSF", "m2"), "column RPSF has the unit m2"),
        ("aeff", number("EFFAREA", np.nan), "column EFFAREA has non-finite"),
        ("bkg_mu", number("BKG", -1.0), "column BKG has negative numbers"),
        ("edisp", factor("MATRIX", 0.5), "neither as a probability nor as a density"),
        ("psf", factor("RPSF", 1.2), r"point spread function sums to 1\.19"),
        ("edisp", lambda hdu: hdu.columns.change_name("MATRIX", "M"), "column MATRIX is missing"),
    ],
)
def test_a_file_with_wrong_units_or_numbers_is_refused(folder, name, change, message):
    edit(folder / f"{name}.fits", change)
    with pytest.raises(ResponseError, match=message) as error:
        ArcaResponse.read(folder)
    assert f"{name}.fits" in str(error.value)


def swapped(path: Path, column: str, *axes: int) -> None:
    """Write the file with the axes of an array in another order."""
    table = Table.read(path, hdu=1)
    turned = Table(
        {n: table[n].data.transpose(0, *axes) if n == column else table[n] for n in table.colnames}
    )
    turned[column].unit = table[column].unit
    turned.write(path, overwrite=True)


@pytest.mark.parametrize(
    ("name", "column", "axes"),
    [
        ("aeff", "EFFAREA", (2, 1)),
        ("edisp", "MATRIX", (3, 2, 1)),
        ("edisp", "MATRIX", (1, 3, 2)),
        ("psf", "RPSF", (2, 1, 3)),
        ("bkg_nu", "BKG", (2, 1)),
        ("bkg_mu", "BKG", (2, 1)),
    ],
)
def test_swapped_axes_are_refused_in_one_sentence(folder, name, column, axes):
    swapped(folder / f"{name}.fits", column, *axes)
    with pytest.raises(ResponseError, match=f"column {column} has the shape .*swapped") as error:
        ArcaResponse.read(folder)
    assert f"{name}.fits" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["aeff", "edisp", "psf", "bkg_nu", "bkg_mu"])
def test_edges_and_units_of_axes_are_checked(folder, name):
    path = folder / f"{name}.fits"
    table = Table.read(path, hdu=1)
    low, high = table["ENERG_LO"].copy(), table["ENERG_HI"].copy()
    table["ENERG_LO"], table["ENERG_HI"] = high, low
    table.write(path, overwrite=True)
    with pytest.raises(ResponseError, match=rf"{name}\.fits: the bins of ENERG .*do not ascend"):
        ArcaResponse.read(folder)
    table["ENERG_LO"], table["ENERG_HI"] = low, high
    table["THETA_LO"].unit = table["THETA_HI"].unit = "deg"
    table.write(path, overwrite=True)
    with pytest.raises(ResponseError, match=rf"{name}\.fits: THETA ends at [23]\.\d+ deg"):
        ArcaResponse.read(folder)
    fits.HDUList([fits.PrimaryHDU()]).writeto(path, overwrite=True)
    with pytest.raises(ResponseError, match=rf"{name}\.fits: table 1 cannot be read"):
        ArcaResponse.read(folder)


def test_a_missing_or_damaged_file_is_named(folder):
    path = folder / "psf.fits"
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(ResponseError, match=r"psf\.fits: table 1 cannot"):
        ArcaResponse.read(folder)
    path.unlink()
    with pytest.raises(ResponseError, match=r"incomplete: .*psf\.fits not found"):
        ArcaResponse.read(folder)


def test_a_dispersion_that_is_a_density_already_is_left_as_it_is(folder, arca):
    def divide(hdu: fits.BinTableHDU) -> None:
        widths = hdu.data["MIGRA_HI"][0] - hdu.data["MIGRA_LO"][0]
        hdu.data["MATRIX"][0][...] /= widths[:, np.newaxis].astype(float)

    edit(folder / "edisp.fits", divide)
    read = ArcaResponse.read(folder)
    assert read.checksum != arca.checksum
    assert read.energy_dispersion.data == pytest.approx(arca.energy_dispersion.data, rel=1e-5)
