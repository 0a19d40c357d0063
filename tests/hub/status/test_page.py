"""The page of a real hub, while a service stops and starts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest

from tests.hub.conftest import StartHub
from tests.hub.running import RunningHub
from tests.ports import free_ports
from tests.waiting import wait_until

#: Looks every quarter of a second: whole minutes would make the tests wait.
QUICK = """
from km3hub.configure.status import configure_status
from km3hub.status import watch

watch.PERIOD = 0.25
configure_status(c, platform, runtime)
"""


class _Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Portal:
    """Something that says that it is healthy, on a port of its own."""

    def __init__(self) -> None:
        self.port = free_ports(1)
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _Health)
        Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@pytest.fixture(scope="module")
def portal() -> Iterator[Portal]:
    portal = Portal()
    portal.start()
    yield portal
    portal.stop()


@pytest.fixture(scope="module")
def hub(start_hub: StartHub, portal: Portal) -> RunningHub:
    settings = (
        "site: {name: Test platform, contact: help@example.org}\n"
        "services:\n  opendata:\n    enabled: false\n"
        f"    public_url: http://127.0.0.1:{portal.port}\n"
    )
    return start_hub(settings=settings, config=QUICK)


@pytest.fixture
def client(hub: RunningHub) -> Iterator[httpx.Client]:
    with hub.client() as client:
        yield client


def states(client: httpx.Client) -> dict[str, bool | None]:
    return {s["name"]: s["works"] for s in client.get("/hub/status.json").json()["services"]}


def test_an_interruption_shows_and_stays_in_the_list(client: httpx.Client, portal: Portal) -> None:
    wait_until(
        lambda: states(client) == {"hub": True, "servers": True, "data": True},
        seconds=60,
        what="all work",
    )
    assert "All services are working" in client.get("/hub/status").text

    portal.stop()
    wait_until(lambda: states(client)["data"] is False, seconds=60, what="the interruption is seen")
    page = client.get("/hub/status").text
    assert "Some services are not working" in page
    assert "Not responding." in page
    assert str(portal.port) not in page.split("<main", 1)[1].split("</main", 1)[0]

    portal.start()
    wait_until(lambda: states(client)["data"], seconds=60, what="it works again")
    answer = client.get("/hub/status.json").json()
    assert answer["works"] is True
    assert [one["title"] for one in answer["interruptions"]] == [
        "Open Data Center and Virtual Observatory"
    ]
    assert answer["interruptions"][0]["end"] is not None


def test_a_start_is_counted(hub: RunningHub, client: httpx.Client, password: str) -> None:
    def said() -> str:
        services = client.get("/hub/status.json").json()["services"]
        return next((s["said"] for s in services if s["name"] == "servers"), "")

    with hub.client() as browser:
        browser.login("ada", password)
        browser.get("/hub/home")
        assert browser.api("POST", "/users/ada/server").status_code in {201, 202}
        wait_until(
            lambda: said() == "1 started in the last hour, none failed.", seconds=60, what=said
        )


def test_nobody_needs_to_log_in_and_nobody_is_named(client: httpx.Client) -> None:
    page = client.get("/hub/status")
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert "ada" not in re.sub(r"<[^>]*>", " ", page.text).split()
    assert client.post("/hub/status.json").status_code in {403, 405}


def test_every_page_leads_to_it(client: httpx.Client) -> None:
    assert 'href="/hub/status"' in client.get("/hub/login").text


def test_prometheus_reads_the_numbers_with_its_own_token_only(
    client: httpx.Client, hub: RunningHub
) -> None:
    assert client.get("/hub/metrics").status_code == 403
    token = hub.state.secret("metrics")
    headers = {"Authorization": f"token {token}"}
    text = client.get("/hub/metrics", headers=headers).text
    assert 'km3net_service_works{service="hub"} 1.0' in text
    assert "jupyterhub_server_spawn_duration_seconds_count" in text
    assert client.get("/hub/api/users", headers=headers).status_code == 403


def test_the_history_survives_the_hub(hub: RunningHub, client: httpx.Client) -> None:
    wait_until(hub.state.status.exists, seconds=60, what="it is written")
    hub.stop()
    hub.start()
    wait_until(lambda: states(client).get("data"), seconds=60, what="the new hub has looked")
    # The proxy ends a moment before the hub, which may see that.
    seen = [one["title"] for one in client.get("/hub/status.json").json()["interruptions"]]
    assert seen.count("Open Data Center and Virtual Observatory") == 1


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_the_screen(chromium: Any, hub: RunningHub, width: int) -> None:
    with hub.client() as client:
        wait_until(lambda: states(client).get("data"), seconds=60, what="the hub has looked")
    context = chromium.new_context(base_url=hub.url, viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto("/hub/status")
    page.get_by_role("heading", level=1).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
