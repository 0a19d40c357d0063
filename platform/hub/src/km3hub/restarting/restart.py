"""Stops a user's server and starts it again."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from tornado import web

from km3hub.spawning.failure import StartError

__all__ = ["BusyError", "RefusedError", "begin_restart", "is_restarting", "start", "stop"]

log = logging.getLogger("jupyterhub.km3hub.restarting")

#: The restarts that are going on, by user name. The event loop has only weak references to tasks.
_tasks: dict[str, asyncio.Task[None]] = {}


class BusyError(Exception):
    """The server is starting or stopping already; the message is for people."""


class RefusedError(Exception):
    """The server could be stopped but not started again now; the message is for people."""


def is_restarting(name: str) -> bool:
    """Returns whether the server of a user is being restarted."""
    return name in _tasks


def begin_restart(handler: Any, user: Any, options: dict[str, Any] | None = None) -> None:
    """Stop the server of a user, start it again, and return at once.

    Parameters
    ----------
    handler
        The handler of the request; whoever sent it must have been authorised.
    user
        JupyterHub's user.
    options
        Spawn options; None: those of the last start.

    Raises
    ------
    BusyError
        Where the server is starting or stopping.
    RefusedError
        Where it could not be started again, for example because starts are paused.
    """
    _require_idle(user)
    _require_permission(handler, user)
    task = asyncio.get_running_loop().create_task(_restart(handler, user, options))
    _tasks[user.name] = task
    task.add_done_callback(lambda done: _tasks.pop(user.name, None))


async def _restart(handler: Any, user: Any, options: dict[str, Any] | None) -> None:
    try:
        if user.spawners[""].active:
            # The handler waits ten seconds only; the start must wait until the server has stopped.
            await (await handler.stop_single_user(user))
        await _start(handler, user, options)
    except web.HTTPError as error:
        log.warning("the server of %s was not restarted: %s", user.name, error.log_message)
    except Exception:
        log.exception("the server of %s was not restarted", user.name)


async def stop(handler: Any, user: Any) -> None:
    """Stop the server of a user; return when it has stopped, or after ten seconds.

    Raises
    ------
    BusyError
        Where the server is starting or stopping.
    """
    _require_idle(user)
    if user.spawners[""].active:
        await handler.stop_single_user(user)


def start(handler: Any, user: Any) -> None:
    """Start the server of a user with the options of the last start, and return at once.

    Raises
    ------
    BusyError
        Where the server is running, starting or stopping.
    """
    _require_idle(user)
    if user.spawners[""].active:
        raise BusyError(f"The server of {user.name} is running already.")
    begin_restart(handler, user)


def _require_idle(user: Any) -> None:
    pending = user.spawners[""].pending
    if pending or is_restarting(user.name):
        doing = "stopping" if pending == "stop" else "starting"
        raise BusyError(f"The server of {user.name} is {doing}. Try again when that is done.")


def _require_permission(handler: Any, user: Any) -> None:
    """Ask what JupyterHub asks before a start, before anything is stopped."""
    spawner = user.spawners[""]
    hook = spawner.pre_spawn_hook
    if hook is None:
        return
    before, spawner.handler = spawner.handler, handler
    try:
        hook(spawner)
    except StartError as error:
        raise RefusedError(error.jupyterhub_message) from None
    finally:
        spawner.handler = before


async def _start(handler: Any, user: Any, options: dict[str, Any] | None) -> None:
    if options is None:
        options = dict(user.spawners[""].orm_spawner.user_options or {})
    await handler.spawn_single_user(user, options=options)
