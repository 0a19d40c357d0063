"""`km3broker`: answer on the broker's socket."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click
import structlog

from km3broker.broker import Broker, routes
from km3broker.engine import Engine
from km3broker.health import SOCKET, SOCKET_VARIABLE
from km3broker.owner import Project
from km3broker.rules_file import RulesFile
from km3settings.logs import log_as_json
from km3settings.names import Names
from km3settings.runtime import FILE_VARIABLE
from km3settings.settings import SettingsError

__all__ = ["main"]

_SOCKET = click.Path(path_type=Path, dir_okay=False)
_log = structlog.stdlib.get_logger("km3broker")


@click.command()
@click.option(
    "--socket",
    type=_SOCKET,
    envvar=SOCKET_VARIABLE,
    default=SOCKET,
    show_default=True,
    help="The broker's own socket.",
)
@click.option(
    "--engine",
    type=_SOCKET,
    default="/var/run/docker.sock",
    show_default=True,
    help="The Docker Engine's socket.",
)
@click.option(
    "--project",
    envvar="KM3_PROJECT",
    default="km3net",
    show_default=True,
    help="Prefix of the names of containers, volumes and networks.",
)
@click.option(
    "--settings",
    type=_SOCKET,
    envvar=FILE_VARIABLE,
    help="platform.yaml; default: the default settings.",
)
def main(socket: Path, engine: Path, project: str, settings: Path | None) -> None:
    """Pass on what the hub may ask of the Docker Engine, and refuse the rest."""
    log_as_json()
    names = Names(project)
    try:
        rules = RulesFile(settings, names)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    broker = Broker(socket, routes(Engine(engine), Project(names), rules))
    try:
        asyncio.run(_serve(broker))
    except OSError as error:
        raise click.ClickException(f"{socket} cannot be opened: {error}") from None
    _log.info("stopped")


async def _serve(broker: Broker) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    server = await broker.listen()
    _log.info("listening")
    async with server:
        await stopping.wait()


if __name__ == "__main__":
    main()
