"""The address at which users' servers ask how full their homes are."""

from __future__ import annotations

from typing import Any

from km3hub.configure.extending import extend
from km3hub.pages.home_use import HomeUseHandler
from km3hub.spawning.homes import HomesService
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["configure_homes", "limits_homes"]


def configure_homes(c: Any, settings: Settings, runtime: Runtime) -> None:
    """Add the handler, where limits are enforced."""
    if not limits_homes(settings, runtime):
        return
    kinds = ("home", "scratch") if settings.homes.scratch.size else ("home",)
    options = {"service": HomesService(), "kinds": kinds}
    extend(c.JupyterHub, "extra_handlers", [(r"/api/home-use", HomeUseHandler, options)])


def limits_homes(settings: Settings, runtime: Runtime) -> bool:
    """Returns whether the service `homes` runs, and no server starts without it."""
    return bool(runtime.homes) and settings.spawner.kind != "swarm"
