"""Waiting for something that another program does."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["wait_until"]


def wait_until(
    condition: Callable[[], bool],
    *,
    seconds: float,
    interval: float = 0.1,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Check `condition` until it holds, at least once.

    Parameters
    ----------
    condition
        Returns whether to stop waiting.
    seconds
        The longest wait.
    interval
        Seconds between two checks.
    sleep
        Waits for the given number of seconds.

    Returns
    -------
    bool
        False where it did not hold in time.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        sleep(interval)
    return True
