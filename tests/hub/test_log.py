"""The log of a running hub: every line is JSON, and names the request and who sent it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.hub.conftest import PASSWORD, StartHub
from tests.hub.running import RunningHub
from tests.waiting import wait_until

LOGGED = """
from km3hub.configure.logs import configure_logs
configure_logs(c)
from jupyterhub.handlers.base import BaseHandler

class Broken(BaseHandler):
    def get(self):
        raise LookupError("no such\\nthing")

class Quiet(BaseHandler):
    def get(self):
        import logging
        logging.getLogger("km3hub.networks").info("a line of the platform's own")
        self.finish("quiet")

c.JupyterHub.extra_handlers = [("/broken", Broken), ("/quiet", Quiet)]
"""


@pytest.fixture(scope="module")
def hub(start_hub: StartHub) -> RunningHub:
    return start_hub(config=LOGGED)


def events(hub: RunningHub) -> list[dict[str, Any]]:
    """What the hub logged; the proxy, a program of its own, writes lines that are not JSON."""
    return [json.loads(line) for line in hub.log.splitlines() if line.startswith("{")]


def event(hub: RunningHub, message: str) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        return [event for event in events(hub) if message in event["message"]]

    wait_until(found, seconds=30, what=f"{message} is in the log")
    return found()[-1]


def test_lines_of_jupyterhub_are_json_from_the_first_to_the_last(hub: RunningHub) -> None:
    own = [line for line in hub.log.splitlines() if "JupyterHub" in line]
    assert own
    assert all(list(json.loads(line))[:4] == ["time", "level", "logger", "message"] for line in own)
    assert event(hub, "JupyterHub is now running")["level"] == "info"


def test_a_request_has_an_identifier_and_the_user_who_sent_it(hub: RunningHub) -> None:
    hub.accounts.add("eve", PASSWORD)
    for name in ("ada", "eve"):
        with hub.client() as browser:
            assert browser.login(name, PASSWORD).status_code == 302
            browser.get("/hub/quiet")
        seen = event(hub, "GET /hub/quiet")
        own = event(hub, "a line of the platform's own")
        assert (own["user"], own["logger"]) == (name, "km3hub.networks")
        assert own["request"] == seen["request"]
        assert seen["user"] == name
    with hub.client() as stranger:
        stranger.get("/hub/quiet?who=stranger")
    assert "user" not in event(hub, "who=stranger")
    requests = [e["request"] for e in events(hub) if "GET /hub/quiet" in e["message"]]
    assert len(requests) == len(set(requests)) == 3


def test_an_exception_is_one_line(hub: RunningHub) -> None:
    with hub.client() as browser:
        assert browser.get("/hub/broken").status_code == 500
    found = event(hub, "Uncaught exception")
    assert found["traceback"].endswith("LookupError: no such\nthing")
    assert found["request"] == event(hub, "500 GET /hub/broken")["request"]
