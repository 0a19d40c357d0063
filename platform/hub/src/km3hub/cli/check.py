"""`km3hub check`: like `km3settings check`, with what only a running hub can compare.

That is the groups of the accounts, web servers in front that no setting names, and in the hub's
container whether the broker and the service for homes answer.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from km3hub.cli.accounts import default_state, given_groups
from km3hub.cli.relay import ask, container
from km3hub.login.front import advice, recorded
from km3settings.names import Names
from km3settings.runtime import Runtime
from km3settings.state import State
from km3settings.summary import report

__all__ = ["check", "front_servers"]


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="KM3_STATE",
    default=default_state,
    help="The state folder, whose accounts have groups (default: .platform of the checkout).",
)
def check(file: Path | None, state: Path) -> None:
    """Check platform.yaml and print what it means.

    FILE defaults to the one that KM3_PLATFORM_FILE names, or else config/platform.yaml. Exit
    codes: 0 everything works, 1 it is valid but something in it cannot work, 2 it is invalid.
    """
    known = State(state)
    report(
        file,
        lambda: given_groups(known, os.environ),
        problems=[*_broker_problems(), *_homes_problems()],
        advice=lambda: [advice(address) for address in _front_servers(known)],
    )


@click.command("front-servers")
def front_servers() -> None:
    """Print the web servers in front that login.trusted_proxies does not name, as JSON."""
    click.echo(json.dumps(recorded(Runtime.from_environment().state.front_servers)))


def _front_servers(state: State) -> list[str]:
    """Returns what the running hub has recorded, here or in its container."""
    try:
        name = container(state, os.environ)
        if not name:
            return recorded(state.front_servers)
        listed = json.loads(ask(name, ["front-servers"]) or "[]")
    except (click.ClickException, ValueError):
        return []
    return [str(address) for address in listed] if isinstance(listed, list) else []


def _broker_problems() -> list[str]:
    """Returns what is wrong with the broker, where this is the container of a running hub."""
    if os.environ.get("KM3_MODE") != "docker" or not os.environ.get("DOCKER_HOST"):
        return []
    from km3hub.spawning.engine import broker_trouble

    trouble = broker_trouble()
    if not trouble:
        return []
    name = Names(Runtime.from_environment().project).broker
    return [f"the broker is not responding, so no server can start: docker logs {name} ({trouble})"]


def _homes_problems() -> list[str]:
    """Returns what is wrong with the service for homes, where this is a hub that needs it."""
    runtime = Runtime.from_environment() if os.environ.get("KM3_MODE") == "docker" else None
    if runtime is None or not runtime.homes:
        return []
    from km3hub.spawning.homes import homes_trouble

    trouble = homes_trouble()
    if not trouble:
        return []
    name = Names(runtime.project).homes
    return [
        f"users' files are not available, so no server can start: docker logs {name} ({trouble})"
    ]
