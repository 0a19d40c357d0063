"""The command line `km3host`."""

from __future__ import annotations

import sys

import click

from km3host.backup.command import backup
from km3host.events import failed
from km3host.registry.command import registry
from km3host.verify.command import verify


@click.group()
def cli() -> None:
    """Look after a machine on which the KM3NeT platform is deployed. Needs root."""


@cli.command()
def visit() -> None:
    """Log in to the hub as a user and run a cell; runs in the hub's image.

    Standard input is a JSON object, which `km3host verify` writes.
    """
    # httpx and tornado are in the hub's image but not on the machine.
    from km3host.visit.command import main as run_visit

    run_visit()


cli.add_command(backup)
cli.add_command(registry)
cli.add_command(verify)


def main() -> None:
    """Run the command line; a failure is reported on standard error."""
    try:
        cli(prog_name="km3host")
    except OSError as error:
        failed(str(error))
        sys.exit(1)
