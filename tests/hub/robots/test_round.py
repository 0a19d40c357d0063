"""A round of the robots on a real hub: real login, servers, kernels and tutorials."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from km3hub.cli import main
from km3hub.robots.account import ROBOT
from tests.hub.running import ROOT, RunningHub

KM3HUB = Path(sys.executable).with_name("km3hub")
#: The tutorials that need neither network nor the environment `joint`.
WORKING = "01-reading-km3net-events.ipynb"
WRONG = "02-from-detector-to-sky.ipynb"


def robots(hub: RunningHub, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [KM3HUB, "robots", "--state", hub.state.root, *arguments]
    environment = {
        "PATH": "/usr/bin:/bin",
        "KM3_PLATFORM_FILE": str(hub.settings_file),
        "LC_ALL": "C.UTF-8",
    }
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=580,
        env=environment,
    )  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def tutorials(monkeypatch_module: pytest.MonkeyPatch, whole_hub: RunningHub) -> Path:
    """The folder of the pristine tutorials: one of them with a wrong reference number."""
    home = whole_hub.state.homes / ROBOT / "tutorials"
    home.mkdir(parents=True)
    shutil.copy(ROOT / "notebooks" / WORKING, home)
    index = (ROOT / "notebooks" / "README.md").read_text().splitlines()
    rows = [line for line in index if not line.startswith("| 0") or line[:4] in ("| 01", "| 02")]
    (home / "README.md").write_text("\n".join(rows))
    notebook = json.loads((ROOT / "notebooks" / WRONG).read_text())
    wrong = "assert abs(1.13 - 1.20) < 0.01, 'the declination is 1.13, not 1.20 degrees'"
    code = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    notebook["cells"] = [{**code, "source": wrong}]
    (home / WRONG).write_text(json.dumps(notebook))
    (whole_hub.state.run / "port").write_text(str(whole_hub.port))
    return home


@pytest.fixture(scope="module")
def first(whole_hub: RunningHub, tutorials: Path) -> subprocess.CompletedProcess[str]:
    return robots(whole_hub, "run")


def test_a_wrong_number_is_reported_with_the_sentence_of_the_cell(
    first: subprocess.CompletedProcess[str],
) -> None:
    assert first.returncode == 1, first.stdout + first.stderr
    assert "works   01 Reading KM3NeT events: " in first.stdout
    assert "numbers are right (stack)" in first.stdout
    assert "02 From the detector to the sky: cell 1: the declination is 1.13, not" in first.stdout
    assert "Tutorials: 1 of 2 at " in first.stdout


def test_the_last_round_is_kept_for_status_page_and_programs(
    whole_hub: RunningHub, first: subprocess.CompletedProcess[str]
) -> None:
    done = robots(whole_hub, "status", "--json")
    found = {one["name"]: one for one in json.loads(done.stdout)["results"]}
    assert done.returncode == 1
    assert found["tutorial-01"]["works"] is True
    assert found["tutorial-01"]["numbers"]
    assert found["tutorial-02"]["works"] is False


def test_the_robot_has_no_rights_and_leaves_no_server(
    whole_hub: RunningHub, first: subprocess.CompletedProcess[str]
) -> None:
    account = whole_hub.accounts.get(ROBOT)
    assert account is not None
    assert not account.admin
    assert account.groups == ()
    password = whole_hub.state.secret("robot")
    with whole_hub.client() as client:
        assert client.login(ROBOT, password).status_code == 302
        assert client.api("GET", "/users").status_code == 403
        assert client.api("GET", "/users/ada").status_code in (403, 404)
        assert not client.api("GET", f"/users/{ROBOT}").json()["server"]


def test_a_hub_that_is_down_is_a_failed_login(whole_hub: RunningHub, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main, ["robots", "--state", str(tmp_path), "status"], env={"KM3_STATE": None}
    )
    assert result.exit_code == 1
    assert "have not run yet" in result.output
