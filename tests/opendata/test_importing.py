"""Importing the public ANTARES data into a portal that people use already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opendata.importers import demonstration
from opendata.records.models import Record
from openkm3.store import KM3Store

from .running import Server, environment, run, serve


@pytest.fixture(scope="module")
def replaced(antares: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A portal with the demonstration, whose ANTARES part was then replaced by the real data."""
    variables = environment(tmp_path_factory.mktemp("replaced"))
    run(variables, "migrate")
    run(variables, "seed")
    assert "4 records" in run(variables, "import", "antares", str(antares))
    with serve(variables) as server:
        yield server


def test_real_data_take_the_place_of_the_demonstration(
    replaced: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENKM3_CACHE", str(tmp_path))
    store = KM3Store(replaced.url)
    titles = {e.identifier: e.title for e in store.catalogue.entries}
    assert titles["ana20_01_vo"] == "ANTARES 2007-2017 neutrino events"
    assert titles["evts20_01_file1"].startswith("SIMULATED")
    assert store.get("ana20_01_bkg").evaluate(20) == pytest.approx(7893.0656496, abs=1e-7)
    assert len(store.get("ana20_01_vo").get_dataframe()) == 8754
    query = "SELECT COUNT(*) AS n FROM ant20_01.main"
    assert store.get("ana20_01_vo").get_tap().search(query)["n"][0] == 8754


def test_the_demonstration_stays_as_a_version_of_its_own(replaced: Server) -> None:
    record = replaced.get("/api/v1/records/ana20_01_bkg/").json()
    assert [row["label"] for row in record["versions"]] == ["2.0", "1.0"]
    old = replaced.get("/storage/ana20_01_bkg/1.0/background.json")
    assert old.status_code == 200
    assert "SIMULATED" in old.text


def test_a_second_import_changes_nothing(replaced: Server, antares: Path) -> None:
    said = run(replaced.variables, "import", "antares", str(antares))
    assert said == "All of it is published: nothing done.\n"


def test_the_demonstration_fills_up_around_real_data(antares: Path, tmp_path: Path) -> None:
    variables = environment(tmp_path)
    run(variables, "migrate")
    assert run(variables, "import", "antares", str(antares)) == "6 records published.\n"
    assert "16 records published." in run(variables, "seed")


def test_other_records_keep_the_demonstration_out(database: None) -> None:
    Record.objects.create(identifier="mine26_01")
    assert demonstration.seed(print) == 0
    assert Record.objects.count() == 1
