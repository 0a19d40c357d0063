"""What the launcher makes of the hub's answers; the hub is the real program."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from km3settings.state import State
from km3up.failure import Failure
from km3up.hub import HubProgram


@pytest.fixture
def state(tmp_path: Path) -> State:
    found = State(tmp_path / "state")
    found.create()
    return found


@pytest.fixture
def hub(state: State) -> HubProgram:
    """The program of an embedded hub."""
    own = {"KM3_STATE": str(state.root), "KM3_MODE": "embedded", "KM3_PORT": "1"}
    return HubProgram(
        command=[sys.executable, "-P", "-m", "km3hub"], environment={**os.environ, **own}
    )


def test_first_accounts_are_made_once(hub: HubProgram, state: State) -> None:
    assert hub.make_first_accounts(state)
    passwords = state.first_login.read_text()
    assert not hub.make_first_accounts(state)
    assert state.first_login.read_text() == passwords
    assert state.accounts.exists()


def test_a_damaged_file_of_accounts_stops_the_start_with_the_reason(
    hub: HubProgram, state: State
) -> None:
    state.accounts.write_text("{")
    with pytest.raises(Failure, match=r"The accounts could not be listed: .*accounts\.json"):
        hub.make_first_accounts(state)


def program(tmp_path: Path, text: str) -> HubProgram:
    """A hub of another version, in an image for instance."""
    file = tmp_path / "km3hub"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o700)
    return HubProgram(command=[str(file)])


def test_a_hub_that_is_older_than_the_launcher_keeps_its_accounts(
    tmp_path: Path, state: State
) -> None:
    old = program(tmp_path, 'echo "Error: No such option: --json" >&2; exit 2')
    with pytest.raises(Failure, match="No such option"):
        old.make_first_accounts(state)
    state.first_login.write_text("admin a\n")
    assert not old.make_first_accounts(state)
    assert old.await_servers(1) == (0, 0)


def test_an_answer_that_cannot_be_read_is_shown(tmp_path: Path, state: State) -> None:
    with pytest.raises(Failure, match="the hub answered 'warning"):
        program(tmp_path, "echo warning: not JSON").make_first_accounts(state)


def test_a_configuration_that_cannot_be_read_is_quoted(tmp_path: Path, state: State) -> None:
    file = tmp_path / "platform.yaml"
    file.write_text("siet: {}\n")
    own = {"KM3_STATE": str(state.root), "KM3_PLATFORM_FILE": str(file)}
    hub = HubProgram(
        command=[sys.executable, "-P", "-m", "km3hub"], environment={**os.environ, **own}
    )
    with pytest.raises(Failure, match="did you mean site"):
        hub.rehearse()
