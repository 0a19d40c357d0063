"""Counting what users' servers use, quotas, the spawn switch, and the watch for misuse."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from km3hub.configure.extending import extend
from km3hub.spawning.options import options_form
from km3hub.usage.handlers import UsageHandler
from km3hub.usage.homes import folder_sizes, volume_sizes
from km3hub.usage.ledger import Ledger
from km3hub.usage.measure import measure_of
from km3hub.usage.pause import Pause, PauseFile
from km3hub.usage.permission import require_permission, with_notice
from km3hub.usage.watch import Alert, UsageWatch
from km3settings.names import Names
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["configure_usage"]


def configure_usage(c: Any, settings: Settings, runtime: Runtime) -> None:
    """Start the watch where a hub runs, and connect it with starts, pages and API."""
    state = runtime.state
    watch = UsageWatch(
        ledger=Ledger(state.usage),
        settings=settings,
        pause=PauseFile(state.pause),
        measure=measure_of(runtime.mode, settings.spawner.kind),
        homes=_homes(runtime),
        hub=_hub,
    )

    # Functions, because JupyterHub copies every other value of its configuration.
    def watching() -> UsageWatch:
        return watch

    def permission(spawner: Any) -> None:
        require_permission(watch, spawner)

    def paused(user: object) -> Pause | None:
        return watch.pause.read()

    def quota(user: Any) -> str:
        balance = watch.balance(user)
        return balance.sentence if balance else ""

    def alerts(user: Any) -> list[Alert]:
        # The status page is public; names are for administrators.
        return watch.alerts() if user is not None and user.admin else []

    c.Spawner.pre_spawn_hook = permission
    c.Spawner.options_form = with_notice(options_form, watch)
    handlers = [(r"/api/usage", UsageHandler, {"watch": watching})]
    extend(c.JupyterHub, "extra_handlers", handlers)
    variables = {"km3_paused": paused, "km3_quota": quota, "km3_alerts": alerts}
    extend(c.JupyterHub, "template_vars", variables)
    try:
        asyncio.get_running_loop().call_soon(watch.start)
    except RuntimeError:
        return  # the configuration is only being read


def _hub() -> Any:
    from jupyterhub.app import JupyterHub

    return JupyterHub.instance()


def _homes(runtime: Runtime) -> Callable[[], dict[str, int]]:
    if runtime.mode == "embedded":
        return lambda: folder_sizes(runtime.state.homes)

    def volumes() -> dict[str, int]:
        from km3hub.spawning.engine import engine

        client = engine(timeout=600)
        try:
            return volume_sizes(client.df, Names(runtime.project))
        finally:
            client.close()

    return volumes
