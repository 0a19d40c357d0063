"""`km3hub workshop rehearse` and `start` on a real hub with real servers and kernels."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from lxml import etree

from km3hub.rehearsal.names import is_rehearsal, new_names
from km3hub.workshops.creating import Workshops
from km3settings.state import State
from tests.hub.running import RunningHub
from tests.hub.workshops.running import workshop

KM3HUB = Path(sys.executable).with_name("km3hub")


def run(hub: RunningHub, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `km3hub workshop ARGUMENTS` against the hub as its administrator does."""
    token = hub.folder / "token"
    token.write_text(hub.state.secret("platform"))
    command = [KM3HUB, "workshop", "--state", hub.state.root, *arguments]
    remote = ["--url", hub.url, "--token-file", token] if arguments[0] == "rehearse" else []
    return subprocess.run(
        [str(word) for word in (*command, *remote)], capture_output=True, text=True, timeout=500
    )


def users(hub: RunningHub) -> dict[str, object]:
    headers = {"Authorization": f"token {hub.state.secret('platform')}"}
    answer = httpx.get(f"{hub.url}/hub/api/users", headers=headers, timeout=60)
    return {user["name"]: user["server"] for user in answer.json()}


@pytest.fixture(scope="module")
def rehearsed(whole_hub: RunningHub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what a rehearsal of three found."""
    folder = tmp_path_factory.mktemp("rehearsal")
    done = run(
        whole_hub, "rehearse", "--users", "3", "--within", "2", "--hold", "5", "--abandon", "0.34",
        "--environment", "stack", "--ready-within", "600", "--output", str(folder),
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    (folder / "output.txt").write_text(done.stdout)
    (folder / "errors.txt").write_text(done.stderr)
    return folder


def test_everybody_logs_in_and_runs_cells_of_a_tutorial(rehearsed: Path) -> None:
    found = json.loads((rehearsed / "rehearsal.json").read_text())
    assert [one["reason"] for one in found["participants"]] == [None] * 3
    for one in found["participants"]:
        assert set(one["seconds"]) == {"login", "server", "kernel", "first cell", "cells"}
    assert [one["abandoned"] for one in found["participants"]] == [False, False, True]
    server = found["phases"]["server"]
    assert 0 < server["p50"] <= server["p95"] <= server["p99"]


def test_the_figure_is_an_image_and_the_table_names_each_phase(rehearsed: Path) -> None:
    figure = etree.parse(rehearsed / "rehearsal.svg").getroot()
    assert figure.tag == "{http://www.w3.org/2000/svg}svg"
    text = (rehearsed / "output.txt").read_text()
    for phase in ("login", "server", "kernel", "first cell", "cells", "ready to work"):
        assert f"\n{phase} " in f"\n{text}"
    assert "GO" in text


def test_nothing_is_left_and_real_users_are_untouched(
    whole_hub: RunningHub, rehearsed: Path
) -> None:
    assert not [name for name in users(whole_hub) if is_rehearsal(name)]
    assert whole_hub.accounts.names() == ["ada", "root"]
    assert not list(whole_hub.state.homes.glob("rehearsal-*"))


def test_what_a_killed_rehearsal_left_is_removed(whole_hub: RunningHub, password: str) -> None:
    names = new_names(2)
    for name in names:
        whole_hub.accounts.add(name, password)
    # A real account whose name only looks similar.
    whole_hub.accounts.add("rehearsal-band", password)
    with whole_hub.client() as client:
        assert client.login(names[0], password).status_code == 302
    home = whole_hub.state.homes / names[0]
    home.mkdir(parents=True, exist_ok=True)
    (home / "notes.txt").write_text("x")
    done = run(whole_hub, "rehearse", "--clean")
    assert done.returncode == 0, done.stderr
    assert "Removed 2 accounts" in done.stdout
    assert not home.exists()
    assert "rehearsal-band" in whole_hub.accounts.names()
    whole_hub.accounts.remove("rehearsal-band")


def test_a_start_that_fails_is_no_go_with_the_hubs_reason(whole_hub: RunningHub) -> None:
    done = run(
        whole_hub, "rehearse", "--users", "2", "--within", "0", "--hold", "0",
        "--environment", "broken",
    )  # fmt: skip
    assert done.returncode == 1
    assert "NO GO" in done.stdout
    assert "2 of 2 failed (server)" in done.stdout
    assert "is not installed yet" in done.stdout


def test_a_user_who_is_no_administrator_cannot_rehearse(
    whole_hub: RunningHub, password: str
) -> None:
    with whole_hub.client() as client:
        client.login("ada", password)
        token = client.api("POST", "/users/ada/tokens", json={}).json()["token"]
    headers = {"Authorization": f"token {token}"}
    for method in ("GET", "POST", "DELETE"):
        answer = httpx.request(
            method, f"{whole_hub.url}/hub/api/rehearsal", headers=headers, timeout=60
        )
        assert answer.status_code == 403
        assert httpx.request(method, f"{whole_hub.url}/hub/api/rehearsal").status_code == 403
    assert whole_hub.accounts.names() == ["ada", "root"]


@pytest.mark.parametrize(
    "body", [{}, {"users": 0}, {"users": 501}, {"users": True}, {"users": "3"}, [], None,
             {"users": 1, "group": 7}, {"users": 1, "group": "a,,b"}],
)  # fmt: skip
def test_nonsense_is_refused_by_the_hub(whole_hub: RunningHub, body: object) -> None:
    headers = {"Authorization": f"token {whole_hub.state.secret('platform')}"}
    answer = httpx.post(f"{whole_hub.url}/hub/api/rehearsal", headers=headers, json=body)
    assert answer.status_code == 400, answer.text
    assert whole_hub.accounts.names() == ["ada", "root"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["rehearse"], "--users"),
        (["rehearse", "--users", "0"], "0 is not in the range"),
        (["rehearse", "--users", "501"], "501 is not in the range"),
        (["rehearse", "--users", "x"], "not a valid integer"),
        (["rehearse", "--users", "3", "--abandon", "2"], "2.0 is not in the range"),
        (["rehearse", "no-such-school", "--users", "3"], "no workshop no-such-school"),
        (["rehearse", "../x", "--users", "3"], "not a valid workshop name"),
        (["rehearse", "--users", "3", "--url", "ftp://x", "--token-file", "-"], "https://hub."),
        (["rehearse", "--users", "3", "--url", "https://x"], "go together"),
        (["rehearse", "--users", "3", "--url", "http://127.0.0.1:9", "--token-file", "-"], "API"),
        (["start", "no-such-school"], "no workshop no-such-school"),
        (["start", "school", "--wave", "0"], "0 is not in the range"),
    ],
)
def test_nonsense_is_refused_by_the_command(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    result = workshop(tmp_path, *arguments)
    assert result.exit_code in (1, 2)
    assert sentence in result.output


def test_a_hub_that_does_not_answer_is_named(tmp_path: Path) -> None:
    result = workshop(
        tmp_path, "rehearse", "--users", "1", "--url", "http://127.0.0.1:9", "--token-file", "-",
        stdin="a-token\n",
    )  # fmt: skip
    assert result.exit_code == 1
    assert "http://127.0.0.1:9 does not answer" in result.output


# -- waves ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def school(whole_hub: RunningHub) -> RunningHub:
    """The hub with a workshop of three participants."""
    created = workshop(
        whole_hub.state.root, "create", "school", "--participants", "3", "--until", "2099-01-01",
        "--environment", "stack", "--size", "small",
    )  # fmt: skip
    assert created.exit_code == 0, created.output
    (whole_hub.state.run / "port").write_text(str(whole_hub.port))
    return whole_hub


def test_servers_start_in_waves_before_anybody_has_logged_in(school: RunningHub) -> None:
    done = run(school, "start", "school", "--wave", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "wave 1 of 2: 2 of 2 servers are running" in done.stdout
    assert "wave 2 of 2: 1 of 1 servers are running" in done.stdout
    running = {name for name, server in users(school).items() if server}
    assert {"school-01", "school-02", "school-03"} <= running
    again = run(school, "start", "school", "--wave", "2")
    assert again.returncode == 0, again.stdout + again.stderr


def test_failures_are_tried_again_and_reported(school: RunningHub) -> None:
    state = State(school.state.root)
    with Workshops(state).store.transaction() as change:
        found = change.get("school")
        assert found
        change.put(type(found)(**{**vars(found), "environment": "broken"}))
    headers = {"Authorization": f"token {school.state.secret('platform')}"}
    httpx.delete(f"{school.url}/hub/api/users/school-01/server", headers=headers, timeout=60)
    done = run(school, "start", "school")
    assert done.returncode == 1
    assert "school-01 failed and will be tried again" in done.stdout
    assert "  school-01: the hub starts no server: " in done.stdout
    assert "is not installed yet" in done.stdout
    assert "1 of 3 servers did not start" in done.stderr
