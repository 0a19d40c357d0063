"""Draining a machine: its users are notified and only their servers stop."""

from __future__ import annotations

from pathlib import Path

import pytest

from km3hub.spawning.drain import DrainError, RunningServers, drain
from km3hub.spawning.hosts import HostsFile
from tests.hub.running import Client, RunningHub


@pytest.fixture
def servers(hub: RunningHub) -> RunningServers:
    return RunningServers(
        hub=f"http://127.0.0.1:{hub.port + 1}", proxy=hub.url, token=hub.state.secret("platform")
    )


def server_of(hub: RunningHub, user: str, password: str) -> Client:
    """Log in and start a server; returns when it runs."""
    client = hub.client()
    client.login(user, password)
    answer = client.api("POST", f"/users/{user}/server")
    assert answer.status_code in (201, 202), answer.text
    progress = client.api("GET", f"/users/{user}/server/progress")
    assert '"ready": true' in progress.text
    return client


def test_only_the_servers_of_that_machine_stop_after_a_notice(
    hub: RunningHub, servers: RunningServers, password: str, tmp_path: Path
) -> None:
    ada, root = server_of(hub, "ada", password), server_of(hub, "root", password)
    file = HostsFile(tmp_path / "hosts.json")
    file.place({"ada": "w1", "root": "w2", "eve": "w1"})
    said: list[str] = []
    waits: list[float] = []
    seen: list[set[str]] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        seen.append(servers.users())

    drain("w1", file, servers, minutes=2, why="for updates", report=said.append, sleep=wait)
    assert waits[0] == 120
    assert seen[0] == {"ada", "root"}
    assert servers.users() == {"root"}
    assert "1 servers are running on w1; 1 users were notified" in said
    notes = (hub.folder / "homes" / "ada" / "notes.txt").read_text()
    assert "This server stops in 2 minutes for updates" in notes
    assert not (hub.folder / "homes" / "root" / "notes.txt").exists()
    assert file.closed == {"w1"}
    assert file.homes["ada"] == "w1"
    drain("w1", file, servers, minutes=0, why="", report=said.append, sleep=wait)
    assert said[-1] == "no server runs on w1"
    ada.close()
    root.close()


def test_a_notice_gives_the_server_no_token_of_the_platform(
    hub: RunningHub, servers: RunningServers, password: str, tmp_path: Path
) -> None:
    ada = server_of(hub, "ada", password)
    assert servers.notify("ada", "This server stops now.", "Save your work.")
    stolen = (hub.folder / "homes" / "ada" / "tokens.txt").read_text().split()[-1]
    assert stolen != hub.state.secret("platform")
    headers = {"Authorization": f"token {stolen}"}
    with hub.client() as thief:
        for path in ("/users", "/users/root", "/groups", "/proxy"):
            assert thief.get(f"/hub/api{path}", headers=headers).status_code in {403, 404}, path
        for path in ("/users/root", "/users/root/server", "/users/ada"):
            answer = thief.delete(f"/hub/api{path}", headers=headers)
            assert answer.status_code in {403, 404}, path
        # It ends within a minute; it opens the thief's own server only.
        token = thief.get("/hub/api/user", headers=headers).json()
        assert set(token["scopes"]) <= {
            "access:servers!server=ada/",
            "read:users:name!user=ada",
            "read:users:groups!user=ada",
        }
    servers.stop("ada")
    ada.close()


def test_drain_fails_if_the_hub_is_not_responding(tmp_path: Path) -> None:
    servers = RunningServers(hub="http://127.0.0.1:9", proxy="http://127.0.0.1:9", token="x")
    with pytest.raises(DrainError, match=r"127\.0\.0\.1:9"):
        servers.users()
