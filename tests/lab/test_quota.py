"""What a server reports to the hub, and what it tells its user of the CPU quota."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from km3lab.notices import LONGEST, Notices
from km3lab.quota import Quota, QuotaReports, ask_once


class Hub:
    """A hub's API for usage on a port of its own: it keeps reports and answers as it is told."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, str, Any]] = []
        self.status, self.answer = 200, b"{}"
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hub.reports.append((self.path, self.headers["Authorization"], json.loads(body)))
                self.send_response(hub.status)
                self.send_header("Content-Length", str(len(hub.answer)))
                self.end_headers()
                self.wfile.write(hub.answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    def says(self, used: float, stops: str | None = None) -> None:
        quota = {"used": used, "limit": 50, "sentence": f"You have {50 - used:g} of 50 left."}
        self.answer = json.dumps({"quota": quota, "stops": stops}).encode()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub()
    url = f"http://127.0.0.1:{hub.server.server_port}/hub/api"
    monkeypatch.setenv("JUPYTERHUB_API_URL", url)
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "of-the-server")
    # A web proxy of the site leads elsewhere.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    yield hub
    hub.server.shutdown()
    hub.server.server_close()


def report(notices: Notices, reports: QuotaReports) -> list[tuple[str, str]]:
    asyncio.run(reports.report())
    return [(n.level, n.text) for n in notices.current if n.topic == "quota"]


@pytest.mark.parametrize("busy", [True, False])
def test_it_reports_whether_a_kernel_is_busy(hub: Hub, busy: bool) -> None:
    hub.says(1)
    reports = QuotaReports(lambda: busy, Notices(), logging.getLogger())
    asyncio.run(reports.report())
    assert hub.reports == [("/hub/api/usage", "token of-the-server", {"kernel_busy": busy})]


def test_each_stage_is_announced_once(hub: Hub) -> None:
    notices = Notices()
    reports = QuotaReports(lambda: False, notices, logging.getLogger())
    hub.says(39.9)
    assert report(notices, reports) == []
    hub.says(40)
    assert report(notices, reports) == [("warning", "You have 10 of 50 left.")]
    first = notices.current[-1].id
    hub.says(41)
    report(notices, reports)
    assert notices.current[-1].id == first
    hub.says(48)
    assert report(notices, reports) == [("error", "You have 2 of 50 left.")]
    hub.says(50, stops="2026-11-30T12:30:00Z")
    assert report(notices, reports) == [
        ("error", "Your CPU hours are used up. This server stops at 12:30 UTC.")
    ]
    assert len(notices.current[-1].text) <= LONGEST
    # They were renewed.
    hub.says(0)
    assert report(notices, reports) == []


def test_without_a_quota_there_is_no_notice(hub: Hub) -> None:
    hub.answer = b'{"quota": null, "stops": null}'
    notices = Notices()
    assert report(notices, QuotaReports(lambda: False, notices, logging.getLogger())) == []
    assert ask_once() is None


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, b""),
        (404, b"not found"),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"quota": 5}'),
        (200, b'{"quota": {"used": "x", "limit": 1, "sentence": ""}}'),
        (200, b'{"quota": {"used": 1, "limit": 0, "sentence": ""}}'),
    ],
)
def test_a_hub_that_answers_nonsense_disturbs_nothing(hub: Hub, status: int, answer: bytes) -> None:
    hub.status, hub.answer = status, answer
    notices = Notices()
    assert report(notices, QuotaReports(lambda: False, notices, logging.getLogger())) == []
    assert ask_once() is None


def test_a_hub_that_does_not_answer_does_not_prevent_a_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as silent:
        # It listens, and nobody serves.
        monkeypatch.setenv("JUPYTERHUB_API_URL", f"http://127.0.0.1:{silent.server_port}/hub/api")
        monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "x")
        monkeypatch.setattr("km3lab.quota._START_TIMEOUT", 0.2)
        # Without a limit this would never return.
        assert ask_once() is None


def test_the_landing_page_gets_the_sentence(hub: Hub) -> None:
    hub.says(12)
    found = ask_once()
    assert found == Quota(share=0.24, sentence="You have 38 of 50 left.")


def test_without_a_hub_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN", raising=False)
    assert ask_once() is None
