"""The address at which users' servers ask how full their homes are."""

from __future__ import annotations

import asyncio
from typing import Any

from km3hub.configure.extending import extend
from km3hub.pages.home_use import HomeUseHandler
from km3hub.spawning.homes import HomesService
from km3hub.spawning.shared import SharedWatch
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["configure_homes", "limits_homes"]

# The loop has only weak references to tasks.
_watches: list[SharedWatch] = []


def configure_homes(c: Any, settings: Settings, runtime: Runtime) -> None:
    """Add the handler, where limits are enforced."""
    if not limits_homes(settings, runtime):
        return
    if settings.homes.shared:
        _watch_members(settings)
    kinds = ("home", "scratch") if settings.homes.scratch.size else ("home",)
    options = {"service": HomesService(), "kinds": kinds}
    extend(c.JupyterHub, "extra_handlers", [(r"/api/home-use", HomeUseHandler, options)])


def _watch_members(settings: Settings) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return  # the configuration is only being read

    from jupyterhub.app import JupyterHub

    watch = SharedWatch(settings.homes.shared, JupyterHub.instance)
    watch.start()
    _watches.append(watch)


def limits_homes(settings: Settings, runtime: Runtime) -> bool:
    """Returns whether the service `homes` runs, and no server starts without it."""
    return bool(runtime.homes) and settings.spawner.kind != "swarm"
