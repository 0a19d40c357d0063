"""What the teachers' page shows of each participant."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from km3hub.teaching.desk import Desk, Memory
from km3hub.teaching.helping import Call
from km3hub.teaching.progress import Place

__all__ = ["Participant", "State", "look"]

State = Literal["new", "stopped", "starting", "running", "stopping"]
#: Seconds after which a report is too old to be shown.
_OLD = 180.0


@dataclass(frozen=True, kw_only=True)
class Participant:
    """One participant and their server."""

    name: str
    state: State
    """`new`: has not logged in yet."""
    memory: Memory | None = None
    last_activity: datetime | None = None
    place: Place | None = None
    """The cell that was reached, where the participant agreed to show it."""
    call: Call | None = None
    """The call for help."""
    server_url: str = ""
    trouble: str = ""
    """Why the last start failed; empty where it did not."""


def look(handler: Any, desk: Desk, workshop: str, names: Iterable[str]) -> list[Participant]:
    """Returns the participants of these names, those who ask for help first."""
    places, calls = desk.progress.places(workshop), desk.help.calls(workshop)
    found = [
        replace(_one(handler, desk, name), place=places.get(name), call=calls.get(name))
        for name in names
    ]
    return sorted(found, key=lambda one: (one.call is None, one.call.asked if one.call else 0.0))


def _one(handler: Any, desk: Desk, name: str) -> Participant:
    user = handler.find_user(name)
    if user is None or user.last_activity is None:
        return Participant(name=name, state="new")
    spawner = user.spawners.get("")
    state = _state(spawner)
    memory = desk.memory.get(name) if state == "running" else None
    if memory is not None and time.time() - memory.at > _OLD:
        memory = None
    return Participant(
        name=name,
        state=state,
        memory=memory,
        last_activity=user.last_activity.replace(tzinfo=UTC),
        server_url=user.server_url(""),
        trouble=_trouble(spawner) if state == "stopped" else "",
    )


def _state(spawner: Any) -> State:
    if spawner is None:
        return "stopped"
    if spawner.pending == "stop":
        return "stopping"
    if spawner.ready:
        return "running"
    return "starting" if spawner.active else "stopped"


def _trouble(spawner: Any) -> str:
    future = getattr(spawner, "_spawn_future", None)
    if future is None or not future.done() or future.cancelled():
        return ""
    error = future.exception()
    if error is None:
        return ""
    return str(getattr(error, "jupyterhub_message", "") or "The last start failed.")
