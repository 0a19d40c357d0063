"""Restarting a server with a larger size from JupyterLab."""

from __future__ import annotations

from typing import Any

from km3hub.configure.extending import extend
from km3hub.restarting.larger import LargerSizeHandler, RestartingPage
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["configure_restarting"]


def configure_restarting(c: Any, settings: Settings, runtime: Runtime) -> None:
    """Add the API for users' servers, and the page that is shown meanwhile."""
    handlers = [
        (r"/api/larger-size", LargerSizeHandler, {"settings": settings}),
        (r"/restarting", RestartingPage),
    ]
    extend(c.JupyterHub, "extra_handlers", handlers)
