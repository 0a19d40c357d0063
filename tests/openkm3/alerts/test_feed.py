"""The receiver against a real HTTP server."""

import json
import logging
import threading
from itertools import islice

import pytest

from openkm3 import alerts
from openkm3.alerts.feed import FeedError

from .feed_server import Feed, serving

FEED = "/alerts/feed.json"
FAST = 0.02


def names(stream, count):
    return [alert.name for alert in islice(stream, count)]


def names_of(*numbers):
    return [f"KM3-24090{number}A" for number in numbers]


def test_all_pages_come_oldest_first_and_each_alert_once():
    feed = Feed()
    feed.issue(1, 2, 3, 4, 5)
    with serving(feed) as url:
        stream = alerts.follow(url, interval=FAST)
        assert names(stream, 5) == names_of(1, 2, 3, 4, 5)
        feed.issue(6)
        assert names(stream, 1) == names_of(6)
        stream.close()


def test_an_unchanged_feed_is_not_sent_again():
    feed = Feed()
    feed.issue(1)
    with serving(feed) as url:
        stop = threading.Event()
        seen = []
        receiver = threading.Thread(
            target=lambda: seen.extend(alerts.follow(url, interval=FAST, stop=stop))
        )
        receiver.start()
        feed.wait_until(FEED, 304, times=3)
        feed.issue(2)
        feed.wait_until("/alerts/2.json", 200)
        before = feed.asked_for(FEED, 304)
        feed.wait_until(FEED, 304, times=before + 1)
        stop.set()
        receiver.join(timeout=60)
        assert not receiver.is_alive()
        assert [alert.name for alert in seen] == names_of(1, 2)
        assert feed.asked_for(FEED, 200) == 2


def test_the_backlog_can_be_skipped():
    feed = Feed()
    feed.issue(1, 2, 3)
    with serving(feed) as url:
        stop = threading.Event()
        seen = []
        receiver = threading.Thread(
            target=lambda: seen.extend(alerts.follow(url, interval=FAST, backlog=False, stop=stop))
        )
        receiver.start()
        feed.wait_until(FEED, 304)
        feed.issue(4)
        feed.wait_until("/alerts/4.json", 200)
        stop.set()
        receiver.join(timeout=60)
        assert [alert.name for alert in seen] == names_of(4)


def test_a_restart_of_the_server_loses_and_repeats_nothing():
    feed = Feed()
    feed.issue(1)
    with serving(feed) as url:
        stream = alerts.follow(url, interval=FAST)
        assert names(stream, 1) == names_of(1)
    port = int(url.split(":")[2].split("/")[0])
    found = []
    waiting = threading.Thread(target=lambda: found.extend(names(stream, 2)))
    waiting.start()  # asks while nobody is there
    feed.issue(2, 3)
    feed.version = "2"
    with serving(feed, port):
        waiting.join(timeout=20)
        assert found == names_of(2, 3)
        stream.close()


def test_an_overloaded_server_is_asked_again():
    feed = Feed()
    feed.issue(1)
    feed.failing = {FEED: (503, {})}
    with serving(feed) as url:
        stream = alerts.follow(url, interval=FAST)
        found = []
        waiting = threading.Thread(target=lambda: found.extend(names(stream, 1)))
        waiting.start()
        feed.wait_until(FEED, 503, times=2)
        feed.failing = {"/alerts/1.json": (500, {"Retry-After": "0"})}
        feed.wait_until("/alerts/1.json", 500)
        feed.failing = {}
        waiting.join(timeout=20)
        assert found == names_of(1)


def test_a_restarted_receiver_continues_where_it_stopped(tmp_path):
    feed = Feed()
    feed.issue(1, 2, 3)
    state = tmp_path / "new" / "state.json"
    with serving(feed) as url:
        stream = alerts.follow(url, interval=FAST, state=state)
        assert names(stream, 2) == names_of(1, 2)
        stream.close()  # the second was not acknowledged by asking for the third
        assert json.loads(state.read_text()) == {"seen": ["ivo://km3net.org/VOEvent#1"]}
        again = alerts.follow(url, interval=FAST, state=state)
        assert names(again, 2) == names_of(2, 3)
        assert [path.name for path in state.parent.iterdir()] == ["state.json"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alerts": {"1": {"event_name": "A", "dec": 200}}}, "dec: must be between -90 and 90"),
        ({"alerts": {"1": [1]}}, "must be a JSON object"),
        ({"role": "test"}, "the feed says test, the alert itself observation"),
        ({"elsewhere": "http://127.0.0.2:1"}, "is not on the server of the feed"),
        ({"elsewhere": "file://"}, "is not on the server of the feed"),
        ({"bodies": {"/alerts/1.json": b" " * (5 * 2**20)}}, "larger than"),
        ({"failing": {"/alerts/1.json": (410, {})}}, "no longer on the server"),
    ],
)
def test_an_unusable_alert_is_logged_and_skipped(change, message, caplog):
    feed = Feed()
    feed.issue(1)
    for name, value in change.items():
        setattr(feed, name, value)
    with serving(feed) as url, caplog.at_level(logging.ERROR, "openkm3.alerts"):
        stop = threading.Event()
        seen = []
        receiver = threading.Thread(
            target=lambda: seen.extend(alerts.follow(url, interval=FAST, stop=stop))
        )
        receiver.start()
        feed.wait_until(FEED, 304)
        stop.set()
        receiver.join(timeout=60)
    assert seen == []
    assert message in caplog.text
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"failing": {FEED: (404, {})}}, "answers 404"),
        ({"failing": {FEED: (401, {})}}, "answers 401"),
        ({"failing": {FEED: (301, {"Location": "https://x.org/"})}}, "https://x.org/: use that"),
        ({"bodies": {FEED: b"<html>"}}, "is not an alert feed"),
        ({"bodies": {FEED: b'{"alerts": [{"id": "a"}]}'}}, r"alerts\[0\].issued"),
        ({"bodies": {FEED: b" " * (5 * 2**20)}}, "larger than"),
    ],
)
def test_an_address_that_is_not_a_feed_is_refused_at_once(change, message):
    feed = Feed(**change)
    with serving(feed) as url, pytest.raises(FeedError, match=message):
        next(alerts.follow(url, interval=FAST))


def test_a_state_that_is_none_is_refused(tmp_path):
    state = tmp_path / "state.json"
    state.write_text("[1]")
    with pytest.raises(FeedError, match="is not the state of a receiver"):
        next(alerts.follow("http://127.0.0.1:1/alerts/feed.json", state=state))


def test_polls_without_pause_are_refused():
    with pytest.raises(ValueError, match="interval must be more than 0"):
        next(alerts.follow("http://127.0.0.1:1/alerts/feed.json", interval=0))
