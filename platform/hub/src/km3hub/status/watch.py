"""Looks at every service once a minute, for as long as the hub runs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from prometheus_client import Gauge

from km3hub.status.history import PERIOD, History, Look
from km3hub.status.looks import LookAt

__all__ = ["Watch"]

log = logging.getLogger("jupyterhub.km3hub.status")

#: Seconds that the platform may take to start.
GRACE = 60.0

WORKS = Gauge("km3net_service_works", "1 while the service works for users", ["service"])


@dataclass
class Watch:
    """Fills the history; one of them runs in the hub's event loop."""

    history: History
    looks: Sequence[LookAt]
    clock: Callable[[], float] = time.time
    _task: asyncio.Task[None] | None = field(default=None)

    def start(self) -> None:
        """Begin, once; the loop keeps only a weak hold of its tasks, so it is kept here."""
        if self._task is None:
            self.history.load()
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def settle(self) -> None:
        """Wait for what starts together with the hub: that it is not there yet is no failure."""
        end = time.monotonic() + GRACE
        while time.monotonic() < end:
            if all(result.works for result in await self._all()):
                return
            await asyncio.sleep(min(PERIOD, GRACE / 12))

    async def look(self) -> None:
        """One round."""
        for result in await self._all():
            self.history.add(result, self.clock())
            WORKS.labels(service=result.service).set(int(result.works))
        try:
            self.history.save()
        except OSError as error:
            log.error("the status page forgets what it saw when the hub ends: %s", error)

    async def _all(self) -> list[Look]:
        return await asyncio.gather(*(look() for look in self.looks))

    async def _run(self) -> None:
        await self.settle()
        while True:
            try:
                await self.look()
            except Exception:  # a broken look must not end the others
                log.exception("a look at the services failed")
            await asyncio.sleep(PERIOD)
