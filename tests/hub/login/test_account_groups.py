"""Groups of accounts open environments and sizes, at once and without a new login."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hub.conftest import StartHub
from tests.hub.running import Client, RunningHub

SETTINGS = """
environments:
  - {name: stack, title: For everybody, image: km3net/stack}
  - {name: joint, title: For experts, image: km3net/joint, groups: [experts]}
sizes:
  - {name: small, memory: 1G, cpu: 1}
  - {name: huge, title: Huge, memory: 64G, cpu: 8, groups: [experts, admins]}
"""
CONFIG = """
from km3hub.configure.spawning import configure_spawning
small = c.Spawner.cmd
configure_spawning(c, platform, runtime)

class SmallServers(c.JupyterHub.spawner_class):
    async def start(self):
        self.cmd = small
        return await super().start()

    def _environment(self, name):
        import pathlib
        return pathlib.Path(sys.prefix)

    def _is_installed(self, name):
        return True

c.JupyterHub.spawner_class = SmallServers
"""


@pytest.fixture(scope="module")
def hub(start_hub: StartHub) -> RunningHub:
    return start_hub(settings=SETTINGS, config=CONFIG)


@pytest.fixture
def ada(hub: RunningHub, password: str) -> Iterator[Client]:
    with hub.client() as client:
        assert client.login("ada", password).status_code == 302
        client.get("/hub/home")
        yield client


def groups(client: Client) -> list[str]:
    found: list[str] = client.api("GET", "/user").json()["groups"]
    return found


def test_without_a_group_the_menu_shows_the_public_environments(ada: Client) -> None:
    form = ada.get("/hub/spawn").text
    assert "For everybody" in form
    assert "For experts" not in form
    refused = ada.api("POST", "/users/ada/server", json={"environment": "joint"})
    assert refused.status_code == 400
    assert "You have no access to the environment 'joint'" in refused.json()["message"]


def test_a_group_counts_at_once_and_opens_environment_and_size(
    hub: RunningHub, ada: Client
) -> None:
    hub.accounts.change("ada", groups=("experts",))
    form = ada.get("/hub/spawn").text
    assert "For experts" in form
    assert "Huge" in form
    assert groups(ada) == ["experts"]
    started = ada.api(
        "POST", "/users/ada/server", json={"environment": "joint", "size": "huge"}, timeout=60
    )
    assert started.status_code in (201, 202), started.text


def test_a_group_that_is_taken_away_closes_them_at_once(hub: RunningHub, ada: Client) -> None:
    ada.api("DELETE", "/users/ada/server")
    hub.accounts.change("ada", groups=())
    assert "For experts" not in ada.get("/hub/spawn").text
    assert groups(ada) == []


def test_groups_come_with_the_login(hub: RunningHub, password: str) -> None:
    hub.accounts.add("bob", password, groups=("experts", "students"))
    with hub.client() as client:
        client.login("bob", password)
        client.get("/hub/home")
        assert sorted(groups(client)) == ["experts", "students"]
