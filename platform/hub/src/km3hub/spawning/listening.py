"""Waiting until a new server is listening."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from km3hub.spawning.failure import StartError

__all__ = ["await_listening", "pause"]

#: Seconds between the first checks whether a starting server is listening.
LISTEN_INTERVAL = 0.05
#: Later the interval is this share of the time that the server has taken so far. When many servers
#: start at once each takes long, and frequent checks would take processor time from all of them.
LISTEN_SHARE = 0.04
#: Seconds between checks whether it is still alive.
ALIVE_INTERVAL = 1.0


def pause(waited: float) -> float:
    """Returns the seconds until the next check after `waited` seconds."""
    return max(LISTEN_INTERVAL, LISTEN_SHARE * waited)


async def await_listening(
    ip: str,
    port: int,
    *,
    limit: float,
    contact: str,
    require_alive: Callable[[], Awaitable[None]],
) -> None:
    """Return as soon as something is listening at `ip` and `port`.

    Parameters
    ----------
    ip, port
        Where the server will listen.
    limit
        Seconds after which waiting makes no sense.
    contact
        Whom the user should tell.
    require_alive
        Raises as soon as the server has died.

    Raises
    ------
    StartError
        After `limit` seconds.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    give_up = began + limit
    next_check = began + ALIVE_INTERVAL
    while True:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(ip, port), timeout=1)
        except (OSError, TimeoutError):
            pass
        else:
            writer.close()
            return
        if loop.time() > give_up:
            raise StartError(
                f"JupyterLab did not respond within {limit:.0f} seconds; the machine may be very"
                f" busy. Please try again in a minute; if it still fails, tell {contact}.",
                reason="timeout",
            )
        if loop.time() > next_check:
            await require_alive()
            next_check = loop.time() + ALIVE_INTERVAL
        await asyncio.sleep(pause(loop.time() - began))
