"""The Open Data Center in embedded mode: a process that the hub starts and restarts.

It has a port of its own, not a route of the hub's proxy: its pages must not share an origin with
users' servers, unless an administrator says so (`services.opendata.public_url` at the hub's host;
then curators cannot log in there). In containers it is a service of docker-compose.yml.
"""

from __future__ import annotations

import os
from typing import Any

from km3hub.configure.extending import extend
from km3settings.portal import Portal
from km3settings.proxies import VARIABLES
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["configure_opendata"]

#: Variables of the hub's process to pass on to the portal; none is a secret.
_KEPT = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
    *VARIABLES,
)


def configure_opendata(c: Any, settings: Settings, runtime: Runtime) -> None:
    """Add the portal to the hub's services, where the hub starts it."""
    portal = Portal(settings, runtime)
    if runtime.mode != "embedded" or not portal.runs_here:
        return
    state = runtime.state
    python = state.environments / "opendata" / "bin" / "python"
    log = state.logs / "opendata.log"
    # Through a shell, because JupyterHub ends when it cannot start a service, for example without
    # the environment. With low priority, so that the login page comes first.
    script = 'exec nice -n 5 "$@" >>"$0" 2>&1 </dev/null'
    serve = [str(python), "-s", "-m", "opendata", "serve", *portal.serve_options()]
    environment = {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        **portal.own_environment(),
        "OPENDATA_STATE": str(state.opendata),
        "OPENDATA_HOST": "127.0.0.1",
        "OPENDATA_PORT": str(portal.port),
        # `make down` finds the process by these, even without the hub.
        "KM3_STATE": str(state.root),
        "KM3_ROLE": "opendata",
    }
    service = {
        "name": "opendata",
        "command": ["sh", "-c", script, str(log), *serve],
        "cwd": str(state.root),
        "environment": environment,
        "display": False,
    }
    extend(c.JupyterHub, "services", [service])
