"""The command line `km3hub`.

Commands are imported when they are used, because most need only a few of the hub's libraries.
"""

from __future__ import annotations

import io
import sys
import typing
from importlib import import_module

import click

import km3hub

__all__ = ["main"]

#: Command: its location and its line in the help.
COMMANDS = {
    "up": ("km3hub.cli.launcher:up", "Start the platform of this checkout."),
    "down": ("km3hub.cli.launcher:down", "Stop everything; all data are kept."),
    "status": ("km3hub.cli.launcher:status", "Show what is running."),
    "clean": ("km3hub.cli.launcher:clean", "Delete what the platform created; asks first."),
    "install": (
        "km3hub.cli.launcher:install",
        "Install what servers need, without a start.",
    ),
    "check": ("km3hub.cli.check:check", "Check platform.yaml and print what it means."),
    "schema": ("km3settings.cli:schema", "Print the JSON Schema of platform.yaml."),
    "accounts": (
        "km3hub.cli.accounts:accounts",
        "Add, list, change and remove accounts.",
    ),
    "hosts": ("km3hub.cli.hosts:hosts", "The machines of a deployment on several machines."),
}
#: For `make up`, not for people: not in the help.
HIDDEN = {
    "rehearse": "km3hub.cli.restart:rehearse",
    "await-servers": "km3hub.cli.restart:await_servers",
    "keep-secret": "km3hub.cli.restart:keep_secret",
}


class LazyGroup(click.Group):
    """A group whose commands are imported only when one of them runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, or None where there is none."""
        found = COMMANDS[cmd_name][0] if cmd_name in COMMANDS else HIDDEN.get(cmd_name)
        if found is None:
            return None
        module, _, attribute = found.partition(":")
        try:
            command = getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            raise click.ClickException(
                f"'km3hub {cmd_name}' cannot run in this Python environment ({sys.prefix}):"
                f" {error.name} is not installed here"
            ) from None
        return typing.cast(click.Command, command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(km3hub.__version__, prog_name="km3hub")
def main() -> None:
    """The hub of the KM3NeT open science platform.

    Exit codes: 0 success, 1 failure, 2 wrong input or settings.
    """
    for stream in (sys.stdout, sys.stderr):
        # A name may contain letters that the terminal's encoding lacks.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
