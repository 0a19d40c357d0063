"""`km3host backup`: save and restore the platform."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import click

from km3host.backup import drill as drills
from km3host.backup import restore
from km3host.backup.repository import TAG, Repository
from km3host.backup.save import save
from km3host.backup.settings import CONFIGURATION, BackupSettings
from km3host.configuration import load

__all__ = ["backup"]


@dataclass(frozen=True)
class _Request:
    """The options that all subcommands share."""

    snapshot: str
    folder: Path
    configuration: Path

    @property
    def repository(self) -> Repository:
        return Repository(load(self.configuration, BackupSettings))


@click.group()
@click.option("--snapshot", default="latest", help="Which backup: an id that `list` shows.")
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="For drill: a folder with space for a whole backup.",
)  # fmt: skip
@click.option(
    "--configuration", type=click.Path(path_type=Path), default=CONFIGURATION, show_default=True,
    help="The settings of the backups.",
)  # fmt: skip
@click.pass_context
def backup(context: click.Context, snapshot: str, folder: Path | None, configuration: Path) -> None:
    """Save and restore the platform.

    Machines may share a repository; each has its own backups in it, under its name in the
    inventory.
    """
    context.obj = _Request(snapshot, folder or Path(tempfile.gettempdir()), configuration)


@backup.command("run")
@click.pass_obj
def run_backup(request: _Request) -> None:
    """Save everything now."""
    save(request.repository)


@backup.command("list")
@click.pass_obj
def list_backups(request: _Request) -> None:
    """Show the backups of this machine, and which other machines have some."""
    repository = request.repository
    snapshots = repository.snapshots()
    host = repository.settings.host
    if host in snapshots:
        click.echo(repository.restic("snapshots", "--tag", TAG, "--host", host))
    else:
        click.echo(f"There is no backup of {host}.")
    for line in repository.others(snapshots):
        click.echo(line)


@backup.command()
@click.argument("user")
@click.argument("path")
@click.pass_obj
def file(request: _Request, user: str, path: str) -> None:
    """Restore a user's file or folder PATH to `restored` in the user's home."""
    restore.restore_file(request.repository, request.snapshot, user, path)


@backup.command()
@click.pass_obj
def drill(request: _Request) -> None:
    """Unpack a backup beside the platform, check that it is complete, and remove it again."""
    drills.drill(request.repository, request.snapshot, request.folder)


@backup.command()
@click.pass_obj
def fetch(request: _Request) -> None:
    """Restore settings and secrets on an empty machine; the first step of a restore."""
    restore.restore_settings(request.repository, request.snapshot)


@backup.command()
@click.pass_obj
def place(request: _Request) -> None:
    """Restore volumes and databases; the second step of a restore."""
    restore.restore_volumes(request.repository, request.snapshot)
