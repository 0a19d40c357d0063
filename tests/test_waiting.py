"""The wait that all tests share."""

from __future__ import annotations

import itertools

import pytest

from tests.waiting import wait_until


def test_the_first_true_answer_is_returned() -> None:
    answers = iter(["", None, 0, "ready", "later"])
    assert wait_until(lambda: next(answers), seconds=60, what="an answer", interval=0) == "ready"
    assert next(answers) == "later"


def test_the_failure_names_what_was_awaited_and_the_last_answer() -> None:
    with pytest.raises(AssertionError, match=r"not within 0 s: the portal answers \(last: \[\]\)"):
        wait_until(lambda: [], seconds=0, what="the portal answers")


def test_a_long_last_answer_is_cut() -> None:
    def fails() -> bool:
        raise OSError("x" * 10_000)

    with pytest.raises(AssertionError) as failure:
        wait_until(fails, seconds=0, what="a connection", ignoring=OSError)
    assert len(str(failure.value)) < 600


def test_what_can_be_a_log_that_is_read_only_at_a_failure() -> None:
    log = ["started"]

    def stops() -> bool:
        log.append("stopped")
        return False

    with pytest.raises(AssertionError, match="started stopped"):
        wait_until(stops, seconds=0, what=lambda: " ".join(log))


def test_named_exceptions_mean_not_yet_and_others_end_the_wait() -> None:
    calls = itertools.count()

    def condition() -> bool:
        match next(calls):
            case 0:
                raise ConnectionError("refused")
            case 1:
                raise RuntimeError("the process died")
        return True

    with pytest.raises(RuntimeError, match="died"):
        wait_until(condition, seconds=60, what="a port", ignoring=OSError, interval=0)
    assert next(calls) == 2


def test_a_condition_that_became_true_after_the_limit_still_counts() -> None:
    answers = iter([True])
    assert wait_until(lambda: next(answers), seconds=-1, what="an answer")
