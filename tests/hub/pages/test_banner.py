"""The banner file: followed while the hub runs, never lost to a broken edit."""

import logging
import os

import pytest

from km3hub.pages.banner import BannerFile
from km3settings.site import Banner

START = Banner(text="as the hub started")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "platform.yaml"


@pytest.fixture
def banner(file, clock):
    return BannerFile(file, START, every=2, clock=clock)


def say(file, text):
    file.write_text(f"site: {{banner: {{text: '{text}', level: warning}}}}")


def test_a_new_text_shows_at_the_next_look(file, banner, clock):
    say(file, "one")
    assert banner.current() == Banner(text="one", level="warning")
    say(file, "three")
    assert banner.current().text == "one"
    clock.now = 2
    assert banner.current().text == "three"


def test_a_change_of_same_length_in_the_same_tick_shows(file, banner, clock):
    say(file, "one")
    banner.current()
    stamp = file.stat().st_mtime_ns
    new = file.with_suffix(".new")
    say(new, "two")
    os.utime(new, ns=(stamp, stamp))
    new.replace(file)
    clock.now = 2
    assert banner.current().text == "two"


def test_removing_the_banner_from_the_file_removes_it(file, banner):
    file.write_text("")
    assert banner.current() == Banner()


@pytest.mark.parametrize("broken", ["site: [", "site: {banner: {colour: red}}", "\x00"])
def test_a_broken_file_leaves_the_last_good_banner_and_is_logged_once(
    file, banner, clock, caplog, broken
):
    say(file, "good")
    banner.current()
    file.write_text(broken)
    with caplog.at_level(logging.ERROR):
        for clock.now in (2, 4, 6):
            assert banner.current().text == "good"
    assert len(caplog.records) == 1
    assert "platform.yaml" in caplog.text
    say(file, "mended")
    clock.now = 8
    assert banner.current().text == "mended"


def test_a_file_that_vanishes_leaves_the_last_good_banner(file, banner, clock, caplog):
    say(file, "good")
    banner.current()
    file.unlink()
    for clock.now in (2, 4):
        assert banner.current().text == "good"
    assert len(caplog.records) == 1


def test_many_readers_cost_one_look(file, banner, clock, monkeypatch):
    say(file, "one")
    checks = []
    look = os.stat
    monkeypatch.setattr(
        "km3hub.pages.banner.os.stat", lambda path: checks.append(path) or look(path)
    )
    for _ in range(1000):
        banner.current()
    assert checks == [file]


def test_without_a_file_the_banner_stays(clock):
    assert BannerFile(None, START, clock=clock).current() == START
