"""The privacy page, and the deletion of old logs where the hub keeps them."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from km3hub.configure.extending import extend
from km3hub.privacy.kept import kept
from km3hub.privacy.logs import delete_old_entries
from km3hub.privacy.page import PrivacyHandler
from km3settings.portal import Portal
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["configure_privacy"]

log = logging.getLogger("jupyterhub.km3hub.privacy")

#: Seconds between two checks whether the day has changed.
PERIOD = 600.0
#: Seconds after the start before the first one: `make up` reads the log of a hub that starts.
GRACE = 120.0

#: The event loop has only weak references to tasks.
_tasks: list[asyncio.Task[None]] = []


def configure_privacy(c: Any, settings: Settings, runtime: Runtime) -> None:
    """Add the page, and delete old logs once a day where a hub runs in embedded mode."""
    options = {
        "rows": kept(settings, runtime),
        "policy": settings.privacy.policy_url or "",
        "portal": Portal(settings, runtime).for_people,
    }
    extend(c.JupyterHub, "extra_handlers", [(r"/privacy", PrivacyHandler, options)])
    if runtime.logs != "files":
        return
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return  # the configuration is only being read
    _tasks.append(loop.create_task(_keep_deleting(settings, runtime)))


async def _keep_deleting(settings: Settings, runtime: Runtime) -> None:
    await asyncio.sleep(GRACE)
    while True:
        try:
            days = settings.privacy.log_days
            await asyncio.to_thread(delete_old_entries, runtime.state.logs, days, time.time())
        except OSError as error:
            log.error("old log entries could not be deleted: %s", error)
        await asyncio.sleep(PERIOD)
