"""Waiting until a new server is listening."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from km3hub.spawning.failure import StartError

__all__ = ["await_listening"]

#: Seconds between looks whether a starting server listens.
LISTEN_INTERVAL = 0.05
#: Seconds between looks whether it is still alive.
ALIVE_INTERVAL = 1.0


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
    give_up = loop.time() + limit
    next_check = loop.time() + ALIVE_INTERVAL
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
        await asyncio.sleep(LISTEN_INTERVAL)
