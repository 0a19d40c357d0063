"""Waiting for a new server: soon noticed, and cheap for those who start beside it."""

from __future__ import annotations

from itertools import takewhile

import pytest

from km3hub.spawning.listening import LISTEN_INTERVAL, pause


def checks_within(seconds: float) -> list[float]:
    """The moments of the checks in this time, each of which takes no time itself."""
    moments = [0.0]
    while moments[-1] <= seconds:
        moments.append(moments[-1] + pause(moments[-1]))
    return list(takewhile(lambda moment: moment <= seconds, moments))


def test_a_server_that_starts_in_a_second_is_noticed_at_once() -> None:
    moments = checks_within(1.0)

    assert len(moments) == pytest.approx(1 / LISTEN_INTERVAL, abs=1)


@pytest.mark.parametrize("seconds", [2.0, 10.0, 60.0, 300.0])
def test_no_start_is_prolonged_by_more_than_a_twentieth(seconds: float) -> None:
    last = checks_within(seconds)[-1]

    assert last + pause(last) <= 1.05 * seconds + LISTEN_INTERVAL


def test_a_server_that_takes_a_minute_is_checked_an_eighth_as_often() -> None:
    assert len(checks_within(60.0)) < 60 / LISTEN_INTERVAL / 8
