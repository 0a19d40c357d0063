"""How the commands of a workshop reach the hub, from this machine or from within its container."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass

import click

from km3hub.cli.installation import address_for_people, hub_address, runtime_of, settings_of
from km3hub.cli.relay import ask, container
from km3hub.cli.workshop.arguments import reported
from km3settings.amounts import in_bytes
from km3settings.state import State

__all__ = ["Access", "access", "access_here", "show_access"]


@dataclass(frozen=True)
class Access:
    """A way into the hub of this machine, as its administrator."""

    address: str
    """The base address, without a slash at the end."""
    site_proxy: bool
    """Whether `address` lies behind the web server that has the certificates."""
    token: str
    """Of the platform itself."""
    memory: dict[str, int]
    """Bytes that a server of each size may use; empty where limits are not enforced."""
    outside: str = ""
    """The base address for people, where that is another one."""


def access_here(state: State) -> Access:
    """Returns how a program that runs where the hub runs gets in."""
    runtime = runtime_of(state)
    settings = settings_of(runtime)
    inside = runtime.mode == "docker"
    public = settings.site.public_url or ""
    outside = address_for_people(settings, runtime)
    return Access(
        address=hub_address(state).removesuffix("/hub") if inside else outside,
        site_proxy=inside and public.startswith("https:"),
        token=state.secret("platform"),
        memory={size.name: in_bytes(size.memory) for size in settings.sizes} if inside else {},
        outside=outside,
    )


def access(state: State) -> Access:
    """Returns the way in, asking the hub's container where that has the state.

    Raises
    ------
    click.ClickException
        If that is not running.
    """
    name = container(state, os.environ)
    if name is None:
        with reported():
            return access_here(state)
    answer = ask(name, ["workshop", "show-access"])
    if answer is None:
        raise click.ClickException(
            f"the hub's container {name} does not answer; see what it reports: docker logs {name}"
        )
    inside = Access(**json.loads(answer))
    # From outside, the hub is where users find it; only its container knows settings and port.
    return Access(inside.outside, site_proxy=False, token=inside.token, memory=inside.memory)


@click.command("show-access", hidden=True)
@click.pass_obj
def show_access(state: State) -> None:
    """Print address and token of this hub for the commands of a workshop; not for people."""
    with reported():
        click.echo(json.dumps(asdict(access_here(state))))
