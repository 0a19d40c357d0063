"""`km3hub accounts sessions`, `end-sessions` and `release`, beside a real hub."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from km3hub.cli import main
from km3hub.login.accounts import AccountStore
from km3hub.login.sessions import Sessions
from tests.hub.login.test_closed_accounts import token_of
from tests.hub.running import RunningHub

NEW = "another-long-password-5"


def accounts(state: Path, *arguments: str, stdin: str = "") -> Result:
    result = CliRunner().invoke(main, ["accounts", "--state", str(state), *arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_an_administrator_sees_and_ends_sessions_one_by_one(hub: RunningHub, password: str) -> None:
    hub.accounts.add("lin", password)
    with hub.client(headers={"User-Agent": "Laptop"}) as laptop, hub.client() as phone:
        laptop.login("lin", password)
        phone.login("lin", password)
        token_of(phone, "lin")
        listed = accounts(hub.state.root, "sessions", "lin")
        assert "127.0.0.1" in listed.output
        rows = json.loads(accounts(hub.state.root, "sessions", "lin", "--json").output)
        assert [row["kind"] for row in rows] == ["browser", "browser", "token"]
        assert rows[2]["what"] == "mine"
        mine = next(row for row in rows if row["what"].startswith("Laptop"))
        done = accounts(hub.state.root, "end-sessions", "lin", "--session", mine["key"])
        assert done.exit_code == 0, done.output
        assert laptop.get("/hub/home").status_code == 302
        assert phone.get("/hub/home").status_code == 200
        assert accounts(hub.state.root, "end-sessions", "lin").exit_code == 0
        assert phone.get("/hub/home").status_code == 302
        assert laptop.login("lin", password).status_code == 302


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["sessions"], 0, "Nobody is logged in, and no tokens exist."),
        (["sessions", "a/b"], 2, "is not a valid account name"),
        (["end-sessions", "a/b"], 2, "is not a valid account name"),
        (["end-sessions", "ada", "--session", "0123abcd"], 1, "ada has no session 0123abcd"),
        (["end-sessions", "ada", "--session", ""], 1, "ada has no session"),
        (["end-sessions"], 2, "give either a NAME or --all"),
        (["end-sessions", "ada", "--all"], 2, "give either a NAME or --all"),
        (["end-sessions", "--all", "--session", "0123abcd"], 2, "--session goes with a NAME"),
        (["release", "ada", "--yes"], 1, "remove it: km3hub accounts remove ada"),
        (["set", "ada", "--home", "2"], 1, "there is no home 2"),
        (["set", "ada", "--home", "0"], 2, "0"),
    ],
)
def test_mistakes_are_explained(state: Path, arguments: list[str], code: int, words: str) -> None:
    accounts(state, "add", "ada")
    done = accounts(state, *arguments)
    assert (done.exit_code, words in done.output) == (code, True), done.output


def test_a_prefix_of_two_sessions_ends_neither(state: Path) -> None:
    accounts(state, "add", "ada")
    known = Sessions(state / "sessions.json")
    for _ in range(20):
        known.begin("ada")
    assert accounts(state, "end-sessions", "ada", "--session", "a").exit_code == 1
    assert len(known.of("ada")) == 20


def test_the_sessions_of_everybody_end_at_once(state: Path) -> None:
    accounts(state, "add", "ada")
    Sessions(state / "sessions.json").begin("grace")
    before = datetime.now(UTC)
    done = accounts(state, "end-sessions", "--all")
    assert "of 2 users" in done.output
    access = AccountStore(state / "accounts.json").access
    assert access.get("ada").valid_since > before
    assert access.get("grace").valid_since > before


def test_what_a_browser_calls_itself_cannot_drive_the_terminal(state: Path) -> None:
    Sessions(state / "sessions.json").begin("ada", agent="Nice\x1b[2J\r\nroot  browser")
    lines = accounts(state, "sessions").output.splitlines()
    assert len(lines) == 2
    assert lines[1].endswith("Nice?[2J??root  browser")


def test_a_name_given_again_is_announced(state: Path) -> None:
    accounts(state, "add", "ada")
    accounts(state, "remove", "ada", "--yes")
    again = accounts(state, "add", "ada")
    assert "Somebody had the name ada before" in again.output
    assert "km3hub accounts set ada --home 1" in again.output
    assert accounts(state, "set", "ada", "--home", "1").exit_code == 0
    assert AccountStore(state / "accounts.json").access.get("ada").home_suffix == ""
    accounts(state, "remove", "ada", "--yes")
    same = accounts(state, "add", "ada", "--same-person")
    assert "before" not in same.output
    assert AccountStore(state / "accounts.json").access.get("ada").home_suffix == ""


def test_the_name_of_a_providers_user_is_freed(state: Path) -> None:
    store = AccountStore(state / "accounts.json")
    assert store.access.hold("grace", "one")
    assert not store.access.hold("grace", "two")
    assert accounts(state, "release", "grace", stdin="n\n").exit_code == 1
    assert not store.access.hold("grace", "two")
    assert accounts(state, "release", "grace", "--yes").exit_code == 0
    assert store.access.hold("grace", "two")
    assert not store.access.hold("grace", "one")
    assert store.access.get("grace").home_suffix == ".2"


def test_sessions_survive_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.write_text("a file where the folder should be")
    known = Sessions(folder / "sessions.json")
    secret = known.begin("ada")
    found = known.find(secret)
    assert found
    assert found.user == "ada"
    known.end(*known.of("ada"))
    assert known.find(secret) is None
