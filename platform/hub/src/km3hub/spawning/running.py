"""Users' servers that were running before the hub was started again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx

__all__ = ["await_servers"]

_PAGE = 100
#: Seconds between two looks.
_INTERVAL = 0.2


def await_servers(client: httpx.Client, hub: str, token: str, seconds: float) -> tuple[int, int]:
    """Wait until the proxy leads to each server that the hub knows.

    A hub that has just come back looks after its servers first, and tells the proxy then.

    Parameters
    ----------
    client
        Asks the questions.
    hub
        The address of the hub's pages, without a slash at its end, e.g.
        `http://127.0.0.1:8000/hub`.
    token
        Of a service that may list users and their servers.
    seconds
        How long to wait at most.

    Returns
    -------
    int, int
        How many servers run, and how many of these cannot be reached yet.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            servers = list(_servers(client, hub, token))
            waiting = sum(not _reached(client, hub, server) for server in servers)
            if not waiting or time.monotonic() > deadline:
                return len(servers), waiting
        except (httpx.HTTPError, ValueError):
            if time.monotonic() > deadline:
                return 0, 0
        time.sleep(_INTERVAL)


def _servers(client: httpx.Client, hub: str, token: str) -> Iterator[dict[str, Any]]:
    offset = 0
    while True:
        answer = client.get(
            f"{hub}/api/users",
            params={"state": "active", "offset": offset, "limit": _PAGE},
            headers={"Authorization": f"token {token}"},
        )
        users = answer.raise_for_status().json()
        for user in users:
            yield from user.get("servers", {}).values()
        if len(users) < _PAGE:
            return
        offset += _PAGE


def _reached(client: httpx.Client, hub: str, server: dict[str, Any]) -> bool:
    """Whether the proxy leads to a server that the hub calls ready."""
    if server.get("pending") or not server.get("ready"):
        return False
    origin = httpx.URL(hub).copy_with(path="/")
    answer = client.get(origin.join(f"{server['url']}api"), follow_redirects=False)
    # What the proxy does not know is the hub's, which sends it to a page of its own.
    sent_away = answer.headers.get("Location", "").startswith(f"{httpx.URL(hub).path}/user/")
    return answer.status_code < 500 and not sent_away
