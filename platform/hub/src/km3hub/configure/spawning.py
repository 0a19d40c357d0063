"""How users' servers are started: containers or local processes, with the same form."""

from __future__ import annotations

from typing import Any

from km3hub.spawning.options import apply_user_options, options_form, options_from_form
from km3hub.spawning.turns import WAITING_LIMIT, Turns
from km3settings.runtime import Runtime
from km3settings.settings import Settings, SettingsError

__all__ = ["configure_spawning"]


def configure_spawning(c: Any, settings: Settings, runtime: Runtime) -> None:
    """Set the spawner of this mode, the menus and the time limits."""
    c.JupyterHub.spawner_class = _spawner(settings, runtime)

    spawner = c.Spawner
    spawner.options_form = options_form
    spawner.options_from_form = options_from_form
    spawner.apply_user_options = apply_user_options
    spawner.default_url = "/lab"
    # JupyterHub's limit includes the wait for a turn; ours starts after that.
    spawner.start_timeout = settings.spawner.start_timeout + WAITING_LIMIT
    spawner.http_timeout = settings.spawner.start_timeout


def _spawner(settings: Settings, runtime: Runtime) -> type:
    # Each module needs packages or programs that the other mode does not.
    if runtime.mode == "embedded":
        from km3hub.spawning.process import EmbeddedSpawner

        return _bound(EmbeddedSpawner, settings, runtime)

    from km3settings.members import members, too_many_members
    from km3settings.names import Names

    wrong = too_many_members(members(settings, Names(runtime.project)))
    if wrong:
        raise SettingsError(f"services.containers: {wrong}")
    if settings.spawner.kind == "swarm":
        from km3hub.spawning.swarm import PlatformSwarmSpawner

        return _bound(PlatformSwarmSpawner, settings, runtime)

    from km3hub.spawning.docker import PlatformDockerSpawner

    return _bound(PlatformDockerSpawner, settings, runtime)


def _bound(spawner: type, settings: Settings, runtime: Runtime) -> type:
    """Returns a subclass with the settings, because JupyterHub creates the objects itself."""
    return type(
        spawner.__name__,
        (spawner,),
        {"platform": settings, "runtime": runtime, "turns": Turns(settings.spawner.concurrent)},
    )
