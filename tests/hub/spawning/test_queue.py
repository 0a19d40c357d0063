"""The queue of starts on a real hub, as browsers with and without scripts show it."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.hub.running import Client, RunningHub
from tests.waiting import wait_until

CONFIG = Path(__file__).with_name("queued.py").read_text()
USERS = [f"guest{number:02d}" for number in range(1, 6)]


@pytest.fixture
def hub(start_hub: Callable[..., RunningHub], password: str) -> Iterator[RunningHub]:
    """A hub on which one server starts at a time, with an account for each user."""
    hub = start_hub(settings="spawner: {concurrent: 1}", config=CONFIG)
    for name in USERS:
        hub.accounts.add(name, password)
    yield hub
    hub.stop()


def start(hub: RunningHub, name: str, password: str) -> Client:
    """Log in and request a server; return the browser."""
    client = hub.client()
    assert client.login(name, password).status_code == 302
    answer = client.api("POST", f"/users/{name}/server")
    assert answer.status_code in (201, 202), answer.text
    return client


def place(client: Client, name: str) -> str:
    """What the page of the start says, without scripts."""
    page = client.get(f"/hub/spawn-pending/{name}").text
    found = re.search(r'id="progress-message"[^>]*>(.*?)</p>', page)
    return found[1] if found else ""


def go(hub: RunningHub, name: str) -> None:
    """Let the server of a user start."""
    (hub.folder / f"go-{name}").touch()


def await_place(client: Client, name: str, wanted: str) -> None:
    wait_until(
        lambda: wanted in place(client, name),
        seconds=60,
        what=lambda: f"{name} reads {wanted!r}, not {place(client, name)!r}",
    )


def running(hub: RunningHub, client: Client, name: str) -> bool:
    answer = client.api("GET", f"/users/{name}")
    return bool(answer.json()["server"])


def await_running(hub: RunningHub, client: Client, name: str) -> None:
    wait_until(lambda: running(hub, client, name), seconds=60, what=f"the server of {name} runs")


def crowd(hub: RunningHub, password: str, size: int) -> dict[str, Client]:
    """The first users of the list, each with a start, in this order."""
    clients = {}
    for number, name in enumerate(USERS[:size]):
        clients[name] = start(hub, name, password)
        if number:
            await_place(clients[name], name, f"You are {number}")
    return clients


def test_the_page_shows_the_place_at_each_reload(hub: RunningHub, password: str) -> None:
    clients = crowd(hub, password, 4)
    assert place(clients["guest04"], "guest04") == "You are 3rd in the queue"
    page = clients["guest04"].get("/hub/spawn-pending/guest04").text
    assert re.search(r'<noscript>\s*<meta http-equiv="refresh" content="5">', page)
    go(hub, "guest01")
    await_place(clients["guest04"], "guest04", "You are 2nd in the queue; about ")
    # Its turn ends as its server listens; the hub then looks for itself.
    await_running(hub, clients["guest01"], "guest01")


def test_nobody_is_sent_away(hub: RunningHub, password: str) -> None:
    """JupyterHub's own limit answers 429."""
    clients = crowd(hub, password, 5)
    for name in USERS:
        go(hub, name)
    for name, client in clients.items():
        await_running(hub, client, name)


def test_asking_again_keeps_the_place(hub: RunningHub, password: str) -> None:
    clients = crowd(hub, password, 3)
    second = clients["guest02"]
    # By the API, by a link with a choice in it, and by the form in another tab.
    assert second.api("POST", "/users/guest02/server").status_code == 202
    link = second.get("/hub/spawn?environment=stack")
    form = second.post("/hub/spawn", data={"_xsrf": second.xsrf(), "environment": "stack"})
    named = second.post("/hub/spawn/guest02", data={"_xsrf": second.xsrf()})
    for answer in (link, form, named):
        assert answer.status_code == 302, answer.text
        assert "/hub/spawn-pending/guest02" in answer.headers["location"]
    assert place(second, "guest02") == "You are 1st in the queue"


def test_cancelling_needs_no_script_and_a_new_start_gets_the_place_back(
    hub: RunningHub, password: str
) -> None:
    clients = crowd(hub, password, 4)
    second, last = clients["guest02"], clients["guest04"]
    answer = second.post("/hub/cancel-start/guest02", data={"_xsrf": second.xsrf()})
    assert answer.headers["location"].endswith("/hub/home")
    await_place(last, "guest04", "You are 2nd in the queue")
    wait_until(
        lambda: not second.api("GET", "/users/guest02").json()["pending"],
        seconds=60,
        what="the start is cancelled",
    )
    assert second.api("POST", "/users/guest02/server").status_code in (201, 202)
    await_place(second, "guest02", "You are 1st in the queue")
    await_place(last, "guest04", "You are 3rd in the queue")


def test_only_the_user_may_cancel_and_only_by_the_form(hub: RunningHub, password: str) -> None:
    clients = crowd(hub, password, 2)
    stranger = clients["guest01"]
    refused = stranger.post("/hub/cancel-start/guest02", data={"_xsrf": stranger.xsrf()})
    assert refused.status_code in (403, 404)
    forged = clients["guest02"].post("/hub/cancel-start/guest02")
    assert forged.status_code == 403
    assert hub.client().post("/hub/cancel-start/guest02").status_code in (302, 403)
    assert place(clients["guest02"], "guest02") == "You are 1st in the queue"


def test_a_killed_hub_rebuilds_the_queue(hub: RunningHub, password: str) -> None:
    clients = crowd(hub, password, 4)
    assert hub.process is not None
    hub.process.send_signal(signal.SIGKILL)
    hub.process.wait()
    hub.start()

    def waits() -> bool:
        try:
            return "You are 3rd" in place(clients["guest04"], "guest04")
        except httpx.TransportError:
            return False

    wait_until(waits, seconds=60, what=lambda: f"the queue is back\n{hub.log[-3000:]}")
    assert place(clients["guest02"], "guest02") == "You are 1st in the queue"
    for name in USERS[:4]:
        go(hub, name)
    for name, client in clients.items():
        await_running(hub, client, name)
