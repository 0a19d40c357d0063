"""Limits the number of servers that start at the same time; the others wait in order.

Thirty servers that start together on two cores are all ready at the end; started in turn, the
first person works after seconds and the last one waits no longer than before.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

__all__ = ["WAITING_LIMIT", "Turns", "turn_in_words"]

#: Seconds that somebody may wait for a turn, which JupyterHub counts as a part of the start.
WAITING_LIMIT = 900


class Turns:
    """A queue that allows `places` starts at the same time.

    Parameters
    ----------
    places
        How many may be starting at the same time.
    """

    def __init__(self, places: int) -> None:
        self._places = asyncio.Semaphore(places)
        self._waiting: list[Callable[[int], None]] = []

    @asynccontextmanager
    async def turn(self, tell: Callable[[int], None]) -> AsyncIterator[None]:
        """Wait for a place and hold it; `tell` is called with the number of starts before this one.

        It is not called where there is nobody to wait for.
        """
        if self._places.locked():
            self._waiting.append(tell)
            tell(len(self._waiting) - 1)
            try:
                await self._places.acquire()
            finally:
                self._waiting.remove(tell)
            for before, other in enumerate(self._waiting):
                other(before)
        else:
            await self._places.acquire()
        try:
            yield
        finally:
            self._places.release()


def turn_in_words(before: int) -> str:
    """Returns the message for a user who waits for `before` others."""
    if before == 0:
        return "Many servers are starting; yours is next"
    return f"Many servers are starting; {before} before yours"
