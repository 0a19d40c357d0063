"""Workshops: the download page, and what the hub does for them by itself."""

from __future__ import annotations

import asyncio
from typing import Any

from km3hub.configure.extending import extend
from km3hub.login.throttle import Throttle
from km3hub.workshops.download_pages import ArchiveFile, ArchivePage
from km3hub.workshops.downloads import Downloads
from km3hub.workshops.watch import WorkshopWatch
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["configure_workshops"]


def configure_workshops(c: Any, settings: Settings, runtime: Runtime) -> None:
    """Add the pages, and start the watch where a hub runs."""
    watch = WorkshopWatch(runtime.state, _hub)
    counted = Throttle(attempts=settings.login.attempts, pause=settings.login.pause_seconds)

    # Functions, because JupyterHub copies every other value of its configuration.
    def downloads() -> Downloads:
        return watch.downloads

    def throttle() -> Throttle:
        return counted

    page = {"downloads": downloads, "throttle": throttle}
    file = {"folder": str(runtime.state.workshops), "downloads": downloads}
    handlers = [
        (r"/archive", ArchivePage, page),
        (r"/archive-file/([a-z0-9-]+\.zip)", ArchiveFile, file),
    ]
    extend(c.JupyterHub, "extra_handlers", handlers)
    try:
        asyncio.get_running_loop().call_soon(watch.start)
    except RuntimeError:
        return  # the configuration is only being read


def _hub() -> Any:
    from jupyterhub.app import JupyterHub

    return JupyterHub.instance()
