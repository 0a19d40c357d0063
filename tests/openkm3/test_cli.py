"""The command line does what it says, and reports mistakes in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("click", reason="needs click: run it in the science environment")
pytest.importorskip("astropy", reason="needs astropy: run it in the science environment")
pytest.importorskip("h5py", reason="needs h5py: run it in the science environment")

from click.testing import CliRunner

from openkm3.cli import main
from openkm3.formats import read, write
from tests.openkm3 import published
from tests.openkm3.odc import OpenDataCenter

ALERT = published.SHARED / "alerts" / "alert.example.json"


def run(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return str(result.output)


def test_list(server: OpenDataCenter) -> None:
    assert [line.split()[0] for line in run("list").splitlines()] == [
        "ana20_01",
        "evts20_01",
        "acoustic20_01",
    ]
    assert "ana20_01_acc    resource    ANTARES 2007-2017 detector acceptance" in run(
        "list", "ana20_01"
    )
    assert json.loads(run("list", "evts20_01", "--json"))[0]["identifier"] == "evts20_01_file1"


def test_get(server: OpenDataCenter, tmp_path: Path) -> None:
    cached = Path(run("get", "one_week_orca").strip())
    assert cached.name == "one_week_orca.h5"
    run("get", "one_week_orca", "-o", tmp_path)
    run("get", "one_week_orca", "-o", tmp_path / "other.h5")
    assert (tmp_path / "one_week_orca.h5").read_bytes() == cached.read_bytes()
    assert len([path for path, _ in server.requests if path.startswith("/storage")]) == 1
    assert "get one of its parts" in run("get", "ana20_01", code=2)
    assert "did you mean ana20_01_acc" in run("get", "ana20_01_ac", code=2)
    assert "no folder" in run("get", "one_week_orca", "-o", tmp_path / "a" / "b", code=2)


def test_info(server: OpenDataCenter, tmp_path: Path) -> None:
    assert "title: ANTARES 2007-2017 neutrino events" in run("info", "ana20_01_vo")
    path = tmp_path / "orca.h5"
    write(published.orca_events(), path)
    text = run("info", path)
    assert "energy: float64 GeV" in text
    assert "internalID: text" in text
    content = json.loads(run("info", path, "--json"))
    assert content["tables"]["events"]["rows"] == 5


def test_convert(tmp_path: Path) -> None:
    write(published.orca_events(), tmp_path / "orca.h5")
    run("convert", tmp_path / "orca.h5", tmp_path / "orca.vot")
    assert len(read(tmp_path / "orca.vot").tables["events"]) == 5
    assert "--force replaces it" in run(
        "convert", tmp_path / "orca.h5", tmp_path / "orca.vot", code=2
    )
    run("convert", tmp_path / "orca.h5", tmp_path / "orca.vot", "--force")
    assert "is not that of a format" in run(
        "convert", tmp_path / "orca.h5", tmp_path / "x.doc", code=2
    )
    assert "applies only to FITS" in run(
        "convert", tmp_path / "orca.h5", tmp_path / "x.ecsv", "--vodf", code=2
    )


def test_validate_catches_the_published_header(tmp_path: Path) -> None:
    write(published.orca_events(), tmp_path / "one_week_orca.h5")
    text = run("validate", tmp_path / "one_week_orca.h5", code=1)
    assert "header.measurement_stop: the stop 2019-09-17T06:00:00.202000000 is 16.0 days" in text
    found = json.loads(run("validate", "--json", tmp_path / "one_week_orca.h5", code=1))
    (findings,) = found.values()
    assert {"error", "warning"} <= {finding["level"] for finding in findings}


def test_validate_finds_no_problem_in_good_files(tmp_path: Path) -> None:
    if not published.ANTARES.is_dir():
        pytest.skip(f"needs the public ANTARES data in {published.ANTARES}")
    write(published.antares_events(), tmp_path / "antares.ecsv")
    assert "no problems found" in run("validate", "--strict", tmp_path / "antares.ecsv")


def test_lookups_and_functions_are_known(server: OpenDataCenter, tmp_path: Path) -> None:
    path = server.folder / "storage" / "acc.json"
    assert "Acceptance of the detector to a given flux" in run("info", path)
    run("validate", path, code=1)  # it has no header
    assert "it has no table of rows" in run("convert", path, tmp_path / "x.h5", code=2)
    (tmp_path / "other.json").write_text('{"alert": 1}')
    assert "neither a lookup table nor a function" in run("info", tmp_path / "other.json", code=2)


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    assert "cannot be reached" in run("list", "--server", "http://127.0.0.1:9", code=2)
    assert "is not a web address" in run("list", "--server", "nonsense", code=2)
    assert "no such file" in run("validate", tmp_path / "no.h5", code=2)


@pytest.mark.parametrize("name", ["missing.h5", "data.FITS", "folder/missing", "x.root"])
def test_a_missing_file_is_not_looked_up_in_the_catalogue(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENKM3_SERVER", "http://127.0.0.1:9")
    assert run("info", name, code=2) == f"openkm3: {name}: there is no such file\n"
    assert "cannot be reached" in run("info", "ana20_01.acc", code=2)


def test_voevent(tmp_path: Path) -> None:
    pytest.importorskip("openkm3.alerts", reason="needs lxml: openkm3[alerts]")
    if not ALERT.is_file():
        pytest.skip(f"needs KM3NeT's alert example {ALERT}")
    shutil.copy(ALERT, tmp_path / "alert.json")
    assert "<voe:VOEvent" in run("voevent", tmp_path / "alert.json")
    run("voevent", tmp_path / "alert.json", "-o", tmp_path / "alert.xml")
    assert "<voe:VOEvent" in run("voevent", tmp_path / "alert.xml")
    (tmp_path / "bad.json").write_text("{}")
    run("voevent", tmp_path / "bad.json", code=2)
