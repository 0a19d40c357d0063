"""The tasks of a swarm's services. Does not need JupyterHub."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["RUNNING", "STARTING", "lives", "newest"]

#: The states of a task before it is running, and the running state; all others are final.
STARTING = frozenset(
    {"new", "allocated", "pending", "assigned", "accepted", "preparing", "ready", "starting"}
)
RUNNING = "running"


def newest(tasks: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Returns the latest task of a service, or None."""
    return max(tasks, key=lambda task: str(task["CreatedAt"]), default=None)


def lives(task: Mapping[str, Any]) -> bool:
    """Returns whether the task is running or about to."""
    state = task["Status"]["State"]
    return state == RUNNING or state in STARTING
