"""The hub's whole configuration."""

from __future__ import annotations

from typing import Any

from km3hub.configure.culling import configure_culling
from km3hub.configure.files import configure_files
from km3hub.configure.homes import configure_homes
from km3hub.configure.login import configure_login
from km3hub.configure.logs import configure_logs
from km3hub.configure.network import configure_network
from km3hub.configure.opendata import configure_opendata
from km3hub.configure.pages import configure_pages
from km3hub.configure.privacy import configure_privacy
from km3hub.configure.rehearsal import configure_rehearsal
from km3hub.configure.restarting import configure_restarting
from km3hub.configure.robots import configure_robots
from km3hub.configure.spawning import configure_spawning
from km3hub.configure.status import configure_status
from km3hub.configure.teaching import configure_teaching
from km3hub.configure.usage import configure_usage
from km3hub.configure.workshops import configure_workshops
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["configure"]


def configure(c: Any, settings: Settings, runtime: Runtime) -> None:
    """Set everything that the platform wants of JupyterHub, topic by topic.

    Parameters
    ----------
    c
        JupyterHub's configuration.
    settings
        The settings.
    runtime
        The environment of the hub's process.
    """
    configure_logs(c)
    configure_network(c, settings, runtime)
    configure_pages(c, settings, runtime)
    configure_login(c, settings, runtime)
    configure_spawning(c, settings, runtime)
    configure_homes(c, settings, runtime)
    configure_files(c, settings, runtime)
    configure_culling(c, settings, runtime)
    configure_opendata(c, settings, runtime)
    configure_status(c, settings, runtime)
    configure_usage(c, settings, runtime)
    configure_workshops(c, settings, runtime)
    configure_privacy(c, settings, runtime)
    configure_rehearsal(c, settings, runtime)
    configure_robots(c, settings, runtime)
    configure_teaching(c, settings, runtime)
    configure_restarting(c, settings, runtime)
