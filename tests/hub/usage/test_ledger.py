"""The ledger counts every second once, whatever happens to hub and servers."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from km3hub.usage.ledger import SCHEMA, Ledger, LedgerError, Run, Sample, Used
from km3hub.usage.meter import count

#: 30 November 2026, 10:00 UTC.
TEN = datetime(2026, 11, 30, 10, tzinfo=UTC).timestamp()
MONTH = date(2026, 11, 1)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "usage.sqlite")


def sample(cpu: float, *, user: str = "ada", run: str = "a", started: float = TEN) -> Sample:
    return Sample(user=user, name="", identity=run, cpu_seconds=cpu, started=started)


def test_a_server_that_is_seen_every_minute_is_counted_once(ledger: Ledger) -> None:
    for minute in range(1, 61):
        count(ledger, [(sample(30.0 * minute), 1.0)], TEN + 60 * minute)
    assert ledger.used(["ada"], MONTH) == Used(3600.0, 1800.0, 1)


def test_the_time_in_which_the_hub_was_down_counts(ledger: Ledger) -> None:
    count(ledger, [(sample(10), 1.0)], TEN + 60)
    again = Ledger(ledger.path)
    count(again, [(sample(1000), 1.0)], TEN + 7200)
    assert again.used(["ada"], MONTH) == Used(7200.0, 1000.0, 1)


def test_a_new_run_starts_from_zero(ledger: Ledger) -> None:
    count(ledger, [(sample(500), 1.0)], TEN + 600)
    count(ledger, [(sample(20, run="b", started=TEN + 900), 1.0)], TEN + 960)
    assert ledger.used(["ada"], MONTH) == Used(660.0, 520.0, 1)


def test_a_server_that_was_stopped_is_not_counted_on(ledger: Ledger) -> None:
    count(ledger, [(sample(10), 1.0)], TEN + 60)
    assert count(ledger, [], TEN + 120).running == []
    assert ledger.used(["ada"], MONTH) == Used(60.0, 10.0, 1)


def test_a_server_that_a_new_hub_finds_late_is_counted_once(ledger: Ledger) -> None:
    count(ledger, [(sample(100), 1.0)], TEN + 600)
    count(ledger, [], TEN + 660)
    count(ledger, [(sample(120), 1.0)], TEN + 720)
    assert ledger.used(["ada"], MONTH) == Used(720.0, 120.0, 1)


def test_midnight_divides_a_run_between_two_days(ledger: Ledger) -> None:
    midnight = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
    count(ledger, [(sample(0, started=midnight - 3600), 1.0)], midnight - 3600)
    count(ledger, [(sample(400, started=midnight - 3600), 1.0)], midnight + 10800)
    assert ledger.total("2026-11-30") == Used(3600.0, 100.0, 1)
    assert ledger.total("2026-12-01") == Used(10800.0, 300.0, 1)
    assert ledger.total("2026-11").cpu_seconds == 100.0


def test_a_clock_that_goes_back_takes_nothing_away(ledger: Ledger) -> None:
    count(ledger, [(sample(60), 1.0)], TEN + 600)
    count(ledger, [(sample(61), 1.0)], TEN + 300)
    assert ledger.used(["ada"], MONTH).server_seconds == 600.0


def test_totals_outlive_the_records_of_users(ledger: Ledger) -> None:
    for user in ("ada", "bob"):
        ledger.add(Run(user, TEN, TEN + 3600, 1800))
    ledger.close_months_before(date(2026, 11, 1))
    assert set(ledger.per_user("2026-11")) == {"ada", "bob"}
    before = (ledger.total("2026-11"), ledger.total("2026-11-30"), ledger.days("2026-11"))
    ledger.close_months_before(date(2026, 12, 1))
    ledger.close_months_before(date(2026, 12, 1))
    assert ledger.per_user("2026-11") == {}
    assert ledger.used(["ada"], MONTH) == Used()
    after = (ledger.total("2026-11"), ledger.total("2026-11-30"), ledger.days("2026-11"))
    assert after == before
    assert before[0] == Used(7200.0, 3600.0, 2)


def test_an_erased_user_leaves_only_numbers(ledger: Ledger) -> None:
    count(ledger, [(sample(100), 1.0), (sample(50, user="bob"), 1.0)], TEN + 3600)
    ledger.measure_homes({"ada": 5_000_000, "bob": 7}, date(2026, 11, 30))
    ledger.erase("ada")
    assert b"ada" not in b"".join(
        row[0].encode() for row in sqlite3.connect(ledger.path).execute("SELECT user FROM user_day")
    )
    assert ledger.entries("ada") == []
    assert ledger.home_bytes("ada") is None
    assert ledger.total("2026-11") == Used(7200.0, 150.0, 2)
    # Of two erased users on the same day, too.
    ledger.erase("bob")
    assert ledger.total("2026-11") == Used(7200.0, 150.0, 2)


def test_only_its_owner_can_read_the_file(ledger: Ledger) -> None:
    ledger.add(Run("ada", TEN, TEN + 1, 1))
    assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600


def test_a_later_schema_is_left_alone(ledger: Ledger) -> None:
    ledger.add(Run("ada", TEN, TEN + 60, 1))
    with sqlite3.connect(ledger.path) as database:
        database.execute(f"PRAGMA user_version = {len(SCHEMA) + 1}")
    with pytest.raises(LedgerError, match="later version of the platform"):
        ledger.add(Run("ada", TEN, TEN + 60, 1))


def test_an_interrupted_upgrade_is_repeated(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "km3hub.usage.ledger.SCHEMA", (*SCHEMA, "CREATE TABLE new (a); SYNTAX ERROR")
    )
    with pytest.raises(LedgerError):
        ledger.running()
    monkeypatch.setattr("km3hub.usage.ledger.SCHEMA", (*SCHEMA, "CREATE TABLE new (a)"))
    assert ledger.running() == {}
    with sqlite3.connect(ledger.path) as database:
        assert database.execute("SELECT count(*) FROM new").fetchone() == (0,)


@pytest.mark.parametrize(
    "content", [b"not a database" * 100, b"SQLite format 3\0" + b"\xff" * 2000]
)
def test_a_damaged_file_is_set_aside(ledger: Ledger, content: bytes) -> None:
    ledger.path.write_bytes(content)
    with pytest.raises(LedgerError):
        ledger.running()
    ledger.set_aside_if_broken()
    assert ledger.running() == {}
    assert ledger.path.with_suffix(".broken").read_bytes() == content


def test_a_file_that_is_locked_is_not_set_aside(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("km3hub.usage.ledger._LOCK_SECONDS", 0)
    ledger.add(Run("ada", TEN, TEN + 60, 1))
    other = sqlite3.connect(ledger.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(LedgerError, match="locked"):
        ledger.running()
    ledger.set_aside_if_broken()
    other.execute("COMMIT")
    assert ledger.used(["ada"], MONTH).server_seconds == 60.0


def _hours(ledger: Ledger, load: float, hours: int, busy: Callable[[int], bool]) -> float | None:
    """Lets a server run with a load; returns since when it is suspicious, in hours."""
    for minute in range(1, 60 * hours + 1):
        if busy(minute):
            ledger.report_busy("ada", TEN + 60 * minute)
        result = count(ledger, [(sample(60.0 * minute * load), 2.0)], TEN + 60 * minute)
    since = result.running[0].full_since
    return None if since is None else (since - TEN) / 3600


def test_full_load_without_a_busy_kernel_is_noticed(ledger: Ledger) -> None:
    since = _hours(ledger, 2.0, 3, busy=lambda minute: False)
    assert since is not None
    assert since < 0.5


def test_full_load_of_a_busy_kernel_is_not(ledger: Ledger) -> None:
    assert _hours(ledger, 2.0, 3, busy=lambda minute: minute % 5 == 0) is None


def test_half_load_is_not(ledger: Ledger) -> None:
    assert _hours(ledger, 1.0, 3, busy=lambda minute: False) is None
