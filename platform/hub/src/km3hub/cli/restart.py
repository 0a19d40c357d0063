"""Commands for the launcher, which starts and restarts the hub: for programs, not for people."""

from __future__ import annotations

import json
import sys

import click
import httpx
from traitlets.config.loader import PyFileConfigLoader

from km3hub.hub import CONFIGURATION
from km3hub.spawning.running import await_servers as wait
from km3settings.entrance import Entrance
from km3settings.runtime import Runtime
from km3settings.secret import keep_secret as keep
from km3settings.settings import load

__all__ = ["await_servers", "keep_secret", "rehearse"]

#: The proxy's port in its container (`configure/network.py`).
_PROXY_PORT = 8000


@click.command()
def rehearse() -> None:
    """Read the hub's configuration as JupyterHub does, without starting anything."""
    PyFileConfigLoader(str(CONFIGURATION)).load_config()


@click.command("await-servers")
@click.option("--seconds", type=float, default=60, show_default=True, help="How long to wait.")
def await_servers(seconds: float) -> None:
    """Wait until the proxy has a route to each running user's server.

    Prints {"running": how many run, "unreached": how many of these cannot be reached yet}.
    """
    runtime = Runtime.from_environment()
    entrance = Entrance(load(runtime.settings_file), runtime)
    containers = f"http://127.0.0.1:{_PROXY_PORT}{entrance.path}/hub"
    hub = containers if runtime.mode == "docker" else entrance.hub
    # Loading certificates would take longer than the request; the network's web proxy cannot
    # reach loopback.
    with httpx.Client(verify=False, timeout=5, trust_env=False) as client:  # noqa: S501
        running, unreached = wait(client, hub, runtime.state.secret("platform"), seconds)
    click.echo(json.dumps({"running": running, "unreached": unreached}))


@click.command("keep-secret")
def keep_secret() -> None:
    """Read the OpenID client secret from standard input and store it in the state folder."""
    keep(Runtime.from_environment().state, sys.stdin.read())
