"""Event lists show the times and energies of the data, as gammapy reads them, or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("astropy", reason="needs astropy: run it in the science environment")
pytest.importorskip("h5py", reason="needs h5py: run it in the science environment")

import numpy as np
from astropy import units as u
from astropy.coordinates import FK4, FK5, ICRS, SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time, TimeDelta
from click.testing import CliRunner

from openkm3.cli import main
from openkm3.errors import FormatError
from openkm3.formats import DataSet, convert, read, write

MJD = np.array([60000.0, 60001.5, 60002.25])
WHEN = Time(MJD, format="mjd", scale="utc")
PLACE: dict[str, Any] = {"ra": [1.0, 2, 3] * u.deg, "dec": [4.0, 5, 6] * u.deg}
ENERGY: dict[str, Any] = {"energy": [1.0, 2, 3] * u.TeV}
TIME: dict[str, Any] = {"mjd": MJD * u.d}


def as_gammapy_reads(path: Path) -> Any:
    data = pytest.importorskip("gammapy.data", reason="needs gammapy: run it in the joint image")
    return data.EventList.read(path)


def converted(tmp_path: Path, table: Table, source: str, **options: Any) -> Any:
    path = tmp_path / f"source{source}"
    kind = {".vot": "votable", ".ecsv": "ascii.ecsv", ".fits": "fits"}[source]
    table.write(path, format=kind, overwrite=True)
    convert(path, tmp_path / "events.fits", **options)
    return as_gammapy_reads(tmp_path / "events.fits")


TIMES: dict[str, dict[str, Any]] = {
    "days": {"time": MJD * u.d},
    "MJD without unit": {"MJD": MJD},
    "julian days": {"jd": MJD + 2400000.5},
    "julian days by their value": {"time": (MJD + 2400000.5) * u.d},
    "ISO": {"time": WHEN.isot},
    "ISO with blanks and Z": {"date": [f"{text}Z" for text in WHEN.iso]},
    "unix": {"unix_time": WHEN.unix * u.s},
    "unix milliseconds": {"unixtime": (WHEN.unix * 1e3).astype("i8") * u.ms},
}


@pytest.mark.parametrize("source", [".vot", ".ecsv", ".fits"])
@pytest.mark.parametrize("case", sorted(TIMES))
def test_times_are_recognised(tmp_path: Path, case: str, source: str) -> None:
    events = converted(tmp_path, Table({**PLACE, **ENERGY, **TIMES[case]}), source)
    np.testing.assert_allclose(events.time.utc.mjd, MJD, rtol=0, atol=1e-6)


@pytest.mark.parametrize("scale", ["utc", "tt", "tai"])
@pytest.mark.parametrize("source", [".ecsv", ".fits"])
@pytest.mark.parametrize("form", ["isot", "mjd", "unix"])
def test_times_of_astropy_are_recognised(
    tmp_path: Path, form: str, source: str, scale: str
) -> None:
    when = getattr(WHEN, scale)
    when.format = form
    events = converted(tmp_path, QTable({**PLACE, **ENERGY, "time": when}), source)
    np.testing.assert_allclose(events.time.utc.mjd, MJD, rtol=0, atol=1e-9)


def test_seconds_since_an_epoch_that_the_unit_gives(tmp_path: Path) -> None:
    table = Table({**PLACE, **ENERGY, "t": MJD - 60000})
    table["t"].unit = u.Unit("days since 2023-02-25", parse_strict="silent")
    write(DataSet({"events": table}), tmp_path / "events.fits")
    np.testing.assert_allclose(
        as_gammapy_reads(tmp_path / "events.fits").time.utc.mjd, MJD, atol=1e-9
    )


@pytest.mark.parametrize("source", [".fits", ".ecsv"])
def test_seconds_since_the_reference_of_the_header(tmp_path: Path, source: str) -> None:
    meta = {"MJDREFI": 59000, "MJDREFF": 0.25, "TIMESYS": "TT", "TIMEUNIT": "s"}
    table = Table({**PLACE, **ENERGY, "TIME": (MJD - 59000.25) * 86400 * u.s}, meta=meta)
    events = converted(tmp_path, table, source)
    np.testing.assert_allclose(events.time.tt.mjd, MJD, rtol=0, atol=1e-9)


@pytest.mark.parametrize("scale", ["tt", "tai", "tdb", "utc"])
def test_a_time_scale_that_the_name_says(tmp_path: Path, scale: str) -> None:
    for name, values in ((f"mjd_{scale}", MJD), (f"jd_{scale}", MJD + 2400000.5)):
        write(DataSet({"events": Table({**PLACE, **ENERGY, name: values})}), tmp_path / "x.fits")
        seen = as_gammapy_reads(tmp_path / "x.fits").time
        expected = Time(MJD, format="mjd", scale=scale)
        np.testing.assert_allclose((seen - expected).to_value("s"), 0, atol=1e-4)


# FITS standard 4.0, table 30: deprecated names of time scales.
@pytest.mark.parametrize(
    ("named", "scale"),
    [("TDT", "tt"), ("ET", "tt"), ("IAT", "tai"), ("UT", "utc"), ("TT(TAI)", "tt"), ("TCG", "tcg")],
)
def test_time_scales_of_fits(tmp_path: Path, named: str, scale: str) -> None:
    meta = {"MJDREFI": 59000, "MJDREFF": 0.0, "TIMESYS": named}
    table = Table({**PLACE, **ENERGY, "TIME": (MJD - 59000) * 86400 * u.s}, meta=meta)
    write(DataSet({"events": table}), tmp_path / "x.fits")
    start = Time(59000, format="mjd", scale=scale)
    # Seconds of a scale elapse in that scale.
    expected = start + TimeDelta((MJD - 59000) * 86400, format="sec")
    seen = as_gammapy_reads(tmp_path / "x.fits").time
    np.testing.assert_allclose((seen - expected).to_value("s"), 0, atol=1e-4)


@pytest.mark.parametrize("named", ["LOCAL", "GPS", "unheard-of"])
def test_an_unsupported_time_scale_is_named(tmp_path: Path, named: str) -> None:
    table = Table({**PLACE, **ENERGY, "TIME": MJD * u.s}, meta={"MJDREF": 0.0, "TIMESYS": named})
    with pytest.raises(FormatError, match=f"time scale {named.lower()}, which is not supported"):
        write(DataSet({"events": table}), tmp_path / "x.fits")


@pytest.mark.parametrize(
    "place", [{"TIMEREF": "SOLARSYSTEM"}, {"TREFPOS": "BARYCENTER"}, {"TREFPOS": "HELIOCENTER"}]
)
def test_times_at_the_barycentre_are_not_those_of_the_detector(
    tmp_path: Path, place: dict[str, str]
) -> None:
    # Light takes up to 8.3 minutes from here to there.
    meta = {"MJDREF": 59000.0, "TIMESYS": "TDB", **place}
    table = Table({**PLACE, **ENERGY, "TIME": (MJD - 59000) * 86400 * u.s}, meta=meta)
    with pytest.raises(FormatError, match=f"tdb at {next(iter(place.values()))}"):
        write(DataSet({"events": table}), tmp_path / "x.fits")


def test_references_other_than_mjdref(tmp_path: Path) -> None:
    # HEASARC's OGIP/93-003: TIMEZERO is added to the times; FITS 4.0, 9.2.2: JDREF.
    for more, days in (
        ({"MJDREF": 59000.0, "TIMEZERO": 43200.0}, 59000.5),
        ({"MJDREF": 59000.0, "TIMEOFFS": 0.5, "TIMEUNIT": "d"}, 59000.5),
        ({"JDREF": 2459000.5}, 59000.0),
    ):
        seconds = (MJD - days) * 86400 * u.s
        table = Table({**PLACE, **ENERGY, "TIME": seconds}, meta={"TIMESYS": "TT", **more})
        write(DataSet({"events": table}), tmp_path / "x.fits")
        seen = as_gammapy_reads(tmp_path / "x.fits").time.tt.mjd
        np.testing.assert_allclose(seen, MJD, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("frame", "meta"),
    [
        (FK5(equinox="J2015.5"), {"RADESYS": "FK5", "EQUINOX": 2015.5}),
        (FK5(equinox="J2015.5"), {"EQUINOX": 2015.5}),
        (FK4(equinox="B1975"), {"RADESYS": "FK4", "EQUINOX": 1975.0}),
        (FK4(equinox="B1950"), {"EQUINOX": 1950.0}),
        (ICRS(), {"RADESYS": "ICRS", "EQUINOX": 2015.5}),
        (ICRS(), {}),
    ],
)
def test_the_equinox_counts(tmp_path: Path, frame: Any, meta: dict[str, Any]) -> None:
    sky = SkyCoord([1.0, 120, 300], [4.0, -50, 60], unit="deg")
    old = sky.transform_to(frame)
    for table in (
        QTable({"pos": old, **TIME, **ENERGY}),
        Table({"ra": old.ra, "dec": old.dec, **TIME, **ENERGY}, meta=meta),
    ):
        write(DataSet({"events": table}), tmp_path / "x.fits")
        seen = as_gammapy_reads(tmp_path / "x.fits").radec
        assert seen.separation(sky).max().to_value("arcsec") < 0.01


def test_positions_that_are_none_and_single_precision(tmp_path: Path) -> None:
    rest = {**TIME, **ENERGY}
    for ra in (-999.0, 400.0):
        table = Table({"ra": [1, 2, ra] * u.deg, "dec": [1.0, 2, 3] * u.deg, **rest})
        with pytest.raises(FormatError, match="'ra' has 1 values beyond -180 to 360 degrees"):
            write(DataSet({"events": table}), tmp_path / "x.fits")
    edge = np.array([np.pi / 2, -np.pi / 2, 0], "f4") * u.rad
    table = Table({"ra": np.array([2 * np.pi, 0, 1], "f4") * u.rad, "dec": edge, **rest})
    write(DataSet({"events": table}), tmp_path / "x.fits")
    assert as_gammapy_reads(tmp_path / "x.fits").radec.dec.deg.tolist() == [90, -90, 0]


UNCLEAR: dict[str, tuple[dict[str, Any], str]] = {
    "time without unit": ({**ENERGY, "time": MJD}, "'time' has neither a unit nor an epoch"),
    "seconds without epoch": ({**ENERGY, "time": MJD * u.s}, "since an unknown epoch"),
    "days since an epoch": ({**ENERGY, "time": [1.0, 2, 3] * u.d}, "TIME=NAME:mjd"),
    "text that is no time": ({**ENERGY, "time": ["a", "b", "c"]}, "'a', which is not ISO 8601"),
    "two times": ({**ENERGY, "mjd": MJD, "time": (MJD + 1) * u.d}, "'mjd', 'time'"),
    "energy without unit": ({**TIME, "energy": [1.0, 2, 3]}, "'energy' has no unit"),
    "energy in seconds": ({**TIME, "energy": [1.0, 2, 3] * u.s}, "not a unit of energy"),
    "logarithm": ({**TIME, "log10_energy": [1.0, 2, 3] * u.GeV}, "is named as a logarithm"),
    "milliseconds": (
        {**ENERGY, "unix_time": WHEN.unix * 1e3},
        "3 of 3 values of 'unix_time' are not between",
    ),
    "JD called MJD": ({**ENERGY, "mjd": MJD + 2400000.5}, "not between 1970 and 2100"),
    "a mark for no time": ({**ENERGY, "mjd": [60000, -999, 60001]}, "1 of 3 .* such as -999"),
    "a Julian year": ({**ENERGY, "date": ["J2023.5"] * 3}, "'J2023.5', which is not ISO 8601"),
    "two energies": ({**TIME, "a": [1.0, 2, 3] * u.TeV, "b": [1.0, 2, 4] * u.TeV}, "'a', 'b'"),
}


@pytest.mark.parametrize("case", sorted(UNCLEAR))
def test_an_ambiguous_column_is_an_error_that_names_the_option(tmp_path: Path, case: str) -> None:
    columns, words = UNCLEAR[case]
    with pytest.raises(FormatError, match=words) as caught:
        write(DataSet({"events": Table({**PLACE, **columns})}), tmp_path / "x.fits")
    assert "--column" in str(caught.value)
    assert not (tmp_path / "x.fits").exists()


ENERGIES: dict[str, Any] = {
    "GeV": ("energy", [1000.0, 2000, 3000] * u.GeV),
    "erg": ("reco_energy", ([1.0, 2, 3] * u.TeV).to("erg")),
    "named E": ("E", [1.0, 2, 3] * u.TeV),
    "named otherwise": ("seen", [1.0, 2, 3] * u.TeV),
    "integers": ("energy", MaskedColumn([1, 2, 3], unit="TeV")),
}


@pytest.mark.parametrize("case", sorted(ENERGIES))
def test_energies_of_any_unit(tmp_path: Path, case: str) -> None:
    name, values = ENERGIES[case]
    events = converted(tmp_path, Table({**PLACE, **TIME, name: values}), ".ecsv")
    np.testing.assert_allclose(events.energy.to_value("TeV"), [1, 2, 3], rtol=1e-12)


def test_logarithms_that_their_unit_declares(tmp_path: Path) -> None:
    table = Table({**PLACE, **TIME, "log10_energy": [3.0, 4, 5]})
    table["log10_energy"].unit = u.dex(u.GeV)
    write(DataSet({"events": table}), tmp_path / "x.fits")
    np.testing.assert_allclose(as_gammapy_reads(tmp_path / "x.fits").energy.value, [1, 10, 100])


def test_positions_of_any_unit_and_frame(tmp_path: Path) -> None:
    sky = SkyCoord([1.0, 120, 300], [4.0, -50, 60], unit="deg")
    galactic, old = sky.galactic, sky.transform_to("fk5")
    for columns in (
        {"ra": sky.ra.rad * u.rad, "dec": sky.dec.rad * u.rad},
        {"ra": sky.ra.hourangle * u.hourangle, "dec": sky.dec},
        {"ra": sky.ra.to_string("h", precision=6), "dec": sky.dec.to_string("deg", precision=6)},
        {"l": galactic.l, "b": galactic.b},
        {"glon": galactic.l.rad * u.rad, "glat": galactic.b},
        {"pos": sky},
        {"pos": old},
        {"pos": galactic},
    ):
        table = QTable({**columns, **TIME, **ENERGY})
        write(DataSet({"events": table}), tmp_path / "x.fits")
        seen = as_gammapy_reads(tmp_path / "x.fits").radec
        assert seen.separation(sky).max().to_value("arcsec") < 0.001, list(columns)


def test_missing_values_are_nan_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mask = [False, True, False]
    table = Table(
        {
            **PLACE,
            "mjd": MaskedColumn(MJD, mask=mask, unit="d"),
            "energy": MaskedColumn([1, 2, 3], mask=mask, unit="TeV"),
        }
    )
    write(DataSet({"events": table}), tmp_path / "x.fits")
    assert "1 of 3 events have no time" in caplog.text
    assert "1 of 3 events have no energy" in caplog.text
    events = as_gammapy_reads(tmp_path / "x.fits")
    assert np.isnan(events.energy.value).tolist() == mask
    with fits.open(tmp_path / "x.fits") as file:
        assert np.isnan(file["EVENTS"].data["TIME"]).tolist() == mask
        assert 0 < file["EVENTS"].header["TSTART"] < file["EVENTS"].header["TSTOP"]


LACKING: dict[str, tuple[dict[str, Any], str]] = {
    "no time": ({**ENERGY, "nhit": [1, 2, 3]}, "TIME"),
    "no energy": ({**TIME, "nhit": [1, 2, 3]}, "ENERGY"),
    "true energy": ({**TIME, "energy_true": [1.0, 2, 3] * u.TeV}, "ENERGY"),
    # Of an energy, but not the energy of the event.
    "error": ({**TIME, "energy_error": [1.0, 2, 3] * u.TeV}, "ENERGY"),
    "sigma": ({**TIME, "sigma_energy": [1.0, 2, 3] * u.TeV}, "ENERGY"),
    "threshold": ({**TIME, "energy_threshold": [1.0, 2, 3] * u.TeV}, "ENERGY"),
    "limit": ({**TIME, "E_max": [1.0, 2, 3] * u.TeV}, "ENERGY"),
}


@pytest.mark.parametrize("case", sorted(LACKING))
def test_a_missing_time_or_energy_is_not_invented(tmp_path: Path, case: str) -> None:
    content, role = LACKING[case]
    table = Table({**PLACE, **content})
    table.write(tmp_path / "a.ecsv")
    command = ["convert", str(tmp_path / "a.ecsv"), str(tmp_path / "x.fits")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert f"no column is recognised as {role}, among 'ra', 'dec'" in result.output
    assert f"{table.colnames[-1]!r}" in result.output
    assert f"--column {role}=NAME" in result.output
    assert not (tmp_path / "x.fits").exists()
    assert CliRunner().invoke(main, [*command, "--without", role]).exit_code == 0
    with fits.open(tmp_path / "x.fits") as file:
        assert np.isnan(file["EVENTS"].data[role]).all()


def test_choices_that_cannot_be_followed_are_refused(tmp_path: Path) -> None:
    nowhere = DataSet({"events": Table({**TIME, **ENERGY})})
    with pytest.raises(FormatError, match="no column is recognised as RA"):
        write(nowhere, tmp_path / "x.fits", chosen={"TIME": "mjd"})
    named = DataSet({"events": Table({**PLACE, **TIME, **ENERGY, "name": ["a", "b", "c"]})})
    with pytest.raises(FormatError, match="'name' holds neither a different 64-bit number"):
        write(named, tmp_path / "x.fits", chosen={"EVENT_ID": "name"})


def test_a_choice_is_for_the_tables_that_have_the_column(tmp_path: Path) -> None:
    events, hits = Table({**PLACE, **ENERGY, "when": MJD}), Table({"tot": [1, 2]})
    path = tmp_path / "x.fits"
    write(DataSet({"hits": hits, "events": events}), path, chosen={"TIME": "when:mjd"})
    np.testing.assert_allclose(as_gammapy_reads(path).time.utc.mjd, MJD, atol=1e-9)
    with pytest.raises(FormatError, match="there is no column 'where'"):
        write(DataSet({"hits": hits, "events": events}), path, chosen={"TIME": "where"})


def test_a_list_of_sources_is_not_an_event_list(tmp_path: Path) -> None:
    events, sources = Table({**PLACE, **TIME, **ENERGY}), Table({**PLACE, "name": ["a", "b", "c"]})
    write(DataSet({"sources": sources, "events": events}), tmp_path / "x.fits")
    with fits.open(tmp_path / "x.fits") as file:
        assert file["SOURCES"].columns.names == ["RA", "DEC", "NAME"]
        assert np.isfinite(file["EVENTS"].data["TIME"]).all()


def test_data_without_times_and_energies_have_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = DataSet({"events": Table({**PLACE, "nhit": [1, 2, 3]})})
    write(data, tmp_path / "x.fits", without=["TIME", "ENERGY"])
    assert "3 of 3 events have no time" in caplog.text
    assert "3 of 3 events have no energy" in caplog.text
    with fits.open(tmp_path / "x.fits") as file:
        assert np.isnan(file["EVENTS"].data["TIME"]).all()
        assert "TSTART" not in file["EVENTS"].header


def test_a_user_chooses_columns(tmp_path: Path) -> None:
    table = Table({"x": PLACE["ra"], "y": PLACE["dec"], "when": MJD, "e1": [1.0, 2, 3]})
    table.write(tmp_path / "a.ecsv")
    command = ["convert", str(tmp_path / "a.ecsv"), str(tmp_path / "a.fits")]
    for choice in ("RA=x", "DEC=y", "TIME=when:mjd", "ENERGY=e1:PeV"):
        command += ["--column", choice]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    events = as_gammapy_reads(tmp_path / "a.fits")
    np.testing.assert_allclose(events.time.utc.mjd, MJD, atol=1e-9)
    np.testing.assert_allclose(events.energy.to_value("TeV"), [1e3, 2e3, 3e3])
    assert read(tmp_path / "a.fits").tables["table"].colnames == table.colnames
    for choice, words in (
        ("TIME", "is not ROLE=NAME"),
        ("COLOUR=x", "with a role of TIME"),
        ("TIME=nothing", "there is no column 'nothing'"),
        ("TIME=when:days", "'days' is not one of mjd"),
        ("RA=x:TeV", "not a unit of angle"),
    ):
        result = CliRunner().invoke(main, [*command, "--force", "--column", choice])
        assert result.exit_code == 2
        assert words in result.output
        assert "Traceback" not in result.output


def test_time_and_frame_that_a_votable_declares(tmp_path: Path) -> None:
    # VOTable 1.4, 3.4: TIMESYS; the origin is a Julian date.
    sky = SkyCoord([10.0], [20], unit="deg", frame=FK5(equinox="J2015.5"))
    (tmp_path / "x.vot").write_text(
        '<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        '<RESOURCE><COOSYS ID="s" system="eq_FK5" equinox="J2015.5"/>'
        '<TIMESYS ID="t" timeorigin="2455197.5" timescale="TT" refposition="TOPOCENTER"/>'
        '<TABLE><FIELD name="ra" datatype="double" unit="deg" ref="s"/>'
        '<FIELD name="dec" datatype="double" unit="deg" ref="s"/>'
        '<FIELD name="time" datatype="double" unit="d" ref="t"/>'
        '<FIELD name="energy" datatype="double" unit="GeV"/>'
        "<DATA><TABLEDATA><TR><TD>10</TD><TD>20</TD><TD>0.25</TD><TD>5</TD></TR>"
        "</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    )
    convert(tmp_path / "x.vot", tmp_path / "x.fits")
    events = as_gammapy_reads(tmp_path / "x.fits")
    assert events.time.tt.mjd[0] == pytest.approx(55197.25, abs=1e-9)
    assert events.radec.separation(sky.icrs)[0].to_value("arcsec") < 1e-4
