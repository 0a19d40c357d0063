"""Warnings about a home that fills up, and about files that scratch will lose."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import pytest

from km3lab.fullness import Fullness
from km3lab.home import Usage
from km3lab.landing import welcome
from km3lab.notices import Notices
from km3lab.scratch import prepare_scratch
from km3lab.surroundings import Surroundings
from km3lab.tutorials import Report

GB = 1 << 30
DAY = 86400


@pytest.fixture
def notices() -> Notices:
    return Notices()


@pytest.fixture
def fullness(notices: Notices, tmp_path: Path) -> Fullness:
    around = Surroundings(home=tmp_path, contact="help@example.org")
    return Fullness(around, notices, logging.getLogger("test"))


def shown(notices: Notices) -> list[tuple[str, str]]:
    return [(notice.level, notice.text) for notice in notices.current]


def test_warnings_come_at_80_and_95_percent_and_go(fullness: Fullness, notices: Notices) -> None:
    levels = []
    for percent in (50, 79, 80, 90, 95, 99, 94, 91, 81, 78, 76, 80):
        fullness.tell("home", 10 * GB * percent // 100, 10 * GB)
        levels.append((percent, *(level for level, _ in shown(notices))))
    assert levels == [
        (50,),
        (79,),
        (80, "warning"),
        (90, "warning"),
        (95, "error"),
        (99, "error"),
        # A little less does not withdraw it: the warning would come and go.
        (94, "error"),
        (91, "warning"),
        (81, "warning"),
        (78, "warning"),
        (76,),
        (80, "warning"),
    ]
    assert shown(notices)[0][1] == "Your home is 80 % full: 2 GB of 10 GB left."
    fullness.tell("home", 10 * GB, 10 * GB)
    assert shown(notices) == [("error", "Your home is full: 0 bytes of 10 GB left.")]


def test_a_larger_limit_withdraws_the_warning(fullness: Fullness, notices: Notices) -> None:
    fullness.tell("home", 9 * GB, 10 * GB)
    fullness.tell("scratch", 10 * GB, 10 * GB)
    fullness.tell("home", 9 * GB, 20 * GB)
    assert shown(notices) == [("error", "Your scratch folder is full: 0 bytes of 10 GB left.")]


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    for name in ("home", "scratch"):
        (tmp_path / name).mkdir()
    return Surroundings(home=tmp_path / "home", scratch=tmp_path / "scratch", scratch_days=30)


def test_the_page_says_when_files_will_be_deleted(around: Surroundings) -> None:
    assert around.scratch
    (around.scratch / "new").write_text("x")
    found = prepare_scratch(around, seconds=5)
    assert found
    assert (found.path, found.soon) == ("~/scratch", 0)
    assert (around.home / "scratch" / "new").read_text() == "x"
    page = welcome(around, [], Report(), Usage(), scratch=found)
    assert "files that you have not used for 30 days are deleted" in page
    assert "within a week" not in page


def test_files_that_will_be_deleted_soon_are_counted(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert around.scratch
    for name in ("a", "b"):
        (around.scratch / name).write_text("x")
    # The time of a file's last change cannot be set; the clock can.
    later = time.time() + 25 * DAY
    monkeypatch.setattr(time, "time", lambda: later)
    found = prepare_scratch(around, seconds=5)
    assert found
    day = time.strftime(
        "%Y-%m-%d", time.localtime(os.stat(around.scratch / "a").st_ctime + 30 * DAY)
    )
    assert (found.soon, found.next_day) == (2, day)
    page = welcome(around, [], Report(), Usage(), scratch=found)
    assert f"**2 files will be deleted within a week, the first on {day}**" in page


def test_a_folder_of_the_users_with_that_name_is_left_alone(around: Surroundings) -> None:
    (around.home / "scratch").mkdir()
    (around.home / "scratch" / "mine").write_text("x")
    found = prepare_scratch(around, seconds=5)
    assert found
    assert found.path == str(around.scratch)
    assert (around.home / "scratch" / "mine").read_text() == "x"
