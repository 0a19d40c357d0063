"""The program as the container runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from km3broker.health import answers
from tests.broker.objects import SERVER, create_body
from tests.broker.recording import Recording
from tests.broker.running import PROJECT, Socket
from tests.waiting import wait_until

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running = []

    def begin(engine: Path, settings: str = "") -> subprocess.Popen[str]:
        (tmp_path / "platform.yaml").write_text(settings)
        command = [sys.executable, "-m", "km3broker", "--socket", tmp_path / "broker.sock"]
        command += ["--engine", engine, "--project", PROJECT, "--settings"]
        process = subprocess.Popen(
            [*map(str, command), str(tmp_path / "platform.yaml")],
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.wait()


def test_log_is_json_and_the_end_is_clean(tmp_path: Path, engine: Recording, start: Start) -> None:
    process = start(engine.path)
    path = tmp_path / "broker.sock"
    wait_until(lambda: answers(str(path)), seconds=60, what="the broker answers")
    body = create_body() | {"User": "0"}
    refused = Socket(path).ask("POST", f"/v1.41/containers/create?name={SERVER}", body)
    assert refused.status == 403
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    lines = [json.loads(line) for line in said.splitlines()]
    assert [line["message"] for line in lines] == ["listening", "refused", "stopped"]
    assert lines[1] | {"time": ""} == {
        "time": "",
        "level": "warning",
        "logger": "km3broker",
        "message": "refused",
        "method": "POST",
        "path": "/containers/create",
        "status": 403,
        "reason": "User has a value that is not allowed",
    }


def test_socket_of_a_killed_broker_is_replaced(
    tmp_path: Path, engine: Recording, start: Start
) -> None:
    path = tmp_path / "broker.sock"
    for _ in range(2):
        process = start(engine.path)
        wait_until(lambda: answers(str(path)), seconds=60, what="the broker answers")
        process.kill()
        process.wait()
        assert path.is_socket()
        assert not answers(str(path))


def test_broker_without_an_engine_is_healthy(tmp_path: Path, start: Start) -> None:
    start(tmp_path / "none.sock")
    path = str(tmp_path / "broker.sock")
    wait_until(lambda: answers(path), seconds=60, what="the broker answers")


def test_invalid_settings_are_named(tmp_path: Path, start: Start) -> None:
    process = start(tmp_path / "none.sock", "sizes: 3")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.startswith("Error: ")
    assert "sizes" in said
    assert "Traceback" not in said
