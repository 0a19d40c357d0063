"""What the robots found, as the status page and Prometheus show it; and their settings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from km3hub.robots.check import OLD, RobotsCheck
from km3hub.robots.results import Result, Results, read_results, shortened, summary, write_results
from km3hub.robots.round import portal_tokens
from km3hub.robots.tutorials import Surroundings, Tutorial, read_index
from km3settings.settings import SettingsError, parse
from tests.loops import in_a_loop

ROOT = Path(__file__).parents[3]
ENDED = datetime(2026, 11, 30, 14, 5, tzinfo=UTC)


def tutorial(number: str, works: bool | None, message: str = "") -> Result:
    return Result(name=f"tutorial-{number}", title=f"{number} T", works=works, message=message)


def test_the_summary_counts_what_was_tried() -> None:
    tap = Result(name="tap", title="A query", works=True, message="")
    found = Results(time=ENDED, results=(tutorial("01", True), tutorial("07", None), tap))
    assert summary(found) == "Tutorials: 1 of 1 at 14:05 UTC; data services: 1 of 1."
    assert found.works


def test_the_summary_names_what_failed() -> None:
    found = Results(time=ENDED, results=(tutorial("01", True), tutorial("02", False)))
    assert summary(found) == "Tutorials: 1 of 2 at 14:05 UTC. Failed: 02 T."
    assert not found.works


def test_only_the_first_printable_line_of_a_reason_is_kept() -> None:
    assert shortened("the flux is 3.1\nTraceback") == "the flux is 3.1"
    assert shortened("\x1b[31mred") == "?[31mred"
    assert len(shortened("x" * 9999)) == 300
    assert shortened(" \n") == "no reason given"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"time": "x", "results": []}'])
def test_a_damaged_file_is_no_result(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "robots.json"
    file.write_bytes(content)
    assert read_results(file) is None


@in_a_loop
async def test_the_status_page_and_the_metrics_show_the_last_round(tmp_path: Path) -> None:
    file = tmp_path / "robots.json"
    later = ENDED + timedelta(hours=1)
    check = RobotsCheck(file, clock=later.timestamp)
    assert await check() is None
    write_results(file, Results(time=ENDED, results=(tutorial("01", True), tutorial("02", False))))
    found = await check()
    assert found is not None
    assert (found.service, found.works) == ("robots", False)
    assert "1 of 2 at 14:05 UTC" in found.message
    metrics = generate_latest().decode()
    assert 'km3net_robot_works{trial="tutorial-01"} 1.0' in metrics
    assert 'km3net_robot_works{trial="tutorial-02"} 0.0' in metrics
    assert f"km3net_robots_time_seconds {ENDED.timestamp():g}"[:30] in metrics
    old = RobotsCheck(file, clock=lambda: ENDED.timestamp() + OLD + 1)
    assert await old() is None


def test_the_index_has_every_notebook_with_its_environment() -> None:
    rows = list(read_index((ROOT / "notebooks" / "README.md").read_text()))
    assert {row.file for row in rows} == {p.name for p in (ROOT / "notebooks").glob("*.ipynb")}
    assert {row.environment for row in rows} == {"stack", "joint"}


def test_joint_runs_the_tutorials_of_stack_and_not_the_other_way_round() -> None:
    stack, joint = (Tutorial("01", "T", "f", name) for name in ("stack", "joint"))
    asks = Tutorial("04", "T", "f", "stack", ("os.environ['OPENKM3_SERVER']",))
    assert Surroundings("joint", "").can_run(stack)
    assert not Surroundings("stack", "").can_run(joint)
    assert not Surroundings("stack", "").can_run(asks)
    assert Surroundings("stack", "http://opendata:8090").can_run(asks)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sender": "a"}', "null"])
def test_without_both_tokens_no_alert_is_sent(tmp_path: Path, text: str) -> None:
    file = tmp_path / "robots-portal.json"
    assert portal_tokens(file) == {}
    file.write_text(text)
    assert portal_tokens(file) == {}


def test_robots_are_off_by_default() -> None:
    assert parse({}).robots.every is None
    assert parse({"robots": {"every": "6 h"}}).robots.every == "6h"


@pytest.mark.parametrize("value", ["6", 6, "0h", "h", "-1h", "6x", "1m", "29m", "", True, ["6h"]])
def test_nonsense_intervals_are_refused(value: object) -> None:
    with pytest.raises(SettingsError, match=r"robots\.every"):
        parse({"robots": {"every": value}})
