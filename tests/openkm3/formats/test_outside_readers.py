"""What astropy and STILTS see in our files: the same values, and the same that are missing."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("astropy", reason="needs astropy: run it in the science environment")
pytest.importorskip("h5py", reason="needs h5py: run it in the science environment")

import numpy as np
from astropy import units as u
from astropy.coordinates import FK4, FK5, ICRS, Galactic, SkyCoord
from astropy.io import fits, votable
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time

from openkm3.errors import FormatError
from openkm3.formats import DataSet, convert, read, write
from tests.commands import run

MASK = [False, True, False]
NUMBERS = {
    "short": np.array([-5, 6, 7], "i2"),
    "long": np.array([-(2**63), 1, 2**63 - 1]),
    "byte": np.array([0, 1, 255], "u1"),
    "unsigned": np.array([0, 1, 65535], "u2"),
    "double": np.array([1.5, 2, -3]),
}


@pytest.fixture
def table() -> Table:
    result = Table({name: MaskedColumn(values, mask=MASK) for name, values in NUMBERS.items()})
    result["flag"] = MaskedColumn([True, True, False], mask=MASK)
    result["word"] = MaskedColumn(["a", "b", "größe"], mask=MASK)
    return result


@pytest.mark.parametrize("suffix", [".fits", ".vot", ".ecsv"])
def test_astropy(tmp_path: Path, table: Table, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    write(DataSet({"events": table}), path)
    kind = {".vot": "votable", ".ecsv": "ascii.ecsv", ".fits": "fits"}[suffix]
    options = {"hdu": 1} if suffix == ".fits" else {}
    theirs = Table.read(path, format=kind, **options)
    for name in table.colnames:
        # FITS names are in capitals.
        key = next(key for key in theirs.colnames if key.lower() == name)
        column = theirs[key]
        gone = np.ma.getmaskarray(column)
        if name == "double":
            gone = gone | np.isnan(np.ma.filled(column, np.nan))
        if name == "flag" and suffix == ".fits":
            gone = np.asarray(theirs["FLAG_MISSING"])
        if name == "word":
            # astropy cannot tell missing text of VOTable from empty text.
            gone = gone | (np.ma.getdata(column) == "")
        assert gone.tolist() == MASK, name
        if name != "word" or suffix != ".fits":
            assert list(column[[0, 2]]) == list(table[name][[0, 2]]), name


@pytest.mark.parametrize("suffix", [".fits", ".vot"])
def test_stilts(tmp_path: Path, table: Table, suffix: str) -> None:
    if shutil.which("stilts") is None:
        pytest.skip("needs STILTS: make tools")
    write(DataSet({"events": table}), tmp_path / f"x{suffix}")
    form = {".fits": "fits", ".vot": "votable"}[suffix]
    command = ["stilts", "tpipe", f"in=x{suffix}", f"ifmt={form}", "ofmt=csv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    rows = list(csv.reader(io.StringIO(done.stdout.decode())))
    names = [name.lower() for name in rows[0]]
    assert set(names) - {"flag_missing"} == set(table.colnames)
    for number in range(3):
        seen = dict(zip(names, rows[number + 1], strict=True))
        if number == 1:
            assert {seen[name] for name in table.colnames} == {""}
            continue
        for name in NUMBERS:
            assert float(seen[name]) == float(table[name][number]), name
        assert int(seen["long"]) == int(table["long"][number])
        assert seen["flag"] == str(bool(table["flag"][number])).lower()


@pytest.mark.parametrize("scale", ["tt", "tdb", "tai", "utc"])
def test_times_of_any_scale_are_the_same_to_astropy(tmp_path: Path, scale: str) -> None:
    when = Time(["2020-06-01T00:00:00.25", "2021-01-01T12:00:00"], scale=scale)
    source = QTable({"when": when, "n": [1, 2]})
    source.write(tmp_path / "a.ecsv")
    convert(tmp_path / "a.ecsv", tmp_path / "b.vot")
    document = votable.parse(tmp_path / "b.vot")
    (field, _) = document.get_first_table().fields
    known = {each.ID: each.timescale for each in document.resources[0].time_systems}
    texts = [str(text) for text in document.get_first_table().array["when"]]
    theirs = Time(texts, scale=known.get(field.ref, "UTC").lower())
    assert np.abs((theirs - when).to_value("s")).max() < 1e-6

    convert(tmp_path / "a.ecsv", tmp_path / "b.fits")
    header = fits.getheader(tmp_path / "b.fits", 1)
    texts = list(fits.getdata(tmp_path / "b.fits", 1)["WHEN"])
    theirs = Time(texts, scale=header.get("TIMESYS", "UTC").lower())
    assert np.abs((theirs - when).to_value("s")).max() < 1e-6


@pytest.mark.parametrize("suffix", [".vot", ".fits"])
def test_times_since_an_epoch_are_the_same_to_astropy(tmp_path: Path, suffix: str) -> None:
    meta = {"MJDREFI": 51910, "MJDREFF": 7.428703703703703e-4, "TIMESYS": "TT"}
    source = Table({"TIME": [0.5, 1e8] * u.s, "n": [1, 2]}, meta=meta)
    source.write(tmp_path / "a.fits")
    convert(tmp_path / "a.fits", tmp_path / f"b{suffix}")
    epoch = Time(51910, 7.428703703703703e-4, format="mjd", scale="tt")
    if suffix == ".vot":
        (system,) = votable.parse(tmp_path / "b.vot").resources[0].time_systems
        start = Time(system.timeorigin, format="jd", scale=system.timescale.lower())
    else:
        header = fits.getheader(tmp_path / "b.fits", 1)
        scale = header["TIMESYS"].lower()
        start = Time(header["MJDREFI"], header["MJDREFF"], format="mjd", scale=scale)
    # A Julian date in double precision has 40 microseconds.
    assert abs((start - epoch).to_value("s")) < 4e-5


@pytest.mark.parametrize("frame", [ICRS(), FK5(), FK5(equinox="J2015.5"), FK4(), Galactic()])
def test_positions_of_any_frame_are_the_same_to_astropy(tmp_path: Path, frame: Any) -> None:
    sky = SkyCoord([10, 250] * u.deg, [-30, 40] * u.deg, frame=frame)
    QTable({"n": [1, 2], "sky": sky}).write(tmp_path / "a.ecsv")
    write(read(tmp_path / "a.ecsv"), tmp_path / "b.vot")
    document = votable.parse(tmp_path / "b.vot")
    table = document.get_first_table()
    systems = {each.ID: each for each in document.resources[0].coordinate_systems}
    system = systems[table.fields[1].ref]
    known = {"ICRS": ICRS, "eq_FK5": FK5, "eq_FK4": FK4, "galactic": Galactic}[system.system]
    options = {"equinox": system.equinox} if system.equinox else {}
    longitude, latitude = (np.asarray(table.array[name]) for name in table.array.dtype.names[1:])
    theirs = SkyCoord(longitude * u.deg, latitude * u.deg, frame=known(**options))
    assert theirs.separation(sky).max() < 1e-6 * u.arcsec


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("votable-fits-inline", "as FITS"),
        ("votable-binary2-inline", "which is ASCII, has other characters"),
    ],
)
def test_an_unsupported_votable_of_stilts_names_a_supported_form(
    tmp_path: Path, form: str, words: str
) -> None:
    if shutil.which("stilts") is None:
        pytest.skip("needs STILTS: make tools")
    (tmp_path / "a.csv").write_text("n,word\n1,é\n", encoding="utf-8")
    java = "-Dfile.encoding=UTF-8"
    command = ["stilts", java, "tpipe", "in=a.csv", "ifmt=csv", f"ofmt={form}", "out=x.vot"]
    run(*command, cwd=tmp_path)
    with pytest.raises(FormatError, match=f"{words}.*TABLEDATA"):
        read(tmp_path / "x.vot")
