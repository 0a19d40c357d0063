"""What `km3up` did is in `logs/km3up.log`, one JSON line per event; the terminal has none of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from km3settings.state import State
from km3up.events import log, recorded
from km3up.failure import Failure


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path / "state")
    state.create()
    return state


def events(state: State) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (state.logs / "km3up.log").read_text().splitlines()]


def test_a_command_is_recorded_from_beginning_to_end(
    state: State, capfd: pytest.CaptureFixture[str]
) -> None:
    with recorded(state, "up"):
        log.info("Starting hub and proxy")
    log.info("after the end")
    found = events(state)
    assert [event["message"] for event in found] == ["began", "Starting hub and proxy", "ended"]
    assert {event["command"] for event in found} == {"up"}
    assert list(found[0])[:4] == ["time", "level", "logger", "message"]
    assert found[-1]["seconds"] < 600
    assert "".join(capfd.readouterr()) == ""


def test_a_failure_is_recorded_with_its_reason(state: State) -> None:
    with pytest.raises(Failure), recorded(state, "up"):
        raise Failure("Port 8000 (login page) is in use")
    assert events(state)[-1]["level"] == "error"
    assert events(state)[-1]["reason"] == "Port 8000 (login page) is in use"


def test_commands_add_to_the_log(state: State) -> None:
    for command in ("up", "down"):
        with recorded(state, command):
            pass
    assert [event["command"] for event in events(state)] == ["up", "up", "down", "down"]


def test_a_log_that_cannot_be_written_stops_no_command(state: State, tmp_path: Path) -> None:
    (state.logs / "km3up.log").mkdir()
    done = []
    for where in (state, State(tmp_path / "none")):
        with recorded(where, "up"):
            done.append(where)
    assert len(done) == 2
    assert not (tmp_path / "none").exists()
