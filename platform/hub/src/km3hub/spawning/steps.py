"""The progress messages of a server's start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from km3hub.spawning.turns import turn_in_words

__all__ = ["ProgressSteps"]


class ProgressSteps:
    """A mixin for spawners: records the steps of a start and reports them."""

    _steps: list[dict[str, Any]]
    _new_step: asyncio.Event

    def forget_steps(self) -> None:
        """Forget the steps, for the next start."""
        self._steps = []
        self._new_step = asyncio.Event()

    def say(self, percent: int, message: str) -> None:
        """Report a step; `percent` is the progress of the start."""
        self._steps.append({"progress": percent, "message": message})
        self._new_step.set()
        self._new_step = asyncio.Event()

    def say_turn(self, before: int) -> None:
        """Report that `before` other starts come first."""
        self.say(5, turn_in_words(before))

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Yield each step as it happens; a page that is opened late gets the past ones, too."""
        told = 0
        while True:
            news = self._new_step
            while told < len(self._steps):
                yield self._steps[told]
                told += 1
            await news.wait()
