"""Groups of commands that are imported only when one of them runs."""

from __future__ import annotations

import sys
import typing
from collections.abc import Mapping
from importlib import import_module

import click

__all__ = ["LazyGroup"]


class LazyGroup(click.Group):
    """A group whose commands are imported only when one of them runs.

    Parameters
    ----------
    table
        Command: its location (`module:attribute`) and its line in the help.
    hidden
        Commands that the help does not list, and their locations.
    """

    def __init__(
        self,
        *args: typing.Any,
        table: Mapping[str, tuple[str, str]],
        hidden: Mapping[str, str] | None = None,
        **options: typing.Any,
    ) -> None:
        super().__init__(*args, **options)
        self.table = table
        self.hidden_commands = hidden or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names of all commands, in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Returns the command of a name, or None where there is none."""
        known = self.table.get(cmd_name)
        found = known[0] if known else self.hidden_commands.get(cmd_name)
        if found is None:
            return None
        module, _, attribute = found.partition(":")
        try:
            command = getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            raise click.ClickException(
                f"'{ctx.command_path} {cmd_name}' cannot run in this Python environment"
                f" ({sys.prefix}): {error.name} is not installed here"
            ) from None
        return typing.cast(click.Command, command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing them."""
        rows = [(name, line) for name, (_, line) in self.table.items()]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)
