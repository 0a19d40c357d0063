"""`km3hub usage`, `pause` and `resume`."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from km3hub.cli import main
from km3hub.usage.ledger import Ledger, Run
from km3hub.usage.pause import PauseFile


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of a hub in which two users worked in November 2026."""
    monkeypatch.setenv("KM3_STATE", str(tmp_path))
    ledger = Ledger(tmp_path / "usage.sqlite")
    for user, day, hours, cpu in (("ada", 2, 3, 1.5), ("bob", 2, 1, 0.25), ("ada", 30, 8, 4)):
        start = datetime(2026, 11, day, 9, tzinfo=UTC).timestamp()
        ledger.add(Run(user, start, start + hours * 3600, cpu * 3600))
    ledger.measure_homes({"ada": 3_000_000_000, "bob": 500_000_000}, date(2026, 11, 30))
    return tmp_path


def km3hub(*arguments: str) -> Result:
    result = CliRunner().invoke(main, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result


def test_the_report_of_a_month_adds_up(state: Path) -> None:
    result = km3hub("usage", "--month", "2026-11", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.output) == {
        "month": "2026-11",
        "users": 2,
        "server_hours": 12.0,
        "cpu_hours": 5.75,
        "homes_gb": 3.5,
        "days": [
            {"day": "2026-11-02", "users": 2, "server_hours": 4.0, "cpu_hours": 1.75},
            {"day": "2026-11-30", "users": 1, "server_hours": 8.0, "cpu_hours": 4.0},
        ],
    }


def test_the_table_says_the_same(state: Path) -> None:
    lines = km3hub("usage", "--month", "2026-11").output.splitlines()
    assert [re.split(r"\s{2,}", line.strip()) for line in lines[:4]] == [
        ["DAY", "USERS", "SERVER HOURS", "CPU HOURS"],
        ["2026-11-02", "2", "4.0", "1.8"],
        ["2026-11-30", "1", "8.0", "4.0"],
        ["2026-11", "2", "12.0", "5.8"],
    ]
    assert "Homes: 3.5 GB." in lines


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_only_users_shows_names(state: Path, options: list[str]) -> None:
    assert "ada" not in km3hub("usage", "--month", "2026-11", *options).output
    assert "ada" in km3hub("usage", "--month", "2026-11", "--users", *options).output


def test_a_month_without_use_is_empty(state: Path) -> None:
    found = json.loads(km3hub("usage", "--month", "2026-10", "--json").output)
    assert (found["users"], found["days"], found["homes_gb"]) == (0, [], None)


@pytest.mark.parametrize("month", ["2026-13", "2026", "11-2026", "2026-11-01", "%", "\u0662026-11"])
def test_a_wrong_month_is_explained(state: Path, month: str) -> None:
    result = km3hub("usage", "--month", month)
    assert result.exit_code == 2
    assert "is not a month; write e.g. 2026-11" in result.output


def test_without_a_ledger_the_report_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KM3_STATE", str(tmp_path))
    result = km3hub("usage")
    assert result.exit_code == 1
    assert "make up" in result.output
    assert not (tmp_path / "usage.sqlite").exists()


def test_pause_and_resume_are_a_switch(state: Path) -> None:
    file = PauseFile(state / "pause.json")
    assert km3hub("resume").output == "There was no pause.\n"
    assert km3hub("pause", "--reason", " The disks are\nreplaced. ").exit_code == 0
    paused = file.read()
    assert paused
    assert paused.reason == "The disks are replaced."
    assert km3hub("pause", "--reason", "Another reason").exit_code == 0
    assert km3hub("resume").output == "Servers can be started again.\n"
    assert file.read() is None


@pytest.mark.parametrize(
    ("reason", "words"), [("  ", "is empty"), ("x" * 301, "is longer than 300 characters")]
)
def test_a_reason_that_cannot_be_shown_is_refused(state: Path, reason: str, words: str) -> None:
    result = km3hub("pause", "--reason", reason)
    assert result.exit_code == 2
    assert words in result.output
    assert PauseFile(state / "pause.json").read() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"reason": 1}', '{"reason": "x", "since": 5}'])
def test_a_damaged_switch_still_means_a_pause(state: Path, text: str) -> None:
    (state / "pause.json").write_text(text)
    assert PauseFile(state / "pause.json").read() is not None
