"""Commands on one state folder wait for each other; two processes, one lock."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from km3settings.state import State
from km3up.exclusive import exclusive
from km3up.failure import Failure

#: A process that keeps the folder until its standard input is closed.
HOLDER = """
import sys
from pathlib import Path
from km3settings.state import State
from km3up.exclusive import exclusive
with exclusive(State(Path(sys.argv[1])), "km3up install", print):
    print("busy", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


@pytest.fixture
def other(state: State) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the folder."""
    command = [sys.executable, "-c", HOLDER, str(state.root)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "busy\n"
        yield process


def end(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.close()


def test_a_command_waits_and_says_for_what(state: State, other: subprocess.Popen[str]) -> None:
    messages: list[str] = []

    def say(message: str) -> None:
        messages.append(message)
        end(other)

    with exclusive(state, "km3up up", say, seconds=120):
        assert other.wait(60) == 0
    assert messages == [f"Waiting for km3up install (process {other.pid}) to end in {state.root}"]


def test_the_wait_has_a_limit(state: State, other: subprocess.Popen[str]) -> None:
    with (
        pytest.raises(Failure, match=rf"km3up install \(process {other.pid}\) has been running"),
        exclusive(state, "km3up up", lambda _: None, seconds=0.2),
    ):
        pass
    end(other)


def test_a_killed_command_leaves_the_folder_free(
    state: State, other: subprocess.Popen[str]
) -> None:
    other.kill()
    other.wait(60)
    messages: list[str] = []
    with exclusive(state, "km3up up", messages.append, seconds=0):
        pass
    assert messages == []
