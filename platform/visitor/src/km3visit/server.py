"""A user's server: started through the queue, followed until it is ready, stopped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from km3visit.errors import VisitError
from km3visit.site import Person

__all__ = ["start_server", "stop_server"]

#: Seconds without a word of the hub, which sends something every 8 s while a server starts.
SILENCE = 60
#: Seconds that a server may take to stop, and between two checks.
STOP, INTERVAL = 60, 0.5


def _ignore(event: Mapping[str, Any]) -> None:
    pass


async def start_server(
    person: Person,
    choice: Mapping[str, str] | None = None,
    *,
    limit: float,
    tell: Callable[[Mapping[str, Any]], None] = _ignore,
) -> None:
    """Start a server and wait until it is ready, or already running.

    Parameters
    ----------
    person
        The user.
    choice
        Environment and size; None: the user's last or the first ones.
    limit
        Seconds after which to give up.
    tell
        Called with each event of the start, e.g. a place in the queue.

    Raises
    ------
    VisitError
        If the hub refuses, or the server does not start.
    """
    try:
        async with asyncio.timeout(limit), person.client() as client:
            answer = await client.post(f"{person.api}/server", json=dict(choice or {}) or None)
            if answer.status_code == 400 and "already running" in answer.text:
                return
            if answer.status_code not in (201, 202):
                raise VisitError(f"the hub starts no server: {_message(answer)}")
            await _follow(person, client, tell)
    except TimeoutError:
        raise VisitError(f"the server is not ready after {limit:.0f} s") from None


async def _follow(
    person: Person, client: httpx.AsyncClient, tell: Callable[[Mapping[str, Any]], None]
) -> None:
    progress = f"{person.api}/server/progress"
    async with client.stream("GET", progress, timeout=SILENCE) as events:
        async for line in events.aiter_lines():
            if not line.startswith("data:"):
                continue
            event = json.loads(line.removeprefix("data:"))
            if event.get("failed"):
                raise VisitError(f"the server does not start: {event['message']}")
            if event.get("ready"):
                return
            tell(event)
    raise VisitError("the server does not become ready")


async def stop_server(person: Person) -> None:
    """Stop the user's server, if one runs, and wait until it is gone.

    Raises
    ------
    VisitError
        If it still runs after a minute.
    """
    try:
        async with asyncio.timeout(STOP), person.client() as client:
            await client.delete(f"{person.api}/server")
            while (await client.get(person.api)).json().get("servers"):
                await asyncio.sleep(INTERVAL)
    except TimeoutError:
        raise VisitError(f"the server did not stop within {STOP} s") from None


def _message(answer: httpx.Response) -> str:
    """Returns the hub's sentence where there is one."""
    try:
        sentence = str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        sentence = answer.text
    return f"{answer.status_code} {sentence[:300]}".strip()
