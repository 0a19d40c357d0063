"""One look at each service that users need.

A look says what a user wants to know, not what an admin needs: addresses, names of containers and
errors stay in the hub's log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tornado.httpclient import AsyncHTTPClient

from km3hub.status.history import Look

__all__ = ["Address", "Container", "Counts", "Starts"]

log = logging.getLogger("jupyterhub.km3hub.status")

#: Seconds that an answer may take.
PATIENCE = 10.0


@dataclass(frozen=True)
class Address:
    """A service that answers by HTTP.

    Parameters
    ----------
    service
        Its name in the history.
    url
        A page that answers 200 while it works.
    """

    service: str
    url: str

    async def __call__(self) -> Look:
        """Ask for the page."""
        began = time.monotonic()
        try:
            client = AsyncHTTPClient()
            await client.fetch(self.url, connect_timeout=PATIENCE, request_timeout=PATIENCE)
        except Exception as error:  # whatever keeps it from answering
            log.warning("%s does not answer at %s: %s", self.service, self.url, error)
            return Look(self.service, works=False, said="It does not answer.")
        return Look(self.service, works=True, said=_in(time.monotonic() - began))


@dataclass(frozen=True)
class Container:
    """A service whose container Docker watches: the hub's network does not lead to it."""

    service: str
    health: Callable[[], str]

    async def __call__(self) -> Look:
        """Ask the engine: `healthy`, `starting`, `unhealthy`, or what state it is in."""
        try:
            health = await asyncio.wait_for(asyncio.to_thread(self.health), PATIENCE)
        except Exception as error:  # the engine does not answer, or there is no such container
            log.warning("what became of %s is unknown: %s", self.service, error)
            return Look(self.service, works=False, said="It does not run.")
        if health == "healthy":
            return Look(self.service, works=True, said="It answers.")
        said = "It is starting." if health == "starting" else "It does not answer."
        return Look(self.service, works=False, said=said)


@dataclass(frozen=True)
class Counts:
    """How many servers were started, and how many could not be, since the hub runs."""

    started: int
    failed: int


@dataclass
class Starts:
    """Whether users' servers can be started, told by those that were.

    Parameters
    ----------
    counts
        Counts until now.
    engine
        Raises where nothing can be started at all; None where there is nothing to ask.
    """

    counts: Callable[[], Counts]
    engine: Callable[[], object] | None = None
    service: str = "servers"
    _seen: deque[tuple[float, Counts]] = field(default_factory=deque)

    #: Seconds: what is shown, and what is judged.
    SHOWN = 3600.0
    JUDGED = 900.0

    async def __call__(self) -> Look:
        """Compare with an hour ago."""
        now = time.monotonic()
        counts = self.counts()
        while self._seen and self._seen[0][0] < now - self.SHOWN:
            self._seen.popleft()
        self._seen.append((now, counts))
        if self.engine:
            try:
                await asyncio.wait_for(asyncio.to_thread(self.engine), PATIENCE)
            except Exception as error:  # whatever keeps it from answering
                log.warning("the container engine does not answer: %s", error)
                return Look(self.service, works=False, said="No server can be started.")
        lately = self._since(now - self.JUDGED)
        hour = self._since(now - self.SHOWN)
        # One failure may be a user's own, a full home for instance.
        works = not (lately.failed >= 2 and lately.failed > lately.started)
        return Look(self.service, works, _sentence(hour))

    def _since(self, moment: float) -> Counts:
        before = next(counts for seen, counts in self._seen if seen >= moment)
        now = self._seen[-1][1]
        return Counts(now.started - before.started, now.failed - before.failed)


def _sentence(hour: Counts) -> str:
    if not hour.started and not hour.failed:
        return "Nobody started a server in the last hour."
    failed = f"{hour.failed} failed" if hour.failed else "none failed"
    return f"{hour.started} started in the last hour, {failed}."


def _in(seconds: float) -> str:
    return "It answers." if seconds < 1 else f"It answers, slowly ({seconds:.0f} s)."


#: Anything that looks at a service.
LookAt = Callable[[], Awaitable[Look]]
