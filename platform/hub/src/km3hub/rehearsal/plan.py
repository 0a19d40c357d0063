"""What the participants of a rehearsal do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["PHASES", "Outcome", "Plan"]

#: The phases of a participant, in order; `ready` is the whole way to the first cell's answer.
PHASES = ("login", "server", "kernel", "first cell", "cells")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A rehearsal."""

    users: int
    choice: Mapping[str, str] | None = None
    """Environment and size; None: what the hub offers first."""
    within: float = 60
    """Seconds over which the participants arrive."""
    hold: float = 60
    """Seconds for which they keep their connections once all of them are there."""
    abandon: float = 0.2
    """The fraction of them who leave without closing anything, as a laptop that is shut does."""
    cells: int = 3
    """How many cells of a tutorial each of them runs."""
    start_limit: float = 1020
    """Seconds that a server may take, the wait in the queue included."""


@dataclass
class Outcome:
    """What one participant went through."""

    name: str
    seconds: dict[str, float] = field(default_factory=dict)
    """The duration of each phase that was passed."""
    failed: str = ""
    """The phase that failed; empty: none."""
    reason: str = ""
    place: int = 0
    """The worst place in the queue of starts that was shown; 0: none."""
    abandoned: bool = False

    @property
    def ready(self) -> float | None:
        """Seconds from the login page to the answer of the first cell."""
        first = PHASES[:4]
        if any(phase not in self.seconds for phase in first):
            return None
        return sum(self.seconds[phase] for phase in first)
