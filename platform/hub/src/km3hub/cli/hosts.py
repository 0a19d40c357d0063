"""`km3hub hosts`: the machines of a platform on several machines. Run it in the hub's container."""

from __future__ import annotations

from typing import Any

import click
from docker.errors import DockerException

from km3hub.spawning.drain import DrainError, RunningServers, drain
from km3hub.spawning.engine import engine
from km3hub.spawning.hosts import Host, HostsFile, known_hosts
from km3settings.entrance import Entrance
from km3settings.runtime import Runtime
from km3settings.settings import load

__all__ = ["hosts"]


def _file(runtime: Runtime) -> HostsFile:
    return HostsFile(runtime.state.hosts)


def _servers(runtime: Runtime) -> RunningServers:
    path = Entrance(load(runtime.settings_file), runtime).path
    return RunningServers(
        # Both share the network namespace of this container (`configure/network.py`).
        hub=f"http://127.0.0.1:8081{path}",
        proxy=f"http://127.0.0.1:8000{path}",
        token=runtime.state.secret("platform"),
    )


def _known() -> dict[str, Host]:
    try:
        client: Any = engine()
        return known_hosts(client.nodes())
    except DockerException as error:
        raise click.ClickException(f"the swarm is not responding: {error}") from None


@click.group()
@click.pass_context
def hosts(ctx: click.Context) -> None:
    """The machines that users' servers run on, in a deployment on several."""
    ctx.obj = Runtime.from_environment()


@hosts.command("list")
@click.pass_obj
def list_(runtime: Runtime) -> None:
    """Show each machine with its numbers of homes and running servers."""
    file = _file(runtime)
    homes = file.homes
    try:
        running = _servers(runtime).users()
    except DrainError as error:
        raise click.ClickException(str(error)) from None
    for name, host in sorted(_known().items()):
        state = "accepts servers"
        if not host.answers:
            state = "not responding"
        elif name in file.closed or not host.active:
            state = "closed"
        mine = [user for user, where in homes.items() if where == name]
        count = sum(user in running for user in mine)
        click.echo(f"{name}: {state}; {len(mine)} homes, {count} servers")


@hosts.command("users")
@click.argument("name")
@click.pass_obj
def users(runtime: Runtime, name: str) -> None:
    """Print the users whose homes are on the machine NAME, one per line."""
    for user in sorted(user for user, where in _file(runtime).homes.items() if where == name):
        click.echo(user)


@hosts.command("note")
@click.argument("name")
@click.argument("users", nargs=-1)
@click.pass_obj
def note(runtime: Runtime, name: str, users: tuple[str, ...]) -> None:
    """Record that the homes of USERS are on the machine NAME; existing records are kept."""
    file = _file(runtime)
    new = [user for user in users if user not in file.homes]
    placed = file.place(dict.fromkeys(users, name))
    for user, where in placed.items():
        if where != name:
            click.echo(f"{user} also has a home on {name}; the one on {where} is used", err=True)
    click.echo(f"{len(new)} new homes on {name}")


@hosts.command("drain")
@click.argument("name")
@click.option(
    "--minutes",
    type=click.FloatRange(min=0),
    default=10,
    show_default=True,
    help="Minutes between the notice to users and the stop.",
)
@click.option(
    "--why", default="for maintenance", show_default=True, help="The reason given to users."
)
@click.pass_obj
def drain_(runtime: Runtime, name: str, minutes: float, why: str) -> None:
    """Close the machine NAME to new servers, and stop its servers after a notice."""
    if name not in _known():
        raise click.UsageError(f"unknown machine {name}; list them with: km3hub hosts list")
    try:
        drain(name, _file(runtime), _servers(runtime), minutes=minutes, why=why, report=click.echo)
    except DrainError as error:
        raise click.ClickException(str(error)) from None


@hosts.command("open")
@click.argument("name")
@click.pass_obj
def open_(runtime: Runtime, name: str) -> None:
    """Open the machine NAME to servers again."""
    file = _file(runtime)
    was = name in file.closed
    file.open(name)
    click.echo(f"{name} accepts servers" + (" again" if was else ""))


@hosts.command("forget")
@click.argument("name")
@click.pass_obj
def forget(runtime: Runtime, name: str) -> None:
    """Remove the records of the machine NAME, which has left; its users get new homes."""
    if name in _known():
        raise click.UsageError(f"{name} is still in the swarm; remove it from the swarm first")
    users = _file(runtime).forget(name)
    click.echo(f"{name} was removed; homes that were there: {', '.join(users) or 'none'}")
