"""What the robots found, for the status page and for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import Gauge

from km3hub.robots.results import read_results, summary
from km3hub.status.history import CheckResult

__all__ = ["RobotsCheck"]

#: Seconds after which a round says nothing about now.
OLD = 2 * 86400.0

WORKS = Gauge("km3net_robot_works", "1 if the last trial of the robots succeeded", ["trial"])
TIME = Gauge("km3net_robots_time_seconds", "When the last round of the robots ended")


@dataclass
class RobotsCheck:
    """The result of the last round.

    Parameters
    ----------
    file
        Where the robots write it.
    clock
        The time in seconds since 1970.
    service
        Its name in the history.
    """

    file: Path
    clock: Callable[[], float] = time.time
    service: str = "robots"

    async def __call__(self) -> CheckResult | None:
        """Returns the result; None where there was no round in the last two days."""
        found = read_results(self.file)
        if found is None:
            return None
        WORKS.clear()
        for result in found.results:
            if result.works is not None:
                WORKS.labels(trial=result.name).set(int(result.works))
        ended = found.time.timestamp()
        TIME.set(ended)
        if self.clock() - ended > OLD:
            return None
        return CheckResult(self.service, works=found.works, message=summary(found))
