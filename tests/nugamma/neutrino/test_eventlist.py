"""Tables of events in the ways people write them, against astropy's own reading."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import Latitude, Longitude, SkyCoord
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time, TimeDelta
from astropy.utils.masked import Masked

from nugamma.errors import FollowUpError, VisibilityError
from nugamma.neutrino.followup import EventList, Window
from nugamma.neutrino.regions import Circle
from nugamma.neutrino.times import moment
from nugamma.neutrino.visibility import declination_of_date

PLACES = SkyCoord([100.0, 200.0, 350.5], [10.0, -20.0, 89.25], unit="deg")
TIMES = Time([59000.25, 59001.5, 60123.125], format="mjd", scale="utc")
DAYS = 10 * u.day


def is_right(found: EventList, places: SkyCoord = PLACES, times: Time = TIMES) -> None:
    assert found.position.separation(places).max() < 1e-3 * u.arcsec
    assert np.abs((found.time - times).to_value("s")).max() < 1e-4


def table(**columns: Any) -> QTable:
    """MJD, RA and declination in degrees, but for what is given."""
    plain = {"mjd": TIMES.mjd, "ra": PLACES.ra.deg, "decl": PLACES.dec.deg}
    return QTable(plain | columns)


@pytest.mark.parametrize("unit", ["deg", "rad", "hourangle", "arcmin", "arcsec", "mas"])
@pytest.mark.parametrize("kind", [Table, QTable])
def test_units_of_angles_are_honoured(unit: str, kind: Any) -> None:
    of = kind(table(ra=PLACES.ra.to(unit).value, decl=PLACES.dec.to("rad").value))
    of["ra"].unit, of["decl"].unit = unit, "rad"
    is_right(EventList.from_table(of, DAYS))


@pytest.mark.parametrize("unit", ["h", "hour"])
def test_right_ascension_in_hours_is_converted(unit: str) -> None:
    of = Table(table(ra=PLACES.ra.hourangle))
    of["ra"].unit = unit
    is_right(EventList.from_table(of, DAYS))


@pytest.mark.parametrize("separator", [":", " ", "hms"])
def test_sexagesimal_text_is_understood(separator: str) -> None:
    ra = PLACES.ra.to_string("hour", sep=separator, precision=6, pad=True)
    dec = PLACES.dec.to_string(
        "deg", sep="dms" if separator == "hms" else separator, precision=6, alwayssign=True
    )
    is_right(EventList.from_table(table(ra=ra, decl=dec), DAYS))
    is_right(EventList.from_table(table(ra=np.char.encode(ra, "ascii"), decl=dec), DAYS))


def test_text_of_degrees_is_in_degrees() -> None:
    of = Table(table(ra=PLACES.ra.deg.astype(str), decl=PLACES.dec.deg.astype(str)))
    is_right(EventList.from_table(of, DAYS))
    of["ra"] = PLACES.ra.to_string("deg", sep=":", precision=6)
    of["ra"].unit = "deg"
    is_right(EventList.from_table(of, DAYS))


@pytest.mark.parametrize(
    ("name", "values", "unit"),
    [
        ("mjd", TIMES.mjd, None),
        ("mjd", TIMES.mjd, "d"),
        ("mjd", TIMES.mjd * 86400, "s"),
        ("time", TIMES.mjd, "mjd"),
        ("JD", TIMES.jd, "d"),
        ("unix_time", TIMES.unix, None),
        ("unixtime", TIMES.unix * 1000, "ms"),
        ("time", TIMES, None),
        ("time", TIMES.tt, None),
        ("time", TIMES.isot, None),
        ("time", np.char.encode(TIMES.iso, "ascii"), None),
        ("time", [t + "Z" for t in TIMES.isot], None),
        ("time", [t + "+02:00" for t in (TIMES + 2 * u.hour).isot], None),
        ("time", [t + "-0330" for t in (TIMES - 3.5 * u.hour).isot], None),
        ("time", TIMES.datetime64, None),
    ],
)
def test_every_notation_of_a_time_is_accepted(name: str, values: Any, unit: str | None) -> None:
    of = Table(table())
    of[name] = values
    if unit:
        of[name].unit = unit
    tolerance = 1e-3 if isinstance(values, Time) or name != "JD" else 1e-4
    found = EventList.from_table(of, DAYS, (name, "ra", "decl"))
    assert np.abs((found.time - TIMES).to_value("s")).max() < tolerance


def test_seconds_since_the_reference_of_a_header(tmp_path: Path) -> None:
    """As gammapy's events: TIME in s after MJDREFI + MJDREFF in TT."""
    reference = Time(51910, 7.428703703703703e-4, format="mjd", scale="tt")
    of = Table(
        {
            "TIME": (TIMES.tt - reference).to("s"),
            "RA": PLACES.ra.rad * u.rad,
            "DEC": PLACES.dec.deg * u.deg,
        }
    )
    of.meta |= {"MJDREFI": 51910, "MJDREFF": 7.428703703703703e-4, "TIMESYS": "TT"}
    of.write(tmp_path / "events.fits")
    is_right(
        EventList.from_table(Table.read(tmp_path / "events.fits"), DAYS, ("TIME", "RA", "DEC"))
    )


@pytest.mark.parametrize("form", ["ascii.ecsv", "votable", "fits"])
def test_tables_from_files_keep_units_and_masks(tmp_path: Path, form: str) -> None:
    of = Table(table(ra=PLACES.ra.rad), masked=True)
    of["ra"].unit, of["decl"].unit = "rad", "deg"
    of["ra"].mask[1] = True
    path = tmp_path / "events"
    of.write(path, format=form)
    read = Table.read(path, format=form)
    with pytest.raises(FollowUpError, match=r"1 of 3 events.*ra \(1\), first in row 2"):
        EventList.from_table(read, DAYS)
    found = EventList.from_table(read, DAYS, missing="drop")
    assert found.dropped == 1
    is_right(found, PLACES[[0, 2]], TIMES[[0, 2]])


def masked(values: Any, mask: tuple[bool, bool, bool]) -> Any:
    return MaskedColumn(values, mask=mask)


_SECOND = (False, True, False)


@pytest.mark.parametrize(
    "columns",
    [
        {"mjd": masked(TIMES.mjd, _SECOND)},
        {"decl": masked(PLACES.dec.deg, _SECOND)},
        {"ra": Masked(PLACES.ra.deg * u.deg, mask=_SECOND)},
        {"ra": Masked(Longitude(PLACES.ra), mask=_SECOND)},
        {"decl": Masked(Latitude(PLACES.dec), mask=_SECOND)},
        {"mjd": np.where(_SECOND, np.nan, TIMES.mjd)},
        {"ra": np.where(_SECOND, np.inf, PLACES.ra.deg)},
        {"decl": np.where(_SECOND, np.nan, PLACES.dec.deg) * u.deg},
        {"mjd": ["2020-05-31T06:00:00", "", "2023-06-28T03:00:00"]},
        {"mjd": masked(TIMES.isot, _SECOND)},
        {"mjd": np.where(_SECOND, np.datetime64("NaT"), TIMES.datetime64)},
        {"mjd": Time(Masked(TIMES.jd, mask=_SECOND), format="jd")},
        {"ra": ["06:40:00", "nan", "23:22:00"]},
        {"decl": masked(["10", "-20", "89.25"], _SECOND)},
    ],
)
def test_missing_times_and_places_are_never_used(columns: dict[str, Any]) -> None:
    of = Table(table(**columns))
    (name,) = columns
    with pytest.raises(FollowUpError, match=rf"1 of 3 events.*{name} \(1\), first in row 2"):
        EventList.from_table(of, DAYS)
    found = EventList.from_table(of, DAYS, missing="drop")
    assert (len(found.time), found.dropped) == (2, 1)
    is_right(found, PLACES[[0, 2]], Time(TIMES.mjd[[0, 2]], format="mjd"))


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"ra": PLACES.ra.deg * u.m}, "ra of the event list has the unit m"),
        ({"decl": PLACES.dec.hourangle * u.hour}, "decl of the event list has the unit h"),
        (
            {"mjd": TIMES.mjd * u.TeV},
            "mjd .* has the unit TeV, which is not a unit of time",
        ),
        ({"ra": [10.0, 20.0, 361.0]}, "ra of 361 deg"),
        ({"decl": [10.0, -999.0, 0.0]}, "decl of -999 deg"),
        ({"mjd": TIMES.jd}, "if it is jd, give time_format='jd'"),
        ({"mjd": TIMES.unix}, "if it is unix"),
        ({"mjd": [0.0, 1.0, 2.0]}, "not between 1950 and 2100"),
        ({"mjd": ["2020-05-31", "yesterday", "2020-06-01"]}, "'yesterday' is not a time"),
        ({"ra": ["1", "two", "3"]}, "'two', which is not an angle"),
        ({"ra": [1j, 2j, 3j]}, "does not contain numbers"),
    ],
)
def test_an_invalid_time_or_position_is_refused(columns: dict[str, Any], reason: str) -> None:
    for missing in ("refuse", "drop"):
        with pytest.raises(FollowUpError, match=reason):
            EventList.from_table(table(**columns), DAYS, missing=missing)  # type: ignore[arg-type]


def test_lists_made_by_hand_are_checked_too() -> None:
    gone = Time(Masked(TIMES.jd, mask=_SECOND), format="jd")
    with pytest.raises(FollowUpError, match="missing or non-finite times"):
        EventList(gone, PLACES, DAYS)
    nowhere = SkyCoord(Masked(PLACES.ra, mask=_SECOND), PLACES.dec)
    with pytest.raises(FollowUpError, match="missing or non-finite positions"):
        EventList(TIMES, nowhere, DAYS)
    with pytest.raises(FollowUpError, match="unit of time"):
        EventList(TIMES, PLACES, 3.0)
    with pytest.raises(FollowUpError, match="must be positive"):
        EventList(TIMES, PLACES, np.nan * u.day)


@pytest.mark.parametrize(
    "text",
    [
        "2024-09-01T01:16:47.5",
        "2024-09-01 01:16:47.5",
        "2024-09-01T01:16:47.5Z",
        "2024-09-01T01:16:47.5+00:00",
        "2024-09-01 03:46:47.5+0230",
        "2024-08-31T20:16:47.5-05:00",
    ],
)
def test_moments_with_and_without_a_zone(text: str) -> None:
    expected = Time("2024-09-01T01:16:47.5", scale="utc")
    assert abs(moment(text) - expected) < TimeDelta(1e-6, format="sec")
    assert Window.around(text, 1 * u.s, 1 * u.s).start < expected


def test_an_invalid_time_is_reported_in_one_sentence() -> None:
    for wrong in ("now", "2024-13-01", "2024-09-01T25:00:00+00:00", ""):
        with pytest.raises(FollowUpError, match="is not a time"):
            Window.around(wrong, 1 * u.s, 1 * u.s)
        with pytest.raises(VisibilityError, match="is not a time"):
            declination_of_date(PLACES, wrong)
    with pytest.raises(FollowUpError, match="give one time"):
        moment(TIMES)
    found = declination_of_date(PLACES[0], "2024-09-01T00:00:00+00:00")
    assert found == declination_of_date(PLACES[0], "2024-09-01")


def test_pandas_tables_are_read_through_astropy() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is missing; pip install pandas")
    text = "mjd,ra,decl\n59000.25,100,10\n59001.5,,-20\n60123.125,350.5,89.25\n"
    frame = pandas.read_csv(io.StringIO(text)).convert_dtypes()
    found = EventList.from_table(Table.from_pandas(frame), DAYS, missing="drop")
    assert found.dropped == 1
    is_right(found, PLACES[[0, 2]], TIMES[[0, 2]])


#: FITS 4.0, section 9: what headers say of a TIME of 3 and 5 (or 3 and 5 days in s).
START = Time(59000, 0.25, format="mjd", scale="tt")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({"MJDREFI": 59000, "MJDREFF": 0.25}, 1),
        ({"MJDREF": 59000.25, "TIMEUNIT": "d"}, 86400),
        ({"MJDREF": 59000.25, "TIMEUNIT": "min"}, 60),
        ({"JDREFI": 2459000, "JDREFF": 0.75}, 1),
        ({"JDREF": 2459000.75, "TIMEUNIT": "d"}, 86400),
        ({"DATEREF": "2020-05-31T06:00:00"}, 1),
        # MJDREF goes before the others.
        ({"MJDREF": 59000.25, "JDREF": 1.0, "DATEREF": "1999-01-01"}, 1),
    ],
)
@pytest.mark.parametrize("scale", ["TT", "TDT", "TT(TAI)", "ET"])
def test_times_count_from_the_reference_of_the_header(
    header: dict[str, Any], seconds: float, scale: str
) -> None:
    of = Table(table(mjd=[3.0, 5.0, 7.0]), meta={**header, "TIMESYS": scale})
    of.rename_column("mjd", "TIME")
    found = EventList.from_table(of, DAYS, ("TIME", "ra", "decl"))
    expected = START + TimeDelta(np.array([3.0, 5.0, 7.0]) * seconds, format="sec")
    is_right(found, times=expected)


@pytest.mark.parametrize("keyword", ["TIMEOFFS", "TIMEZERO"])
def test_offsets_of_the_header_are_added(keyword: str) -> None:
    of = Table(table(mjd=[3.0, 5.0, 7.0]))
    of.rename_column("mjd", "TIME")
    of.meta = {"MJDREF": 59000.25, "TIMESYS": "TT", "TIMEUNIT": "d", keyword: 0.5}
    found = EventList.from_table(of, DAYS, ("TIME", "ra", "decl"))
    is_right(found, times=START + TimeDelta([3.5, 5.5, 7.5], format="jd"))


@pytest.mark.parametrize("scale", ["tt", "tai", "tdb", "tcg"])
def test_mjd_and_text_are_in_the_scale_of_the_header(scale: str) -> None:
    times = Time(TIMES.mjd, format="mjd", scale=scale)
    meta = {"TIMESYS": scale.upper()}
    is_right(EventList.from_table(Table(table(), meta=meta), DAYS), times=times)
    is_right(EventList.from_table(Table(table(mjd=times.isot), meta=meta), DAYS), times=times)
    zoned = [f"{text}Z" for text in TIMES.isot]
    is_right(EventList.from_table(Table(table(mjd=zoned), meta=meta), DAYS))


def test_the_name_of_a_column_says_its_scale() -> None:
    of = Table(table())
    of.rename_column("mjd", "mjd_tt")
    found = EventList.from_table(of, DAYS, ("mjd_tt", "ra", "decl"))
    is_right(found, times=Time(TIMES.mjd, format="mjd", scale="tt"))


def test_gps_time_is_19_s_behind_tai() -> None:
    of = Table(table(mjd=[3.0, 5.0, 7.0]))
    of.rename_column("mjd", "TIME")
    of.meta = {"MJDREF": 44244.0, "TIMESYS": "GPS", "TIMEUNIT": "d"}
    found = EventList.from_table(of, DAYS, ("TIME", "ra", "decl"))
    is_right(found, times=Time(86400 * np.array([3.0, 5.0, 7.0]), format="gps"))


@pytest.mark.parametrize("header", [{"TIMESYS": "LOCAL"}, {"TIMEUNIT": "m"}, {"MJDREF": "x"}])
def test_headers_that_say_no_time_are_refused(header: dict[str, Any]) -> None:
    of = Table(table(mjd=[3.0, 5.0, 7.0]), meta={"MJDREF": 59000.0, **header})
    of.rename_column("mjd", "TIME")
    with pytest.raises(FollowUpError, match="in the header"):
        EventList.from_table(of, DAYS, ("TIME", "ra", "decl"))


@pytest.mark.parametrize(
    ("header", "frame"),
    [
        ({"RADESYS": "FK5"}, "fk5"),
        ({"RADESYS": "FK4"}, "fk4"),
        ({"EQUINOX": 1950.0}, "fk4"),
        ({"RADECSYS": "FK5", "EQUINOX": 2000.0}, "fk5"),
        ({"RADESYS": "ICRS", "EQUINOX": 2000.0}, "icrs"),
    ],
)
def test_places_are_in_the_frame_of_the_header(header: dict[str, Any], frame: str) -> None:
    there = PLACES.transform_to(frame)
    of = Table(table(ra=there.ra.deg, decl=there.dec.deg), meta=header)
    is_right(EventList.from_table(of, DAYS))
    with pytest.raises(FollowUpError, match="GAPPT"):
        EventList.from_table(Table(table(), meta={"RADESYS": "GAPPT"}), DAYS)


@pytest.mark.parametrize("names", [("l", "b"), ("GLON", "GLAT")])
def test_galactic_columns_are_galactic(names: tuple[str, str]) -> None:
    there = PLACES.galactic
    of = QTable({"mjd": TIMES.mjd, names[0]: there.l, names[1]: there.b})
    is_right(EventList.from_table(of, DAYS, ("mjd", *names)))


def test_windows_without_a_unit_are_refused() -> None:
    for length in (500, 500 * u.m, [1, 2] * u.s):
        with pytest.raises(FollowUpError, match="need a unit"):
            Window.around("2020-01-01", length, 500 * u.s)  # type: ignore[arg-type]
    with pytest.raises(FollowUpError, match="single astropy Times"):
        Window("2020-01-01", "2020-01-02")  # type: ignore[arg-type]


def test_circles_without_a_unit_are_refused() -> None:
    for radius in (3, 3 * u.m, [1, 2] * u.deg):
        with pytest.raises(FollowUpError, match="one angle with a unit"):
            Circle(PLACES[0], radius)  # type: ignore[arg-type]
