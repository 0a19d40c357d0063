"""The temporary accounts of rehearsals."""

from __future__ import annotations

from typing import Any

from km3hub.configure.extending import extend
from km3hub.rehearsal.handler import RehearsalHandler
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["configure_rehearsal"]


def configure_rehearsal(c: Any, settings: Settings, runtime: Runtime) -> None:
    """Add the API by which administrators make and remove temporary accounts."""
    extend(
        c.JupyterHub,
        "extra_handlers",
        [(r"/api/rehearsal", RehearsalHandler, {"runtime": runtime})],
    )
