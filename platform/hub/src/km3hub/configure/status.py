"""The status page: which services are checked, and how, in each mode."""

from __future__ import annotations

import asyncio
from typing import Any

from km3hub.configure.extending import extend
from km3hub.configure.homes import limits_homes
from km3hub.robots.check import RobotsCheck
from km3hub.spawning.homes import homes_trouble
from km3hub.status.checks import Address, Answers, Check, Container, Counts, Starts
from km3hub.status.history import History
from km3hub.status.pages import StatusHandler, StatusJsonHandler
from km3hub.status.watch import Watch
from km3settings.names import Names
from km3settings.portal import Portal
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["configure_status"]

#: The port of the proxy in its container.
_PROXY_PORT = 8000
#: Seconds to wait for the engine.
_SECONDS = 10


def configure_status(c: Any, settings: Settings, runtime: Runtime) -> None:
    """Add the page, start the watch where a hub runs, and let Prometheus read the hub's numbers."""
    watch = Watch(History(runtime.state.status), _checks(settings, runtime))

    # A function, because JupyterHub copies every other value of its configuration.
    def watching() -> Watch:
        return watch

    handlers = [
        (r"/status", StatusHandler, {"watch": watching}),
        (r"/status\.json", StatusJsonHandler, {"watch": watching}),
    ]
    extend(c.JupyterHub, "extra_handlers", handlers)
    # A site's Prometheus reads `/hub/metrics` with this token (secret-metrics in the state folder).
    token = runtime.state.secret("metrics")
    service = {"name": "metrics", "api_token": token, "display": False}
    extend(c.JupyterHub, "services", [service])
    role = {
        "name": "metrics",
        "description": "Reads the hub's numbers for Prometheus",
        "scopes": ["read:metrics"],
        "services": ["metrics"],
    }
    extend(c.JupyterHub, "load_roles", [role])
    try:
        asyncio.get_running_loop().call_soon(watch.start)
    except RuntimeError:
        return  # the configuration is only being read


def _checks(settings: Settings, runtime: Runtime) -> list[Check]:
    containers = runtime.mode == "docker"
    proxy = _PROXY_PORT if containers else runtime.port
    checks: list[Check] = [
        Address("hub", f"http://127.0.0.1:{proxy}/_chp_healthz"),
        Starts(_counts, _ping if containers else None),
    ]
    if containers:
        checks.append(Answers("broker", _ask_broker))
        if limits_homes(settings, runtime):
            checks.append(Answers("homes", _ask_homes))
    checks.append(RobotsCheck(runtime.state.robots))
    portal = Portal(settings, runtime)
    if containers and portal.runs_here:
        name = Names(runtime.project).opendata
        checks.append(Container("data", lambda: _health(name)))
    elif portal.for_servers:
        checks.append(Address("data", f"{portal.for_servers}/health"))
    return checks


def _counts() -> Counts:
    from jupyterhub.metrics import SERVER_SPAWN_DURATION_SECONDS

    started = failed = 0
    for metric in SERVER_SPAWN_DURATION_SECONDS.collect():
        for sample in metric.samples:
            if sample.name.endswith("_count"):
                if sample.labels["status"] == "success":
                    started += int(sample.value)
                else:
                    failed += int(sample.value)
    return Counts(started, failed)


def _ask_broker() -> None:
    from km3hub.spawning.engine import broker_trouble

    if trouble := broker_trouble(timeout=_SECONDS):
        raise RuntimeError(trouble)


def _ask_homes() -> None:
    if trouble := homes_trouble(timeout=_SECONDS):
        raise RuntimeError(trouble)


def _ping() -> None:
    from km3hub.spawning.engine import engine

    client = engine(timeout=_SECONDS)
    try:
        client.ping()
    finally:
        client.close()


def _health(container: str) -> str:
    from km3hub.spawning.engine import engine

    client = engine(timeout=_SECONDS)
    try:
        state = client.inspect_container(container)["State"]
    finally:
        client.close()
    if state["Status"] != "running":
        return str(state["Status"])
    return str(state.get("Health", {}).get("Status", "unhealthy"))
