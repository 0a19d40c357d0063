"""Each event is one line of JSON, with the keys that administrators filter by."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest
from django.test import Client

from opendata.accounts.models import User
from opendata.logs import Line
from opendata.portal import views

from .records import published
from .running import Server


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(Line())
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        assert "\n" not in text
        self.lines.append(json.loads(text))


@pytest.fixture
def lines() -> Any:
    handler = _Lines()
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    yield handler.lines
    root.removeHandler(handler)
    root.setLevel(level)


def test_a_request_is_one_line_with_its_identifier_and_account(
    curators_web: Client, lines: list[dict[str, Any]]
) -> None:
    answer = curators_web.get("/api/v1/drafts/")
    line = next(line for line in lines if line["message"] == "request")
    assert list(line)[:4] == ["time", "level", "logger", "message"]
    assert {key: line[key] for key in ("level", "logger", "method", "path", "status", "user")} == {
        "level": "info",
        "logger": "opendata.requests",
        "method": "GET",
        "path": "/api/v1/drafts/",
        "status": 200,
        "user": "cora",
    }
    assert line["request"] == answer["X-Request-ID"]
    assert line["ms"] >= 0
    assert set(line) == {
        "time", "level", "logger", "message", "request", "method", "path", "status", "ms", "user"
    }  # fmt: skip
    assert line["time"].endswith("+00:00")


def test_what_is_logged_in_a_request_names_the_request(
    web: Client,
    curator: User,
    reviewer: User,
    lines: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published(curator, reviewer)
    monkeypatch.setattr(views, "context_of", lambda *_: 1 / 0)
    web.raise_request_exception = False
    answer = web.get("/records/cnt24_01/")
    error = next(line for line in lines if line["level"] == "error")
    assert error["request"] == answer["X-Request-ID"]
    assert error["logger"] == "django.request"
    assert error["traceback"].endswith("ZeroDivisionError: division by zero")


def test_lines_of_libraries_have_the_same_keys(lines: list[dict[str, Any]]) -> None:
    logging.getLogger("a.library").warning("%s of %d\nlines", "two", 2)
    try:
        raise ValueError("x")
    except ValueError:
        logging.getLogger("a.library").exception("failed", exc_info=sys.exc_info())
    warning, error = lines
    assert (warning["level"], warning["logger"]) == ("warning", "a.library")
    assert warning["message"] == "two of 2\nlines"
    assert (error["level"], error["message"]) == ("error", "failed")
    assert "ValueError: x" in error["traceback"]


def test_a_server_logs_requests_as_json(seeded_server: Server) -> None:
    # The server of static files makes Django warn.
    seeded_server.get("/static/opendata/style.css")
    answer = seeded_server.get("/records/evts20_01_file1/")
    number = answer.headers["X-Request-ID"]
    for line in seeded_server.log:
        assert line.startswith("{"), line
        json.loads(line)
    assert len(number) == 12
