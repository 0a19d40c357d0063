"""Starts that a restart of the hub interrupted are asked for again, in the same order."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from jupyterhub.utils import exponential_backoff
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

__all__ = ["interrupted", "start_again"]

log = logging.getLogger("jupyterhub.km3hub.spawning")

#: A server that was requested and has no state was waiting for its turn, or was starting.
_QUERY = """
SELECT users.name FROM spawners JOIN users ON users.id = spawners.user_id
WHERE spawners.server_id IS NOT NULL AND spawners.name = ''
AND coalesce(spawners.state, 'null') IN ('null', '{}')
ORDER BY spawners.started
"""
#: Seconds: for the hub to listen, and for it to accept a start.
_LISTENS, _ANSWER = 120, 30
#: As many may wait in the queue.
_AT_ONCE = 1000


def interrupted(database: Path) -> list[str]:
    """Returns the users whose servers were starting when the hub stopped, first come first.

    Parameters
    ----------
    database
        The hub's database, before the hub opens it.
    """
    if not database.exists():
        return []
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as db:
            return [name for (name,) in db.execute(_QUERY)]
    except sqlite3.Error as error:
        log.error("%s: interrupted starts cannot be read: %s", database.name, error)
        return []


async def start_again(users: list[str], api: str, token: str) -> None:
    """Ask the hub to start the servers of `users`.

    Parameters
    ----------
    users
        Their names.
    api
        The address of the hub's API, without a slash at the end.
    token
        A token that may start servers.
    """
    client = AsyncHTTPClient(force_instance=True, max_clients=_AT_ONCE)

    async def listens() -> bool:
        try:
            await client.fetch(f"{api}/")
        except OSError:
            return False
        return True

    try:
        await exponential_backoff(listens, "the hub does not listen", timeout=_LISTENS)
        await asyncio.gather(*(_start(client, user, api, token) for user in users))
    except TimeoutError as error:
        log.error("%d interrupted starts are lost: %s", len(users), error)
    finally:
        client.close()


async def _start(client: AsyncHTTPClient, user: str, api: str, token: str) -> None:
    request = HTTPRequest(
        f"{api}/users/{quote(user, safe='')}/server",
        method="POST",
        headers={"Authorization": f"token {token}"},
        body="",
        request_timeout=_ANSWER,
    )
    try:
        await client.fetch(request)
    except HTTPClientError as error:
        # 400: it is running after all, because the restart came after its start.
        if error.code != 400:
            log.warning("the interrupted start of %s was not repeated: %s", user, error)
    except OSError as error:
        log.warning("the interrupted start of %s was not repeated: %s", user, error)
    else:
        log.info("the interrupted start of %s was repeated", user)
