"""`km3hub hosts`: the machines of a platform on several machines. Runs in the hub's container."""

from __future__ import annotations

from typing import Any

import click
import docker
from docker.errors import DockerException

from km3hub.spawning.drain import DrainError, RunningServers, drain
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
        # Both share the network of the container that this runs in (`configure/network.py`).
        hub=f"http://127.0.0.1:8081{path}",
        proxy=f"http://127.0.0.1:8000{path}",
        token=runtime.state.secret("platform"),
    )


def _known() -> dict[str, Host]:
    client: Any = docker.APIClient(version="auto")
    try:
        return known_hosts(client.nodes())
    except DockerException as error:
        raise click.ClickException(f"the swarm does not answer: {error}") from None


@click.group()
@click.pass_context
def hosts(ctx: click.Context) -> None:
    """The machines that users' servers run on, where there are several."""
    ctx.obj = Runtime.from_environment()


@hosts.command("list")
@click.pass_obj
def list_(runtime: Runtime) -> None:
    """Show each machine, how many homes it has, and how many servers run there."""
    file = _file(runtime)
    homes = file.homes
    try:
        running = _servers(runtime).users()
    except DrainError as error:
        raise click.ClickException(str(error)) from None
    for name, host in sorted(_known().items()):
        state = "takes servers"
        if not host.answers:
            state = "does not answer"
        elif name in file.closed or not host.active:
            state = "is closed"
        mine = [user for user, where in homes.items() if where == name]
        count = sum(user in running for user in mine)
        click.echo(f"{name}: {state}; {len(mine)} homes, {count} servers")


@hosts.command("users")
@click.argument("name")
@click.pass_obj
def users(runtime: Runtime, name: str) -> None:
    """Print those whose homes are on the machine NAME, one a line."""
    for user in sorted(user for user, where in _file(runtime).homes.items() if where == name):
        click.echo(user)


@hosts.command("note")
@click.argument("name")
@click.argument("users", nargs=-1)
@click.pass_obj
def note(runtime: Runtime, name: str, users: tuple[str, ...]) -> None:
    """Note that the homes of USERS are on the machine NAME; what is noted already stays."""
    file = _file(runtime)
    new = [user for user in users if user not in file.homes]
    placed = file.place(dict.fromkeys(users, name))
    for user, where in placed.items():
        if where != name:
            click.echo(f"{user} has a home on {name}, too; the one on {where} is used", err=True)
    click.echo(f"{len(new)} new homes on {name}")


@hosts.command("drain")
@click.argument("name")
@click.option(
    "--minutes",
    type=click.FloatRange(min=0),
    default=10,
    show_default=True,
    help="How long before the end users are told.",
)
@click.option("--why", default="for maintenance", show_default=True, help="What they are told.")
@click.pass_obj
def drain_(runtime: Runtime, name: str, minutes: float, why: str) -> None:
    """Start no servers on the machine NAME, and stop those that run, after a notice."""
    if name not in _known():
        raise click.UsageError(f"there is no machine {name}; see: km3hub hosts list")
    try:
        drain(name, _file(runtime), _servers(runtime), minutes=minutes, why=why, say=click.echo)
    except DrainError as error:
        raise click.ClickException(str(error)) from None


@hosts.command("open")
@click.argument("name")
@click.pass_obj
def open_(runtime: Runtime, name: str) -> None:
    """Start servers on the machine NAME again."""
    file = _file(runtime)
    was = name in file.closed
    file.open(name)
    click.echo(f"{name} takes servers" + (" again" if was else ""))


@hosts.command("forget")
@click.argument("name")
@click.pass_obj
def forget(runtime: Runtime, name: str) -> None:
    """Know nothing of the machine NAME any more, which has left: its users get new homes."""
    if name in _known():
        raise click.UsageError(f"{name} is still there; take it out of the swarm first")
    users = _file(runtime).forget(name)
    click.echo(f"{name} is forgotten; homes that were there: {', '.join(users) or 'none'}")
