"""A user's server restarts itself with the next larger size that its user may choose."""

from __future__ import annotations

import httpx
import pytest
import yaml

from km3hub.restarting.larger import next_larger
from km3settings.settings import parse
from tests.hub.conftest import StartHub
from tests.hub.running import RunningHub
from tests.hub.teaching.conftest import start_server, token_of_server
from tests.waiting import wait_until

SETTINGS = """
sizes:
- {name: huge, title: Huge, memory: 16G, cpu: 8, groups: [experts]}
- {name: small, title: Small, memory: 1G, cpu: 1}
- {name: medium, title: Medium, memory: 4G, cpu: 2}
"""
CONFIG = """
from km3hub.configure.restarting import configure_restarting
from jupyterhub.spawner import SimpleLocalProcessSpawner
from km3hub.spawning.options import apply_user_options

class Choosing(SimpleLocalProcessSpawner):
    platform = platform
    runtime = runtime

c.JupyterHub.spawner_class = Choosing
c.Spawner.apply_user_options = apply_user_options
configure_restarting(c, platform, runtime)
"""


@pytest.fixture(scope="module")
def hub(start_hub: StartHub) -> RunningHub:
    """A hub with three sizes, one of them for experts."""
    return start_hub(settings=SETTINGS, config=CONFIG)


@pytest.mark.parametrize(
    ("groups", "current", "expected"),
    [
        ([], "small", "medium"),
        ([], "medium", None),
        (["experts"], "medium", "huge"),
        (["experts"], "huge", None),
        (["experts"], "small", "medium"),
        ([], "no-such-size", None),
        ([], "", None),
    ],
)
def test_the_next_size_is_the_smallest_larger_one_that_the_user_may_choose(
    groups: list[str], current: str, expected: str | None
) -> None:
    found = next_larger(parse(yaml.safe_load(SETTINGS)), groups, current)
    assert (found.name if found else None) == expected


def test_a_server_restarts_with_the_next_size_and_no_larger_one(
    hub: RunningHub, password: str
) -> None:
    with hub.client() as browser:
        browser.login("ada", password)
        browser.get("/hub/home")
        start_server(browser, "ada")

        def headers() -> dict[str, str]:
            return {"Authorization": f"token {token_of_server(hub, 'ada')}"}

        def server() -> dict[str, object]:
            found: dict[str, object] = (
                browser.api("GET", "/users/ada").json()["servers"].get("", {})
            )
            return found

        url = f"{hub.url}/hub/api/larger-size"
        first = server()["started"]
        assert httpx.get(url, headers=headers()).json() == {"title": "Medium (4 GB)"}
        assert httpx.post(url, json={"size": "huge"}, headers=headers()).status_code == 202
        shown = browser.get("/hub/restarting", params={"next": "/user/ada/lab/tree/a.ipynb"})
        assert shown.status_code == 302 or "is restarting" in shown.text
        wait_until(
            lambda: server().get("ready") and server()["started"] != first,
            seconds=90,
            what="the server has been restarted",
        )
        assert server()["user_options"]["size"] == "medium"
        # That was the largest one for this user.
        assert httpx.get(url, headers=headers()).json() == {"title": None}
        assert httpx.post(url, json={}, headers=headers()).status_code == 409
        done = browser.get("/hub/restarting", params={"next": "/user/ada/lab/tree/a.ipynb"})
        assert done.status_code == 302
        assert "spawn-pending/ada?next=" in done.headers["Location"]


@pytest.mark.parametrize(
    "target", ["//evil.example.org", "https://evil.example.org", "/user/root/"]
)
def test_the_page_leads_to_the_users_own_server_only(
    hub: RunningHub, password: str, target: str
) -> None:
    with hub.client() as browser:
        browser.login("ada", password)
        answer = browser.get("/hub/restarting", params={"next": target})
        assert answer.status_code == 302
        assert answer.headers["Location"].endswith("/hub/spawn-pending/ada")


def test_nobody_else_restarts_a_server(hub: RunningHub, password: str) -> None:
    with hub.client() as browser:
        browser.login("ada", password)
        browser.get("/hub/home")
        url = f"{hub.url}/hub/api/larger-size"
        assert httpx.post(url, json={}).status_code == 403
        # A page that the user visits.
        forged = browser.post("/hub/api/larger-size", json={})
        assert forged.status_code == 403
        assert browser.api("POST", "/larger-size", json={}).status_code == 403
