"""A hub with a workshop: a teacher, two participants, and people who must not get in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import httpx
import psutil
import pytest

from tests.hub.conftest import StartHub
from tests.hub.running import Client, RunningHub
from tests.waiting import wait_until

CONFIG = """
from km3hub.configure.teaching import configure_teaching

configure_teaching(c, platform, runtime)
"""
#: Who is in which group. The last one's group has the name of the teachers' group of `school`.
GROUPS = {
    "tess": ["workshop-school-teachers"],
    "pia": ["workshop-school"],
    "paul": ["workshop-school"],
    "thor": ["workshop-other-teachers"],
    "olga": ["workshop-other"],
    "solo": [],
}


@pytest.fixture(scope="module")
def hub(start_hub: StartHub, password: str) -> RunningHub:
    """A hub with the workshops `school` and `other`."""
    hub = start_hub(config=CONFIG)
    for name, groups in GROUPS.items():
        hub.accounts.add(name, password, groups=tuple(groups))
    return hub


LogIn = Callable[[str], Client]


@pytest.fixture(scope="module")
def log_in(hub: RunningHub, password: str) -> Iterator[LogIn]:
    """A function that returns the browser of a user, logged in."""
    browsers: dict[str, Client] = {}

    def log_in(name: str) -> Client:
        if name not in browsers:
            browsers[name] = hub.client()
            assert browsers[name].login(name, password).status_code == 302
            browsers[name].get("/hub/home")
        return browsers[name]

    yield log_in
    for browser in browsers.values():
        browser.close()


def post(browser: Client, address: str, /, **fields: str) -> httpx.Response:
    """Send a form of a page."""
    return browser.post(f"/hub/workshops/{address}", data={**fields, "_xsrf": browser.xsrf()})


def page(browser: Client, name: str = "school") -> str:
    """The page of a workshop."""
    answer = browser.get(f"/hub/workshops/{name}")
    assert answer.status_code == 200
    return answer.text


def start_server(browser: Client, name: str) -> None:
    """Start the server of a user and wait until it is ready."""
    browser.api("POST", f"/users/{name}/server")
    wait_until(
        lambda: browser.api("GET", f"/users/{name}").json()["servers"].get("", {}).get("ready"),
        seconds=60,
        what=f"the server of {name} is ready",
    )


@pytest.fixture(scope="module")
def server_of(hub: RunningHub, log_in: LogIn) -> Callable[[str], httpx.Client]:
    """A function that returns a client with the token of a user's running server."""

    def server_of(name: str) -> httpx.Client:
        start_server(log_in(name), name)
        return httpx.Client(
            base_url=f"{hub.url}/hub/api",
            headers={"Authorization": f"token {token_of_server(hub, name)}"},
            timeout=90,
        )

    return server_of


def token_of_server(hub: RunningHub, name: str) -> str:
    """The API token in the environment of a user's server."""
    assert hub.process
    for process in psutil.Process(hub.process.pid).children(recursive=True):
        environment = process.environ()
        if environment.get("JUPYTERHUB_USER") == name:
            return environment["JUPYTERHUB_API_TOKEN"]
    raise AssertionError(f"no server of {name} is running")


def alert(text: str) -> str:
    """The sentence of an error page, without markup."""
    found = re.search(r"<main.*?</main>", text, re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0])) if found else text
