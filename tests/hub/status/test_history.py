"""What the status page remembers."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from km3hub.status.checks import Address
from km3hub.status.history import DAY, KEPT, PERIOD, CheckResult, History
from km3hub.status.watch import Watch

START = 1_800_000_000.0


def works(said: str = "Responding.") -> CheckResult:
    return CheckResult("data", works=True, message=said)


def fails(said: str = "Not responding.") -> CheckResult:
    return CheckResult("data", works=False, message=said)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "status.json")


def test_an_interruption_lasts_from_the_last_good_look_to_the_next(history: History) -> None:
    for minute, look in enumerate([works(), works(), fails(), fails(), works()]):
        history.add(look, START + minute * PERIOD)
    now = START + 4 * PERIOD
    (span,) = history.failures("data", now)
    assert (span.start, span.end) == (START + PERIOD, START + 3 * PERIOD)
    assert history.downtime("data", now) == 2 * PERIOD
    latest = history.latest("data", now)
    assert latest is not None
    assert latest.works


def test_unobserved_periods_are_unknown(history: History) -> None:
    history.add(works(), START)
    history.add(works(), START + 7200)
    cells = history.cells("data", START + 7200)
    assert len(cells) == 48
    assert [cells.count(kind) for kind in ("works", "fails", "unknown")] == [2, 0, 46]
    assert history.downtime("data", START + 7200) == 0
    assert history.latest("data", START + 7200 + 10 * PERIOD) is None
    assert history.latest("portal", START) is None


def test_half_an_hour_with_a_failure_is_marked(history: History) -> None:
    for minute in range(60):
        history.add(fails() if minute == 10 else works(), START + minute * PERIOD)
    cells = history.cells("data", START + 60 * PERIOD)
    assert cells.count("fails") == 1
    assert cells[-1] == "works"


def test_a_failure_of_yesterday_counts_as_far_as_it_reaches_into_the_day(history: History) -> None:
    for minute in range(11):
        history.add(fails(), START + minute * PERIOD)
    assert history.downtime("data", START + DAY + 5 * PERIOD) == 5 * PERIOD
    assert len(history.failures("data", START + DAY + 5 * PERIOD)) == 1


def test_a_week_is_kept_over_restarts(history: History) -> None:
    history.add(fails(), START)
    history.add(works(), START + KEPT + 1)
    history.save()
    again = History(history.file)
    again.load()
    assert [span.works for span in again.spans["data"]] == [True]


def test_a_clock_set_back_begins_a_new_span(history: History) -> None:
    history.add(works(), START)
    history.add(works(), START - 3600)
    assert [(span.start, span.end) for span in history.spans["data"]] == [
        (START, START),
        (START - 3600, START - 3600),
    ]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"data": 3}', '{"data": [{"start": 1}]}', "\x00",
     '{"data": [{"start": NaN, "end": 2, "works": true, "said": ""}]}',
     '{"data": [{"start": 1, "end": 2, "works": 1, "said": ""}]}'],
)  # fmt: skip
def test_a_broken_history_file_is_set_aside_and_a_new_one_begins(
    history: History, text: str
) -> None:
    history.file.write_text(text)
    history.load()
    assert history.spans == {}
    assert history.file.with_suffix(".broken").read_text() == text
    history.add(works(), START)
    history.save()
    assert list(json.loads(history.file.read_text())) == ["data"]


def test_a_missing_file_is_not_an_error(history: History) -> None:
    history.load()
    assert history.spans == {}


def test_a_service_that_was_turned_off_is_forgotten(history: History) -> None:
    """Its unknown state would otherwise be that of the whole platform for a week."""
    history.add(CheckResult("homes", works=True, message="Responding."), START)
    history.add(works(), START)
    history.save()

    async def start() -> None:
        watch = Watch(History(history.file), [Address("data", "http://127.0.0.1:1/health")])
        watch.start()
        assert set(watch.history.spans) == {"data"}
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    with ThreadPoolExecutor(1) as pool:  # Playwright keeps an event loop in this thread
        pool.submit(lambda: asyncio.run(start())).result()
