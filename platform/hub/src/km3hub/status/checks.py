"""The checks of the services that users need.

A result tells users what they want to know. What an admin needs (addresses, names of containers,
errors) is in the hub's log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from tornado.httpclient import AsyncHTTPClient

from km3hub.status.history import CheckResult

__all__ = ["Address", "Answers", "Check", "Container", "Counts", "Starts"]

log = logging.getLogger("jupyterhub.km3hub.status")

#: Seconds to wait for an answer.
TIMEOUT = 10.0


@dataclass(frozen=True)
class Address:
    """A service with an HTTP address.

    Parameters
    ----------
    service
        Its name in the history.
    url
        A page that answers with 200 while the service works.
    """

    service: str
    url: str

    async def __call__(self) -> CheckResult:
        """Request the page."""
        began = time.monotonic()
        try:
            client = AsyncHTTPClient()
            await client.fetch(self.url, connect_timeout=TIMEOUT, request_timeout=TIMEOUT)
        except Exception as error:  # for whatever reason
            log.warning("%s does not answer at %s: %s", self.service, self.url, error)
            return CheckResult(self.service, works=False, message="Not responding.")
        return CheckResult(self.service, works=True, message=_in(time.monotonic() - began))


@dataclass(frozen=True)
class Answers:
    """A service that is asked by something else than HTTP.

    Parameters
    ----------
    service
        Its name in the history.
    ask
        Asks it; raises where it does not answer. It may block.
    """

    service: str
    ask: Callable[[], object]

    async def __call__(self) -> CheckResult:
        """Ask it."""
        began = time.monotonic()
        try:
            await asyncio.wait_for(asyncio.to_thread(self.ask), TIMEOUT)
        except Exception as error:  # for whatever reason
            log.warning("%s is not responding: %s", self.service, error)
            return CheckResult(self.service, works=False, message="Not responding.")
        return CheckResult(self.service, works=True, message=_in(time.monotonic() - began))


@dataclass(frozen=True)
class Container:
    """A service in a container that the hub cannot reach; Docker checks its health."""

    service: str
    health: Callable[[], str]

    async def __call__(self) -> CheckResult:
        """Ask the engine for the container's health."""
        try:
            health = await asyncio.wait_for(asyncio.to_thread(self.health), TIMEOUT)
        except Exception as error:  # the engine does not answer, or there is no such container
            log.warning("the state of %s is unknown: %s", self.service, error)
            return CheckResult(self.service, works=False, message="Not running.")
        if health == "healthy":
            return CheckResult(self.service, works=True, message="Responding.")
        message = "Starting." if health == "starting" else "Not responding."
        return CheckResult(self.service, works=False, message=message)


@dataclass(frozen=True)
class Counts:
    """Numbers of starts of users' servers since the hub was started."""

    started: int
    failed: int


@dataclass
class Starts:
    """Whether users' servers can be started, judged by recent starts.

    Parameters
    ----------
    counts
        Returns the counts until now.
    engine
        Raises where no server can be started; None: nothing to check.
    """

    counts: Callable[[], Counts]
    engine: Callable[[], object] | None = None
    service: str = "servers"
    _seen: deque[tuple[float, Counts]] = field(default_factory=deque)

    #: Seconds: the time that is shown, and the time that is judged.
    SHOWN = 3600.0
    JUDGED = 900.0

    async def __call__(self) -> CheckResult:
        """Compare with the counts of an hour ago."""
        now = time.monotonic()
        counts = self.counts()
        while self._seen and self._seen[0][0] < now - self.SHOWN:
            self._seen.popleft()
        self._seen.append((now, counts))
        if self.engine:
            try:
                await asyncio.wait_for(asyncio.to_thread(self.engine), TIMEOUT)
            except Exception as error:  # for whatever reason
                log.warning("the container engine does not answer: %s", error)
                return CheckResult(self.service, works=False, message="No server can be started.")
        lately = self._since(now - self.JUDGED)
        hour = self._since(now - self.SHOWN)
        # A single failure may be the user's own, such as a full home.
        works = not (lately.failed >= 2 and lately.failed > lately.started)
        return CheckResult(self.service, works, _sentence(hour))

    def _since(self, moment: float) -> Counts:
        before = next(counts for seen, counts in self._seen if seen >= moment)
        now = self._seen[-1][1]
        return Counts(now.started - before.started, now.failed - before.failed)


def _sentence(hour: Counts) -> str:
    if not hour.started and not hour.failed:
        return "No server was started in the last hour."
    failed = f"{hour.failed} failed" if hour.failed else "none failed"
    return f"{hour.started} started in the last hour, {failed}."


def _in(seconds: float) -> str:
    return "Responding." if seconds < 1 else f"Responding slowly ({seconds:.0f} s)."


class Check(Protocol):
    """Any check of a service."""

    @property
    def service(self) -> str:
        """The service's name in the history."""

    async def __call__(self) -> CheckResult | None:
        """Check it once; None: it cannot be judged."""
