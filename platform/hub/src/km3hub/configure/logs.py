"""The hub's log: lines of JSON, from JupyterHub, libraries and the platform's own code."""

from __future__ import annotations

import logging
from typing import Any

__all__ = ["configure_logs"]


def configure_logs(c: Any) -> None:
    """Set one formatter for everything that the hub's process logs."""
    # Imported here, because this changes a class of JupyterHub.
    from km3hub.logs import HubLines, bind_requests

    bind_requests()
    c.JupyterHub.logging_config = {
        "formatters": {"console": {"class": f"{HubLines.__module__}.{HubLines.__name__}"}},
        # JupyterHub's own logger has the same handler, and would write each line twice.
        "loggers": {"JupyterHub": {"propagate": False}, "km3hub": {"level": "INFO"}},
        "root": {"level": "WARNING", "handlers": ["console"]},
    }
    # JupyterHub comments on other settings before it applies this one.
    for handler in logging.getLogger("JupyterHub").handlers:
        handler.setFormatter(HubLines())
