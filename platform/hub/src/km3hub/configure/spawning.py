"""How users' servers are started: containers or local processes, with the same form."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from km3hub.configure.extending import extend
from km3hub.pages.start import CancelStartHandler, StartAgainHandler
from km3hub.spawning.interrupted import interrupted, start_again
from km3hub.spawning.memory import room_for
from km3hub.spawning.options import apply_user_options, options_form, options_from_form
from km3hub.spawning.turns import WAITING_LIMIT, Turns
from km3settings.entrance import Entrance
from km3settings.runtime import Runtime
from km3settings.settings import Settings, SettingsError

__all__ = ["configure_spawning", "queue_of_starts"]

#: The hub's port in its container.
_HUB_PORT = 8081

_tasks: set[asyncio.Task[None]] = set()


def configure_spawning(c: Any, settings: Settings, runtime: Runtime) -> None:
    """Set the spawner of this mode, the queue of starts, the menus and the time limits."""
    turns = queue_of_starts(c, settings, runtime)
    c.JupyterHub.spawner_class = _spawner(settings, runtime, turns)

    spawner = c.Spawner
    spawner.options_form = options_form
    spawner.options_from_form = options_from_form
    spawner.apply_user_options = apply_user_options
    spawner.default_url = "/lab"
    # JupyterHub's limit includes the wait for a turn; ours starts after that.
    spawner.start_timeout = settings.spawner.start_timeout + WAITING_LIMIT
    spawner.http_timeout = settings.spawner.start_timeout


def queue_of_starts(c: Any, settings: Settings, runtime: Runtime) -> Turns:
    """Returns the queue; a restarted hub continues with those who waited.

    Its pages go before JupyterHub's own.
    """
    # The machines of a swarm are chosen by their memory (`hosts.py`), and are not this one.
    here = settings.spawner.kind != "swarm"
    turns = Turns(settings.spawner.concurrent, room=room_for if here else None)
    for section in (c.AccountsAuthenticator, c.OidcAuthenticator):
        section.first_handlers = [
            (r"/spawn", StartAgainHandler),
            (r"/spawn/([^/]+)", StartAgainHandler),
        ]
    extend(c.JupyterHub, "extra_handlers", [(r"/cancel-start/([^/]+)", CancelStartHandler)])
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return turns  # the configuration is only being read
    waited = interrupted(runtime.state.database)
    if waited:
        turns.expect(waited)
        token = runtime.state.secret("platform")
        # The proxy may be restarting, too; the hub itself is always here.
        port = runtime.port + 1 if runtime.mode == "embedded" else _HUB_PORT
        api = f"http://127.0.0.1:{port}{Entrance(settings, runtime).path}/hub/api"
        loop.call_soon(_begin, start_again(waited, api, token))
    return turns


def _begin(work: Coroutine[Any, Any, None]) -> None:
    # The loop has only a weak reference to a task.
    task = asyncio.get_running_loop().create_task(work)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


def _spawner(settings: Settings, runtime: Runtime, turns: Turns) -> type:
    # Each module needs packages or programs that the other mode does not.
    if runtime.mode == "embedded":
        from km3hub.spawning.process import EmbeddedSpawner

        return _bound(EmbeddedSpawner, settings, runtime, turns)

    from km3settings.members import members, too_many_members
    from km3settings.names import Names

    wrong = too_many_members(members(settings, Names(runtime.project)))
    if wrong:
        raise SettingsError(f"services.containers: {wrong}")
    if settings.spawner.kind == "swarm":
        from km3hub.spawning.swarm import PlatformSwarmSpawner

        return _bound(PlatformSwarmSpawner, settings, runtime, turns)

    from km3hub.spawning.docker import PlatformDockerSpawner

    return _bound(PlatformDockerSpawner, settings, runtime, turns)


def _bound(spawner: type, settings: Settings, runtime: Runtime, turns: Turns) -> type:
    """Returns a subclass with the settings, because JupyterHub creates the objects itself."""
    return type(
        spawner.__name__,
        (spawner,),
        {"platform": settings, "runtime": runtime, "turns": turns},
    )
