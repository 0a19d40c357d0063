"""What published KM3NeT notebooks do, and what they show, against a portal with demonstration data.

The calls are those of the notebooks of the ESCAPE school 2021 (second generation) and of KM3NeT's
presentations (first generation); the numbers of real data are in `test_golden_numbers.py`.
"""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from openkm3.openio import KM3Store as KM3StoreA
from openkm3.store import KM3Store

from .running import Server

pyvo = pytest.importorskip("pyvo", reason="needs pyvo: run it in the environment of development")

CONE_COLUMNS = ["_r", "MJD", "Beta", "Nhit", "RA", "Decl", "ID"]
EVENT_COLUMNS = [
    *("angular_error", "azimuth", "dirz", "energy", "internalID", "mjd"),
    *("nhit", "quality", "group_id"),
]
#: Times of the published stream elements.
ELEMENTS = (1601366233, 1599150167, 1601455406, 1599152165, 1601364561, 1600355223)


@pytest.fixture
def configured(seeded_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENKM3_SERVER", seeded_server.url)
    monkeypatch.setenv("OPENKM3_CACHE", str(tmp_path))


@pytest.fixture
def store(configured: None) -> KM3Store:
    return KM3Store()


def identifiers(shown: str) -> list[str]:
    """The first column of a table in Markdown, without its head."""
    rows = [line.split(" | ")[0].removeprefix("| ") for line in shown.splitlines() if "|" in line]
    return rows[2:]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        (None, ["ana20_01", "evts20_01", "acoustic20_01"]),
        ("ana20_01", [f"ana20_01_{part}" for part in ("vo", "pub", "aeff0", "bkg", "acc")]),
        ("evts20_01", ["evts20_01_file1"]),
        ("acoustic20_01", [f"acoustic20_01_{form}" for form in ("wav", "mp3", "raw", "psd")]),
        (
            "acoustic20_01_psd",
            [f"acoustic20_01_psd_DOM_808974724_CH1_{time}" for time in ELEMENTS],
        ),
    ],
)
def test_lists_show_the_published_entries_in_their_order(
    name: str | None,
    parts: list[str],
    store: KM3Store,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store.update_catalog()
    store.list(name)
    assert identifiers(capsys.readouterr().out) == parts


def test_the_log_says_what_it_said_in_2021(
    configured: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        KM3Store()
        store = KM3Store()
        store.update_catalog()
        store.get("ana20_01_bkg")
        store.get("ana20_01_bkg")
    said = [record.message for record in caplog.records if record.name == "root"]
    assert said[1:] == [
        "Loaded catalog from cache.",
        "Updated catalog!",
        "Loaded entry ana20_01_bkg as <class 'openkm3.dataclasses.Function'>.",
        "Loading data from cache.",
        "Loaded entry ana20_01_bkg as <class 'openkm3.dataclasses.Function'>.",
    ]


def test_the_service_describes_its_table_and_columns(
    store: KM3Store, capsys: pytest.CaptureFixture[str]
) -> None:
    store.get("ana20_01_vo").show_paraminfo()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Table: ant20_01.main"
    assert lines[1].startswith("Neutrino candidates")
    assert lines[3].split() == [
        *("name", "description", "unit", "ucd", "utype", "arraysize", "datatype")
    ]
    assert [line.split()[0] for line in lines[5:]] == CONE_COLUMNS


def test_events_of_orca_have_the_published_columns(store: KM3Store) -> None:
    events = store.get("evts20_01_file1")
    assert list(events.get_dataframe().columns) == EVENT_COLUMNS
    assert set(events.get_paraminfo()) >= set(EVENT_COLUMNS) - {"internalID", "group_id"}
    assert set(events.conditions) == {"instrument", "selection"}


def test_every_resource_can_be_loaded(store: KM3Store) -> None:
    for entry in store.catalogue.resources():
        found = store.get(entry.identifier)
        if entry.ktype != "km3.resource.paper":
            assert found is not None
            assert len(found.data) > 0, entry.identifier


def test_the_index_of_the_first_generation_names_what_the_slides_name(
    configured: None, capsys: pytest.CaptureFixture[str]
) -> None:
    store = KM3StoreA()
    store.print_index(include_technical=True)
    shown = capsys.readouterr().out
    for name, tables in [
        ("annotated_aeff0", "['aeff']"),
        ("one_week_orca", "['events', 'group_info', 'header']"),
    ]:
        assert f"{name}\n=====\ntables: {tables}\nheader:\n" in shown
    assert "type: application/x-hdf5" in shown
    events = store.get("one_week_orca", ["events"], "pandas").data
    assert list(events.columns) == EVENT_COLUMNS


def test_addresses_of_km3nets_own_server_work_with_the_host_changed(seeded_server: Server) -> None:
    tap = pyvo.dal.TAPService(f"{seeded_server.url}/__system__/tap/run/tap")
    found = tap.search("SELECT * FROM ant20_01.main WHERE nhit > 150")
    assert found["nhit", 0] > 150
    again = tap.run_async("SELECT COUNT(*) AS n FROM ant20_01.main")
    assert again["n"][0] == 4000
    assert [table.name for table in tap.tables if table.name.startswith("ant20")] == [
        "ant20_01.main"
    ]
    cone = pyvo.dal.SCSService(f"{seeded_server.url}/ant20_01/nu/cone/scs.xml?")
    assert len(cone.search(pos=(170, 25), radius=30)) > 0
