"""Tables of records in the VO services: they come and go with the records."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import FK5, SkyCoord
from astropy.io import votable
from astropy.table import MaskedColumn, Table
from astropy.time import Time
from astropy.units import Unit, deg, hourangle, rad
from click.testing import CliRunner
from django.conf import settings
from django.test import Client

from adqlite.tables.names import name_problem, proposed_name, regular_name
from adqlite.tables.storage import TableStore
from opendata import describing
from opendata.accounts.models import User
from opendata.cli import main
from opendata.describing.tap_table import NoTable, described, service_findings
from opendata.importers.files import import_file
from opendata.records import integrity, publishing
from opendata.records.models import Record, Version
from opendata.records.publishing import Draft, Refused
from opendata.vo.process import serve
from openkm3.formats import DataSet, write
from openkm3.metadata import Annotation

from .records import ECSV, HEADER, draft, drafted, published

SERVICE = {"table": "cnt24_01.main"}
QUERY = "/vo/tap/sync?LANG=ADQL&FORMAT=csv&QUERY=SELECT+*+FROM+"
CONE = "/vo/scs/cnt24_01/main?RA=10&DEC=20&SR=1"


@pytest.fixture(autouse=True)
def _no_tables_stay() -> Iterator[None]:
    yield
    tables = TableStore(Path(settings.VO_FOLDER))
    for schema in tables.schemas():
        tables.withdraw(schema.name)


def dataset(**columns: object) -> DataSet:
    return DataSet({"events": Table(columns)}, Annotation.parse({"header": HEADER}))


def test_a_published_table_answers_queries_and_cones(
    web: Client, curator: User, reviewer: User
) -> None:
    # In a process of its own, as strangers' files are read.
    publishing.approve(publishing.submit(drafted(curator, service=SERVICE), curator), reviewer)
    rows = web.get(f"{QUERY}cnt24_01.main").getvalue().decode().split()
    assert rows == ["energy,ra,dec", "1.5,10.0,20.0", "2.5,200.0,-70.0", "9.0,355.5,89.0"]
    found = votable.parse_single_table(io.BytesIO(web.get(CONE).getvalue())).to_table()
    assert found["energy"].tolist() == [1.5]


def test_a_withdrawn_record_takes_its_table_with_it(
    web: Client, curator: User, reviewer: User
) -> None:
    version = published(curator, reviewer, service=SERVICE)
    publishing.withdraw(version, reviewer, "Wrong calibration.")
    assert web.get(f"{QUERY}cnt24_01.main").status_code == 400
    assert b"there is no table" in web.get(CONE).getvalue()
    assert "cnt24_01" not in web.get("/vo/tap/tables").getvalue().decode()
    assert not list(Path(settings.VO_FOLDER).glob("cnt24_01*"))


def test_after_a_withdrawal_the_version_before_is_served(
    web: Client, curator: User, reviewer: User
) -> None:
    first = published(curator, reviewer, service=SERVICE)
    second = _second(first, curator, service=SERVICE)
    publishing.approve(publishing.submit(second, curator), reviewer, serve=serve)
    count = f"{QUERY.replace('*', 'COUNT(*)')}cnt24_01.main"
    assert web.get(count).getvalue().split()[1] == b"1"
    publishing.withdraw(second, reviewer, "A row too few.", serve=serve)
    assert web.get(count).getvalue().split()[1] == b"3"


def test_a_version_without_table_ends_the_service(
    web: Client, curator: User, reviewer: User
) -> None:
    second = _second(published(curator, reviewer, service=SERVICE), curator, service={})
    publishing.approve(publishing.submit(second, curator), reviewer, serve=serve)
    assert web.get(f"{QUERY}cnt24_01.main").status_code == 400


def _second(first: Version, curator: User, **more: object) -> Version:
    second = publishing.new_version(first.record, Draft(**draft(label="2.0", **more)), curator)
    content = b"\n".join(ECSV.split(b"\n")[:9]) + b"\n"
    publishing.add_file(second, "counts.ecsv", [content], curator, describe=describing.describe)
    return second


def test_two_records_cannot_have_the_same_table(curator: User, reviewer: User) -> None:
    published(curator, reviewer, service=SERVICE)
    with pytest.raises(Refused, match=r"cnt24_01 serves cnt24_01\.main; .* choose another name"):
        published(curator, reviewer, "other_01", service={"table": "CNT24_01.other"})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("events", "SCHEMA.TABLE"),
        ("a.b.c", "SCHEMA.TABLE"),
        ("1a.b", "SCHEMA.TABLE"),
        ('a"; DROP TABLE x.b', "SCHEMA.TABLE"),
        ("tap_schema.mine", "reserved for the services"),
        ("events.select", "reserved word of ADQL"),
    ],
)
def test_bad_table_names_are_refused(curator: User, name: str, words: str) -> None:
    assert words in (name_problem(name) or "")
    with pytest.raises(Refused, match=words):
        published(curator, curator, service={"table": name})


def test_a_file_without_table_is_refused_when_it_shall_be_served(
    curator: User, reviewer: User
) -> None:
    version = publishing.create(
        publishing.NewRecord(identifier="txt24_01"), Draft(**draft(service=SERVICE)), curator
    )
    publishing.add_file(version, "notes.txt", [b"1 2 3"], curator)
    with pytest.raises(Refused, match=r"cannot be served: notes\.txt"):
        publishing.submit(version, curator)
    version.refresh_from_db()
    assert version.state == "draft"


def test_missing_tables_are_found_and_published_again(curator: User, reviewer: User) -> None:
    version = published(curator, reviewer, service=SERVICE)
    TableStore(Path(settings.VO_FOLDER)).withdraw("cnt24_01")
    said = list(integrity.problems(lambda _: None))
    assert any("its table cnt24_01.main is not served" in problem for problem in said)
    done = CliRunner().invoke(main, ["tables"])
    assert done.output == "The tables of 1 records are up to date.\n", done.output
    assert not [text for text in integrity.problems(lambda _: None) if "table" in text]
    assert version.record == Record.objects.get()


def test_columns_get_regular_names_units_of_the_vo_and_degrees() -> None:
    table = Table(
        {
            "RA": np.array([0.0, 2 * np.pi, 7.0]),
            "dec": np.array([0.1, -1.5, np.nan]),
            "AEFF/m2": [1.0, 2.0, 3.0],
            "time": MaskedColumn([1, 2, 3], mask=[False, True, False]),
            "hits": np.zeros((3, 2)),
            "name": ["a", "ä", ""],
            "flag": [True, False, True],
        },
        units={"RA": "rad", "dec": "rad", "AEFF/m2": "m2"},
    )
    about = Annotation.parse({"header": HEADER, "paraminfo": {"time": {"description": "When"}}})
    schema, rows = described(DataSet({"events": table}, about), "x_01.main", "Title")
    found = {c.name: c for c in schema.tables[0].columns}
    assert list(found) == ["RA", "dec", "AEFF_m2", "time_", "hits", "name", "flag"]
    assert schema.tables[0].position == ("RA", "dec")
    assert (found["RA"].unit, found["AEFF_m2"].unit) == ("deg", "m**2")
    assert found["time_"].description == "When"
    assert found["name"].datatype == "unicodeChar"
    first, second, third = rows
    assert first[0] == 0
    assert second[0] == pytest.approx(360, abs=1e-9) or second[0] == pytest.approx(0, abs=1e-9)
    assert third[0] == pytest.approx(np.degrees(7.0) - 360)
    assert second[3] is None
    assert second[1] == pytest.approx(-85.94366926962348)
    assert third[1] is None


def test_columns_that_would_have_one_name_get_others() -> None:
    schema, rows = described(dataset(**{"a/b": [1], "a b": [2], "A_B": [3]}), "x.main", "x")
    assert [c.name for c in schema.tables[0].columns] == ["a_b", "a_b_2", "A_B_3"]
    assert list(rows) == [(1, 2, 3)]
    with pytest.raises(NoTable, match="no column of numbers or text"):
        described(dataset(a=np.zeros(2, complex)), "x.main", "x")
    assert regular_name("123 µ") == "c_123"
    assert proposed_name("evts-21.01") == "evts_21_01.main"


def test_importing_a_file_serves_its_positions_once(
    web: Client, database: None, tmp_path: Path
) -> None:
    path = tmp_path / "sky.vot"
    write(dataset(ra=[1.0, 2.0], dec=[3.0, 4.0], id=["a", "b"]), path)
    version = import_file(path, identifier="sky24_01")
    assert version.service == {"table": "sky24_01.main"}
    assert web.get("/vo/scs/sky24_01/main?RA=1&DEC=3&SR=0.5").status_code == 200
    with pytest.raises(Refused, match=r"published as sky24_01 1\.0/sky\.vot; .* --again"):
        import_file(path, identifier="sky24_02")
    with pytest.raises(Refused, match="sky24_01 is taken"):
        import_file(path, identifier="sky24_01", again=True)
    with pytest.raises(Refused, match=r"sky24_01 serves sky24_01\.main"):
        import_file(path, identifier="sky24_03", again=True, table="sky24_01.main")
    again = import_file(path, identifier="sky24_04", again=True, table="none")
    assert again.service == {}
    assert sorted(Record.objects.values_list("identifier", flat=True)) == ["sky24_01", "sky24_04"]


def test_a_table_without_positions_is_served_when_asked_for(
    web: Client, database: None, tmp_path: Path
) -> None:
    path = tmp_path / "numbers.ecsv"
    write(dataset(energy=[1.0, 2.0]), path)
    assert import_file(path, identifier="num24_01").service == {}
    cone = "/vo/scs/num24_02/energies?RA=1&DEC=3&SR=0.5"
    import_file(path, identifier="num24_02", again=True, table="num24_02.energies")
    assert web.get(f"{QUERY}num24_02.energies").getvalue().split() == [b"energy", b"1.0", b"2.0"]
    assert b"no table num24_02.energies with positions" in web.get(cone).getvalue()


def test_an_import_that_cannot_be_served_leaves_nothing(database: None, tmp_path: Path) -> None:
    path = tmp_path / "cubes.ecsv"
    write(dataset(cube=np.zeros((2, 2), "U1")), path)
    with pytest.raises(Refused, match="no column of numbers or text"):
        import_file(path, identifier="cube24_01", table="cube24_01.main")
    assert not Record.objects.exists()


def test_a_table_of_all_types_is_served_as_it_is() -> None:
    mask = [False, True, False]
    table = Table(
        {
            "n": MaskedColumn([2**62 + 1, 2, -3], mask=mask),
            "small": MaskedColumn(np.array([255, 1, 0], "u1"), mask=mask),
            "huge": MaskedColumn(np.array([2**64 - 1, 1, 0], "u8"), mask=mask),
            "counts": np.array([5, 6, 7], "u8"),
            "flag": MaskedColumn([True, True, False], mask=mask),
            "tag": MaskedColumn(["", "b", "c"], mask=mask),
            "v": MaskedColumn(
                np.arange(6).reshape(3, 2), mask=[[False, True], [True] * 2, [False] * 2]
            ),
            "m": np.arange(18.0).reshape(3, 2, 3),
            "when": Time(["2026-01-02T03:04:05.25", "2026-01-02", "2000-01-01"], scale="tt"),
            "seen": np.array(["2026-01-02", "NaT", "1999-12-31"], "datetime64[D]"),
            "cost": [1.0, 2.0, 3.0],
        }
    )
    table["cost"].unit = Unit("furlong", parse_strict="silent")
    schema, rows = described(DataSet({"events": table}, Annotation()), "x_01.main", "Title")
    found = {c.name: c for c in schema.tables[0].columns}
    kinds = {name: (c.datatype, c.arraysize) for name, c in found.items()}
    assert kinds == {
        "n": ("long", None),
        "small": ("short", None),
        "huge": ("char", "*"),
        "counts": ("long", None),
        "flag": ("boolean", None),
        "tag": ("char", "*"),
        "v": ("long", "2"),
        "m": ("double", "3x2"),
        "when_": ("char", "*"),
        "seen": ("char", "*"),
        "cost": ("double", None),
    }
    assert found["cost"].unit == "furlong"
    assert (found["when_"].xtype, found["when_"].description) == ("timestamp", "(time scale TT)")
    first, second, third = rows
    assert first[:6] == (2**62 + 1, 255, str(2**64 - 1), 5, True, "")
    assert second[:6] == (None, None, None, 6, None, None)
    assert [np.ma.asarray(row).tolist() for row in (first[6], third[6])] == [[0, None], [4, 5]]
    assert second[6] is None
    assert third[7].tolist() == [[12, 13, 14], [15, 16, 17]]
    assert (first[8], first[9], second[9]) == (
        "2026-01-02T03:04:05.25",
        "2026-01-02T00:00:00",
        None,
    )


@pytest.mark.parametrize(
    ("dec", "unit", "words"),
    [
        ([1.0, 120.0], "deg", "row 2 has the declination 120, which is not within -90 to 90"),
        ([1.0, np.inf], "deg", "declination inf"),
        ([1.0, 2.0], "m", "positions are in m, which is not a unit of angle"),
        ([0.5, 2.0], "rad", "declination 114.592"),
    ],
)
def test_positions_that_are_none_are_refused(dec: list[float], unit: str, words: str) -> None:
    table = Table({"ra": [1.0, 2.0], "dec": dec}, units={"dec": unit})
    with pytest.raises(NoTable, match=words):
        described(DataSet({"events": table}, Annotation()), "x_01.main", "x")


def test_positions_of_any_unit_are_in_degrees_whoever_says_the_unit() -> None:
    about = Annotation.parse({"paraminfo": {"dec": {"unit": "rad"}}})
    table = Table({"ra": [1.0, -2.0], "dec": [0.5, -0.5]}, units={"ra": "hourangle"})
    schema, rows = described(DataSet({"events": table}, about), "x_01.main", "x")
    expected = SkyCoord([1, -2] * hourangle, [0.5, -0.5] * rad)
    assert list(rows) == [
        (pytest.approx(ra), pytest.approx(dec))
        for ra, dec in zip(expected.ra.deg, expected.dec.deg, strict=True)
    ]
    assert {c.unit for c in schema.tables[0].columns} == {"deg"}


def test_positions_of_another_frame_are_served_but_not_for_cones() -> None:
    sky = SkyCoord([1.0] * deg, [2.0] * deg, frame="fk4")
    table = DataSet({"events": Table({"pos": sky})}, Annotation())
    schema, _ = described(table, "x_01.main", "x")
    assert schema.tables[0].position is None
    assert [item.problem for item in service_findings(table)] == ["is in the frame fk4"]
    table = DataSet({"events": Table({"pos": sky.transform_to("fk5")})}, Annotation())
    assert described(table, "x_01.main", "x")[0].tables[0].position == ("pos_ra", "pos_dec")
    table = DataSet({"events": Table({"pos": sky.transform_to(FK5(equinox="J2015.5"))})})
    assert [item.problem for item in service_findings(table)] == ["is in the frame fk5 j2015.5"]
    table = DataSet({"events": Table({"pos": sky.icrs})}, Annotation())
    assert described(table, "x_01.main", "x")[0].tables[0].position == ("pos_ra", "pos_dec")


BAD_ECSV = ECSV.replace(b"-70.0", b"-170.0")


def test_impossible_coordinates_are_reported_at_upload(curator: User) -> None:
    new = publishing.NewRecord(identifier="bad24_01")
    version = publishing.create(new, Draft(**draft(service=SERVICE)), curator)
    publishing.add_file(version, "counts.ecsv", [BAD_ECSV], curator, describe=describing.describe)
    said = [str(item) for item in publishing.findings(version) if item.level == "error"]
    assert any("row 2 has the declination -170" in text for text in said), said
    with pytest.raises(Refused, match="declination -170"):
        publishing.submit(version, curator)
    with pytest.raises(Refused, match="declination -170"):
        publishing.submit(version, curator, accept_findings="known")


def test_an_older_version_published_later_is_not_served(
    web: Client, curator: User, reviewer: User
) -> None:
    first = published(curator, reviewer, service=SERVICE)
    second = _second(first, curator, service=SERVICE)
    publishing.approve(publishing.submit(second, curator), reviewer, serve=serve)
    mended = Draft(**draft(label="1.1", service=SERVICE))
    third = publishing.new_version(first.record, mended, curator)
    publishing.add_file(third, "counts.ecsv", [ECSV], curator, describe=describing.describe)
    publishing.approve(publishing.submit(third, curator), reviewer, serve=serve)
    count = f"{QUERY.replace('*', 'COUNT(*)')}cnt24_01.main"
    assert web.get(count).getvalue().split()[1] == b"1"
    assert Record.objects.get().current == second
    publishing.withdraw(second, reviewer, "A row too few.", serve=serve)
    assert web.get(count).getvalue().split()[1] == b"3"
    assert Record.objects.get().current == third
