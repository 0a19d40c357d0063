import pytest

from km3settings.waiting import wait_until


def test_a_condition_that_holds_is_checked_once() -> None:
    pauses: list[float] = []
    assert wait_until(lambda: True, seconds=0, sleep=pauses.append)
    assert pauses == []


def test_checks_are_an_interval_apart() -> None:
    answers = iter([False, False, True])
    pauses: list[float] = []
    assert wait_until(lambda: next(answers), seconds=60, interval=0.25, sleep=pauses.append)
    assert pauses == [0.25, 0.25]


def test_a_condition_that_never_holds_ends_the_wait() -> None:
    assert not wait_until(lambda: False, seconds=0.01, interval=0.001)


def test_an_error_of_the_condition_ends_the_wait() -> None:
    def broken() -> bool:
        raise LookupError("no such task")

    with pytest.raises(LookupError, match="no such task"):
        wait_until(broken, seconds=60)
