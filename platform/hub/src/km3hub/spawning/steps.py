"""The progress messages of a server's start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from km3hub.spawning.failure import StartError
from km3hub.spawning.turns import Place, Turns, WaitedTooLong, place_in_words

__all__ = ["ProgressSteps"]


class ProgressSteps:
    """A mixin for spawners: waits for a turn, records the steps of a start and reports them."""

    turns: Turns
    user: Any

    #: The place in the queue of starts; None: not waiting.
    place: Place | None = None

    _steps: list[dict[str, Any]]
    _new_step: asyncio.Event

    def forget_steps(self) -> None:
        """Forget the steps, for the next start."""
        self._steps = []
        self._new_step = asyncio.Event()
        self.place = None

    def say(self, percent: int, message: str) -> None:
        """Report a step; `percent` is the progress of the start."""
        self._report({"progress": percent, "message": message})

    @property
    def place_message(self) -> str:
        """The place in the queue in words; empty where the server does not wait."""
        return place_in_words(self.place) if self.place else ""

    @asynccontextmanager
    async def my_turn(self, contact: str) -> AsyncIterator[None]:
        """Wait for the turn of this start, and hold it.

        Raises
        ------
        StartError
            Where it does not come.
        """
        try:
            async with self.turns.turn(self.user.name, self._say_place):
                self.place = None
                yield
        except WaitedTooLong:
            raise StartError(
                "The queue of starts did not move for 15 minutes, so this start was given up."
                " Try again: your place is kept for two minutes. If it still fails, tell"
                f" {contact}.",
                reason="queue",
            ) from None
        finally:
            self.place = None

    def _say_place(self, place: Place) -> None:
        self.place = place
        step = {"progress": 5, "message": place_in_words(place), "place": place.number}
        # A page that is opened now needs the current place only.
        if self._steps and "place" in self._steps[-1]:
            self._steps.pop()
        self._report(step)

    def _report(self, step: dict[str, Any]) -> None:
        self._steps.append(step)
        self._new_step.set()
        self._new_step = asyncio.Event()

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Yield each step as it happens; a page that is opened late gets the past ones, too."""
        last: dict[str, Any] | None = None
        while True:
            news = self._new_step
            # A place in the queue may have been replaced by a later one.
            for step in self._after(last):
                last = step
                yield step
            await news.wait()

    def _after(self, last: dict[str, Any] | None) -> list[dict[str, Any]]:
        """Returns the steps after `last`, which may have been replaced."""
        for index, step in enumerate(self._steps):
            if step is last:
                return self._steps[index + 1 :]
        if last and "place" in last:
            places = [index for index, step in enumerate(self._steps) if "place" in step]
            return self._steps[places[-1] :] if places else []
        return list(self._steps)
