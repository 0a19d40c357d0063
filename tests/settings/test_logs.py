"""Logs of the platform's programs are lines of JSON with the keys of the portal's."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from km3settings.logs import log_as_json, readable


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What the process logs; its own logging is restored afterwards."""
    root, kept = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    written = io.StringIO()
    log_as_json(written)
    yield written
    root.handlers[:], root.level = handlers, level
    structlog.configure(**kept)
    logging.captureWarnings(False)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_whose_first_keys_are_always_there(stream: io.StringIO) -> None:
    log = structlog.stdlib.get_logger("km3hub.keeper")
    log.info("starting a container", container="km3net-hub", user="ada", reason="two\nlines, Größe")
    (line,) = lines(stream)
    assert list(line)[:4] == ["time", "level", "logger", "message"]
    assert (line["level"], line["logger"]) == ("info", "km3hub.keeper")
    assert (line["message"], line["container"]) == ("starting a container", "km3net-hub")
    assert (line["user"], line["reason"]) == ("ada", "two\nlines, Größe")
    assert abs((datetime.now(UTC) - datetime.fromisoformat(line["time"])).total_seconds()) < 600


def test_libraries_log_in_the_same_way(stream: io.StringIO) -> None:
    logging.getLogger("km3hub.networks").warning("%s is still in use", "km3net-user-ada")
    (line,) = lines(stream)
    assert (line["level"], line["message"]) == ("warning", "km3net-user-ada is still in use")


def test_an_exception_is_part_of_its_line(stream: io.StringIO) -> None:
    try:
        raise LookupError("no such network")
    except LookupError:
        structlog.stdlib.get_logger("km3hub.keeper").exception("checking failed")
    (line,) = lines(stream)
    assert line["traceback"].splitlines()[-1] == "LookupError: no such network"


def test_an_exception_that_a_library_logs_is_part_of_its_line(stream: io.StringIO) -> None:
    try:
        raise LookupError("no such network")
    except LookupError:
        logging.getLogger("docker").exception("checking failed")
    (line,) = lines(stream)
    assert line["message"] == "checking failed"
    assert line["traceback"].splitlines()[-1] == "LookupError: no such network"


def test_a_value_that_json_does_not_know_is_written_as_text(stream: io.StringIO) -> None:
    structlog.stdlib.get_logger("km3hub").info("opened", file=Path("/srv/größe"))
    assert lines(stream)[0]["file"] == "/srv/größe"


def test_a_person_reads_messages_and_tracebacks(stream: io.StringIO) -> None:
    try:
        raise LookupError("no such network")
    except LookupError:
        structlog.stdlib.get_logger("km3hub").exception("checking failed")
    written = [*stream.getvalue().splitlines(), "not JSON", '{"other": "JSON"}', "17"]
    shown = readable(written)
    assert shown[:2] == ["error: checking failed", "Traceback (most recent call last):"]
    assert shown[-4:] == ["LookupError: no such network", "not JSON", '{"other": "JSON"}', "17"]
