"""All participants of a rehearsal together: who is there, and whether somebody is still to come."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Company"]


class Company:
    """The participants.

    Parameters
    ----------
    size
        How many there are.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.here = 0
        """How many have a server and a kernel right now."""
        self.complete = asyncio.Event()
        """Set once everybody is there or has failed."""
        self._settled: set[str] = set()

    @contextmanager
    def present(self, name: str) -> Iterator[None]:
        """Count a participant as being there during the block."""
        self.here += 1
        self.settle(name)
        try:
            yield
        finally:
            self.here -= 1

    def settle(self, name: str) -> None:
        """Note that a participant is there, or has failed."""
        self._settled.add(name)
        if len(self._settled) >= self.size:
            self.complete.set()
