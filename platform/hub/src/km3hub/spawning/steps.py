"""What a user is told, step by step, while a server starts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from km3hub.spawning.turns import turn_in_words

__all__ = ["ToldSteps"]


class ToldSteps:
    """A part of a spawner: remembers the steps of a start, and tells whoever asks."""

    _steps: list[dict[str, Any]]
    _new_step: asyncio.Event

    def forget_steps(self) -> None:
        """Begin anew, for the next start."""
        self._steps = []
        self._new_step = asyncio.Event()

    def say(self, percent: int, message: str) -> None:
        """Tell the user that something begins; `percent` is how far the start has come."""
        self._steps.append({"progress": percent, "message": message})
        self._new_step.set()
        self._new_step = asyncio.Event()

    def say_turn(self, before: int) -> None:
        """Tell the user that `before` others come first."""
        self.say(5, turn_in_words(before))

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Each step of the start as it happens; whoever opens the page late sees the past ones."""
        told = 0
        while True:
            news = self._new_step
            while told < len(self._steps):
                yield self._steps[told]
                told += 1
            await news.wait()
