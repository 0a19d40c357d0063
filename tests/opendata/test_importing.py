"""Importing the public ANTARES data into a portal that people use already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from astropy.table import Table
from click.testing import CliRunner

from opendata.cli import main
from opendata.importers import demonstration
from opendata.importers.files import import_file
from opendata.records.models import Record
from openkm3.formats import DataSet, write
from openkm3.metadata import Annotation
from openkm3.store import KM3Store

from .prepared import MIGRATE, SEED, prepared
from .records import ECSV
from .running import Server, run, serve


@pytest.fixture(scope="module")
def replaced(antares: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A portal with the demonstration, whose ANTARES part was then replaced by the real data."""
    variables = prepared(tmp_path_factory.mktemp("replaced"), MIGRATE, SEED)
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
    assert said == "Nothing to do: all records are published already.\n"


def test_the_demonstration_fills_up_around_real_data(antares: Path, tmp_path: Path) -> None:
    variables = prepared(tmp_path, MIGRATE)
    assert run(variables, "import", "antares", str(antares)) == "6 records published.\n"
    assert "16 records published." in run(variables, "seed")


def test_other_records_keep_the_demonstration_out(database: None) -> None:
    Record.objects.create(identifier="mine26_01")
    assert demonstration.seed(print) == 0
    assert Record.objects.count() == 1


@pytest.mark.parametrize(
    ("title", "identifier", "words"),
    [
        ("a", "num24_01", "title: String should have at least 3 characters"),
        ("abc", "", "identifier"),
        ("a\x0bbcd", "num24_01", "control character U+000B"),
    ],
)
def test_invalid_titles_and_identifiers_are_refused_in_one_line(
    database: None, tmp_path: Path, title: str, identifier: str, words: str
) -> None:
    path = tmp_path / "counts.ecsv"
    path.write_bytes(ECSV)
    options = ["--identifier", identifier, "--title", title, "--table", "none"]
    done = CliRunner().invoke(main, ["import", "file", str(path), *options])
    assert done.exit_code == 1
    assert words in done.output
    assert not Record.objects.exists()


def test_a_votable_is_an_event_list_only_if_it_says_so(database: None, tmp_path: Path) -> None:
    path = tmp_path / "sources.vot"
    sources = Table({"ra": [1.0], "dec": [2.0], "name": ["Vela X"]})
    write(DataSet({"sources": sources}, Annotation()), path)
    reason = "a test"
    version = import_file(path, identifier="src24_01", table="none", accept_findings=reason)
    assert version.ktype == "km3.data.l4"
