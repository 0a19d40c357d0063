"""Users' servers that were running before the hub was started again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx

from km3settings.waiting import wait_until

__all__ = ["await_servers"]

_PAGE = 100
#: Seconds between two checks.
_INTERVAL = 0.2


def await_servers(client: httpx.Client, hub: str, token: str, seconds: float) -> tuple[int, int]:
    """Wait until the proxy leads to each server that the hub knows.

    A hub that has just restarted checks its servers first, and then adds their routes.

    Parameters
    ----------
    client
        Sends the requests.
    hub
        The address of the hub's pages, without a slash at its end, e.g.
        `http://127.0.0.1:8000/hub`.
    token
        Of a service that may list users and their servers.
    seconds
        The longest wait.

    Returns
    -------
    int, int
        How many servers run, and how many of these cannot be reached yet.
    """
    found = (0, 0)

    def all_reached() -> bool:
        nonlocal found
        try:
            servers = list(_servers(client, hub, token))
            found = len(servers), sum(not _reached(client, hub, server) for server in servers)
        except (httpx.HTTPError, ValueError):
            found = (0, 0)
            return False
        return found[1] == 0

    wait_until(all_reached, seconds=seconds, interval=_INTERVAL)
    return found


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
    # At the hub's own host name, as programs with a token do, because a user's own host name may be
    # unknown on this machine. The server gets no real token: its user could read it.
    address = httpx.URL(hub).copy_with(path=f"{httpx.URL(server['url']).path}api")
    headers = {"Authorization": "token none"}
    answer = client.get(address, headers=headers, follow_redirects=False)
    # What the proxy does not know is the hub's, which sends it to a page of its own.
    page = httpx.URL(answer.headers.get("Location", "")).path
    sent_away = page.startswith(f"{httpx.URL(hub).path}/user/")
    return answer.status_code < 500 and answer.status_code != 424 and not sent_away
