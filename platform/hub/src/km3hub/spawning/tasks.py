"""Tasks of a swarm: what a service is in the swarm's own words. Nothing here needs JupyterHub."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["RUNNING", "STARTING", "lives", "newest"]

#: States of a task before it runs, and that of one that does; all others are ends.
STARTING = frozenset(
    {"new", "allocated", "pending", "assigned", "accepted", "preparing", "ready", "starting"}
)
RUNNING = "running"


def newest(tasks: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The task of a service that counts: the one made last; None: there is none."""
    return max(tasks, key=lambda task: str(task["CreatedAt"]), default=None)


def lives(task: Mapping[str, Any]) -> bool:
    """Whether it runs or is about to."""
    state = task["Status"]["State"]
    return state == RUNNING or state in STARTING
