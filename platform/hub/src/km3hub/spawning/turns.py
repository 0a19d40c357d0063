"""The queue of starts: a machine starts as many servers at a time as it can carry.

Thirty servers that start together on two cores are all ready at the end; started in turn, the
first person works after seconds and the last one waits no longer than before.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from prometheus_client import Gauge

__all__ = ["WAITING_LIMIT", "Place", "Turns", "WaitedTooLong", "place_in_words"]

#: Seconds that somebody may wait for a turn, which JupyterHub counts as a part of the start.
WAITING_LIMIT = 900
#: Seconds for which a place is kept after a failed or cancelled start.
KEPT = 120.0
#: Seconds between two checks whether there is memory again.
CHECK = 2.0
#: The number of recent starts whose mean duration predicts the next ones.
RECENT = 20

WAITING = Gauge("km3net_starts_waiting", "Servers that wait for their turn to start")
STARTING = Gauge("km3net_starts_running", "Servers that are starting")


class WaitedTooLong(Exception):
    """No turn came within `WAITING_LIMIT` seconds."""


@dataclass(frozen=True)
class Place:
    """A place in the queue."""

    before: int
    """How many others start earlier."""
    seconds: float | None = None
    """Until the server is ready, as recent starts predict; None: there were none."""
    short_of_memory: bool = False
    """Whether the queue stands still until other servers have stopped."""

    @property
    def number(self) -> int:
        """The place, counted from 1."""
        return self.before + 1


@dataclass(order=True)
class _Ticket:
    number: int
    tell: Callable[[Place], None] = field(compare=False)
    admitted: asyncio.Future[None] = field(compare=False)
    told: Place | None = field(default=None, compare=False)


class Turns:
    """A queue that allows `places` starts at the same time, in the order of arrival.

    Whoever tries again soon after a failed or cancelled start gets the former place. Everything is
    in memory; after a restart of the hub `expect` gives the places back.

    Parameters
    ----------
    places
        How many may be starting at the same time.
    room
        Returns whether the machine has memory for one more start beside the given number of
        starts; None: memory is not checked.
    clock
        The time in seconds.
    """

    def __init__(
        self,
        places: int,
        *,
        room: Callable[[int], bool] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._places = places
        self._room = room
        self._clock = clock
        self._numbers = count()
        self._waiting: list[_Ticket] = []
        self._starting = 0
        self._kept: dict[str, tuple[int, float]] = {}
        self._durations: deque[float] = deque(maxlen=RECENT)
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(self, user: str, tell: Callable[[Place], None]) -> AsyncIterator[None]:
        """Wait for a place and hold it.

        Parameters
        ----------
        user
            Whose server starts.
        tell
            Called with the place in the queue whenever it changes; not where nobody has to wait.

        Raises
        ------
        WaitedTooLong
            After `WAITING_LIMIT` seconds.
        """
        number = self._number(user)
        ticket = _Ticket(number, tell, asyncio.get_running_loop().create_future())
        try:
            await self._admission(ticket)
            began = self._clock()
            try:
                yield
                # First, because it tells those who wait how long they will.
                self._durations.append(self._clock() - began)
            finally:
                self._release()
        except BaseException:
            self._keep(user, number)
            raise

    def expect(self, users: Iterable[str]) -> None:
        """Give places to users who waited, in this order, before the hub was restarted."""
        for user in users:
            self._keep(user, next(self._numbers))

    def _number(self, user: str) -> int:
        number, until = self._kept.pop(user, (0, -math.inf))
        return number if self._clock() < until else next(self._numbers)

    def _keep(self, user: str, number: int) -> None:
        now = self._clock()
        self._kept = {name: kept for name, kept in self._kept.items() if kept[1] > now}
        self._kept[user] = number, now + KEPT

    async def _admission(self, ticket: _Ticket) -> None:
        self._waiting.append(ticket)
        self._waiting.sort()
        self._admit()
        try:
            async with asyncio.timeout(WAITING_LIMIT):
                await ticket.admitted
        except BaseException as error:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
                self._admit()
            elif not ticket.admitted.cancelled():
                self._release()
            if isinstance(error, TimeoutError):
                raise WaitedTooLong from None
            raise

    def _release(self) -> None:
        self._starting -= 1
        self._admit()

    def _admit(self) -> None:
        """Let the next ones start, and tell the others where they are."""
        # A cancelled start may not have come to leave the queue yet.
        self._waiting = [one for one in self._waiting if not one.admitted.cancelled()]
        short = False
        while self._waiting and self._starting < self._places:
            if self._room and not self._room(self._starting):
                short = True
                break
            self._starting += 1
            self._waiting.pop(0).admitted.set_result(None)
        for before, ticket in enumerate(self._waiting):
            place = Place(before, None if short else self._prediction(before), short)
            if place != ticket.told:
                ticket.told = place
                ticket.tell(place)
        WAITING.set(len(self._waiting))
        STARTING.set(self._starting)
        if short and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(CHECK, self._check)

    def _check(self) -> None:
        self._timer = None
        self._admit()

    def _prediction(self, before: int) -> float | None:
        if not self._durations:
            return None
        mean = sum(self._durations) / len(self._durations)
        # The own start comes after the wait.
        return mean * ((before + 1) / self._places + 1)


def place_in_words(place: Place) -> str:
    """Returns the message for a user who waits at `place`."""
    where = f"You are {_ordinal(place.number)} in the queue"
    if place.short_of_memory:
        return f"{where}; the machine is short of memory, so starts wait until servers have stopped"
    if place.seconds is None:
        return where
    return f"{where}; about {_duration(place.seconds)} until your server is ready"


def _ordinal(number: int) -> str:
    tens, ones = number // 10 % 10, number % 10
    ending = {1: "st", 2: "nd", 3: "rd"}.get(ones, "th") if tens != 1 else "th"
    return f"{number}{ending}"


def _duration(seconds: float) -> str:
    if seconds <= 90:
        return f"{max(5, 5 * math.ceil(seconds / 5))} seconds"
    return f"{math.ceil(seconds / 60)} minutes"
