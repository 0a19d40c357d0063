"""Checks every service once a minute while the hub is running."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from jupyterhub.utils import exponential_backoff
from prometheus_client import Gauge

from km3hub.status.checks import Check
from km3hub.status.history import PERIOD, CheckResult, History

__all__ = ["Watch"]

log = logging.getLogger("jupyterhub.km3hub.status")

#: Seconds after the hub's start in which failures are not recorded.
GRACE = 60.0

WORKS = Gauge("km3net_service_works", "1 while the service works for users", ["service"])


@dataclass
class Watch:
    """Runs the checks in the hub's event loop and fills the history."""

    history: History
    checks: Sequence[Check]
    clock: Callable[[], float] = time.time
    _task: asyncio.Task[None] | None = field(default=None)

    def start(self) -> None:
        """Start, once. The task is kept here because the loop has only a weak reference to it."""
        if self._task is None:
            self.history.load()
            # A service that was turned off has no state, and must not hide that all others work.
            self.history.keep({check.service for check in self.checks})
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def settle(self) -> None:
        """Wait for services that start together with the hub, which are not failing yet."""
        interval = min(PERIOD, GRACE / 12)
        with contextlib.suppress(TimeoutError):
            await exponential_backoff(
                self._all_work, "", timeout=GRACE, start_wait=interval, max_wait=interval
            )

    async def _all_work(self) -> bool:
        return all(result.works for result in await self._all())

    async def check_all(self) -> None:
        """Check every service once."""
        for result in await self._all():
            self.history.add(result, self.clock())
            WORKS.labels(service=result.service).set(int(result.works))
        try:
            self.history.save()
        except OSError as error:
            log.error("the history of the status page cannot be saved: %s", error)

    async def _all(self) -> list[CheckResult]:
        found = await asyncio.gather(*(check() for check in self.checks))
        return [result for result in found if result is not None]

    async def _run(self) -> None:
        await self.settle()
        while True:
            try:
                await self.check_all()
            except Exception:  # a failing check must not end the others
                log.exception("checking the services failed")
            await asyncio.sleep(PERIOD)
