"""Waiting for something that another process does, with a limit and a useful failure."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["wait_until"]

Answer = TypeVar("Answer")


def wait_until(
    condition: Callable[[], Answer],
    *,
    seconds: float,
    what: str | Callable[[], str],
    ignoring: type[Exception] | tuple[type[Exception], ...] = (),
    interval: float = 0.1,
) -> Answer:
    """Call a condition until its answer is true, and return that answer.

    The condition is called once more after the limit, so that a machine that is busy elsewhere
    fails no test. To give up early, for example because a process died, the condition raises.

    Parameters
    ----------
    condition
        Called without arguments.
    seconds
        The limit.
    what
        What is awaited, for the failure: "the portal answers". A function is called only then, for
        example to show a log.
    ignoring
        Exceptions of the condition that mean "not yet", such as a refused connection.
    interval
        Seconds between two calls.

    Raises
    ------
    AssertionError
        The limit is over; the message has `what` and the last answer or exception.
    """
    end = time.monotonic() + seconds
    while True:
        over = time.monotonic() >= end
        last: object
        try:
            last = answer = condition()
        except ignoring as error:
            last = error
        else:
            if answer:
                return answer
        if over:
            awaited = what if isinstance(what, str) else what()
            raise AssertionError(f"not within {seconds:g} s: {awaited} (last: {last!r:.500})")
        time.sleep(interval)
