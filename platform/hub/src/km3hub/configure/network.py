"""Addresses of hub and proxy, their state, and what survives a restart."""

from __future__ import annotations

from typing import Any

from km3hub.configure.origins import configure_origins
from km3hub.database import connect_arguments, stop_pinging
from km3settings.entrance import Entrance
from km3settings.origins import Origins
from km3settings.runtime import Runtime
from km3settings.settings import Settings
from km3settings.state import PROXY_ORIGINS, PROXY_SCRIPT

__all__ = ["configure_network"]


def configure_network(c: Any, settings: Settings, runtime: Runtime) -> None:
    """Set addresses, database, secrets, and that servers outlive hub and proxy."""
    state = runtime.state
    state.create()

    hub = c.JupyterHub
    hub.db_url = f"sqlite:///{state.database}"
    hub.db_kwargs = {"connect_args": connect_arguments()}
    stop_pinging()
    hub.cookie_secret = bytes.fromhex(state.secret("cookie"))
    # A restart of the hub must not end users' kernels.
    hub.cleanup_servers = False
    # Starts are never refused: users wait for their turn (spawning/turns.py).
    hub.concurrent_spawn_limit = 0
    configure_origins(c, Origins(settings, runtime))

    proxy = c.ConfigurableHTTPProxy
    # In containers the proxy has its own container, and both get the same secret.
    proxy.auth_token = runtime.proxy_token or state.secret("proxy")
    if runtime.mode == "docker":
        _containers(c, Entrance(settings, runtime))
    else:
        _processes(c, Entrance(settings, runtime))

    # The administrator's commands talk to the hub as this service.
    hub.services = [
        {"name": "platform", "api_token": state.secret("platform"), "display": False},
    ]
    hub.load_roles = [
        {
            "name": "platform",
            "description": "The command line of this machine's administrator",
            # `access:servers` and `tokens`: for notices in servers that will be stopped, each with
            # a token for that server only (spawning/drain.py); `delete:users`: km3hub accounts
            # erase; `start:servers`: interrupted starts (spawning/interrupted.py), workshop start;
            # `admin:users`: users who have never logged in (workshop start), rehearsals.
            "scopes": [
                "admin:users",
                "list:users",
                "read:servers",
                "start:servers",
                "delete:servers",
                "access:servers",
                "delete:users",
                "tokens",
            ],
            "services": ["platform"],
        },
    ]


def _processes(c: Any, entrance: Entrance) -> None:
    runtime, port = entrance.runtime, entrance.runtime.port
    c.JupyterHub.bind_url = f"{entrance.local}/"
    c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{port + 1}"
    c.JupyterHub.cleanup_proxy = True
    proxy = c.ConfigurableHTTPProxy
    proxy.api_url = f"http://127.0.0.1:{port + 2}"
    proxy.pid_file = str(runtime.state.run / "proxy.pid")
    variables = Origins(entrance.settings, runtime).environment()
    proxy.command = [
        *("env", *(f"{name}={value}" for name, value in variables.items())),
        # As a URL, in which `#`, `?` and `%` of a folder's name have no special meaning.
        *(runtime.node, "--import", (runtime.state.proxy / PROXY_ORIGINS).absolute().as_uri()),
        str(runtime.state.proxy / PROXY_SCRIPT),
    ]


def _containers(c: Any, entrance: Entrance) -> None:
    # Hub and proxy share one network namespace (the compose service `net`), so that the proxy's
    # API listens on loopback, out of reach of users' networks.
    c.JupyterHub.bind_url = f"http://0.0.0.0:8000{entrance.path}/"
    c.JupyterHub.hub_bind_url = "http://0.0.0.0:8081"
    # Not a name: Docker removes names from /etc/hosts when `net` leaves a user's network.
    c.JupyterHub.hub_connect_url = "http://127.0.0.1:8081"
    c.Spawner.hub_connect_url = "http://hub:8081"
    c.JupyterHub.cleanup_proxy = False
    # A restarted proxy has no routes; the hub restores them at this interval.
    c.JupyterHub.last_activity_interval = 10
    c.JupyterHub.trusted_downstream_ips = ["127.0.0.1"]
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:8001"
