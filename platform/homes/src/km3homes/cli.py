"""The command line `km3homes`: the service, and its health check."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
from pathlib import Path

import click

from km3homes.backend import Backend
from km3homes.btrfs import BtrfsBackend
from km3homes.image import ImageBackend
from km3homes.limits import Limits
from km3homes.place import find_all
from km3homes.server import Server
from km3homes.service import Homes
from km3homes.watch import watch
from km3homes.xfs import XfsBackend
from km3settings.disks import SOCKET, disk_of
from km3settings.logs import log_as_json
from km3settings.names import Names
from km3settings.runtime import FILE_VARIABLE

__all__ = ["main"]

_log = logging.getLogger("km3homes")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--socket", "path", type=click.Path(path_type=Path), default=SOCKET,
              show_default=True, help="The service's unix socket.")  # fmt: skip
@click.pass_context
def main(ctx: click.Context, path: Path) -> None:
    """Enforce the limits of homes and scratch folders; runs in the container `homes`."""
    ctx.obj = path


@main.command()
@click.option("--root", type=click.Path(path_type=Path, file_okay=False, exists=True),
              default=Path("/volumes"), show_default=True,
              help="The folder with Docker's volumes.")  # fmt: skip
@click.option("--backend", type=click.Choice(["xfs", "btrfs", "image", "none"]), required=True,
              envvar="KM3_HOMES", help="What enforces the limits of new homes.")  # fmt: skip
@click.option("--project", envvar="KM3_PROJECT", default="km3net", help="Prefix of volumes.")
@click.option("--config", type=click.Path(path_type=Path), envvar=FILE_VARIABLE,
              default=Path("/etc/km3net/platform.yaml"), help="The settings.")  # fmt: skip
@click.pass_obj
def serve(path: Path, root: Path, backend: str, project: str, config: Path) -> None:
    """Open all homes, then answer the hub until the end; apply new settings by itself."""
    log_as_json()
    names, limits = Names(project), Limits(config)
    homes = Homes(
        root=root, names=names, limits=limits, backends=_backends(root, names), chosen=backend
    )
    homes.open_all()
    homes.apply_all()
    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(_serve(Server(homes, path), homes, limits))


async def _serve(server: Server, homes: Homes, limits: Limits) -> None:
    listening = await server.start()
    _log.info("ready")
    watching = asyncio.create_task(watch(homes, limits))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, watching.cancel)
    async with listening:
        await watching


def _backends(root: Path, names: Names) -> dict[str, Backend]:
    """Returns the ways to enforce limits that the disk of the volumes can have."""
    disk = disk_of(root, Path("/proc/self/mountinfo").read_text(encoding="utf-8"))
    found: dict[str, Backend] = {"image": ImageBackend()}
    if disk and disk.kind == "btrfs":
        found["btrfs"] = BtrfsBackend(root)
    if disk and disk.kind == "xfs":
        found["xfs"] = XfsBackend(root, names)
    return found


@main.command()
@click.option("--root", type=click.Path(path_type=Path, file_okay=False, exists=True),
              default=Path("/volumes"), help="The folder with Docker's volumes.")  # fmt: skip
@click.option("--project", envvar="KM3_PROJECT", default="km3net", help="Prefix of volumes.")
def remove(root: Path, project: str) -> None:
    """Delete all homes and scratch folders, so that Docker can remove their volumes."""
    names = Names(project)
    homes = Homes(
        root=root,
        names=names,
        limits=Limits(Path("/nonexistent")),
        backends=_backends(root, names),
        chosen="none",
    )
    for place in find_all(root, names):
        homes.remove(place)
        click.echo(f"removed the {place}")


@main.command()
@click.pass_obj
def check(path: Path) -> None:
    """Ask the running service for its list; exit code 0 if it answers within ten seconds."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(os.fspath(path))
            connection.sendall(b'{"do": "list"}\n')
            with connection.makefile() as answer:
                found = json.loads(answer.readline())
    except (OSError, ValueError) as error:
        click.echo(f"the service does not answer: {error}", err=True)
        sys.exit(1)
    click.echo(f"{len(found['homes'])} homes")
