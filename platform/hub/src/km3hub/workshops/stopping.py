"""Stopping users' servers through the hub's API."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import httpx

from km3hub.membership.names import WorkshopError
from km3settings.waiting import wait_until

__all__ = ["stop_servers"]

#: Seconds that all servers together may take to stop.
_SECONDS = 180


def stop_servers(hub: str, token: str, names: Sequence[str]) -> None:
    """Stop the servers of users, and wait until none of them runs.

    Parameters
    ----------
    hub
        The address of the hub's pages, e.g. `http://127.0.0.1:8000/hub`.
    token
        The token of the service `platform`.
    names
        The users; those whom the hub does not know have no server.

    Raises
    ------
    WorkshopError
        Where the hub does not answer, or a server does not stop.
    """
    waiting = list(names)

    def stopped() -> bool:
        nonlocal waiting
        waiting = [name for name in waiting if not _stopped(client, name)]
        return not waiting

    headers = {"Authorization": f"token {token}"}
    try:
        with httpx.Client(base_url=hub, timeout=60, trust_env=False, headers=headers) as client:
            done = wait_until(stopped, seconds=_SECONDS, interval=0.5)
    except httpx.HTTPError as error:
        raise WorkshopError(
            f"the hub does not answer at {hub} ({error}); start it: make up"
        ) from None
    if not done:
        raise WorkshopError(
            f"the servers of these accounts do not stop: {', '.join(waiting)}. Nothing was removed;"
            " look at the hub's log, then run the command again"
        )


def _stopped(client: httpx.Client, name: str) -> bool:
    """Ask for a server to be stopped; return whether none runs."""
    answer = client.get(f"/api/users/{quote(name)}")
    if answer.status_code == httpx.codes.NOT_FOUND:
        return True
    answer.raise_for_status()
    # Those that run, start or stop; stopped ones are not listed.
    if not answer.json().get("servers"):
        return True
    client.delete(f"/api/users/{quote(name)}/server")
    return False
