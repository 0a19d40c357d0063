"""The command line ``nugamma``: one file per command."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import click

from nugamma import __version__
from nugamma.errors import NugammaError, NugammaWarning

COMMANDS = ("fit", "datasets", "scan", "limits", "sensitivity", "plot")


class _Group(click.Group):
    """Reports errors that nugamma raises on purpose in one line, with exit code 2.

    A command is imported only when it runs: each worker process of a scan imports this module.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"nugamma.cli.{cmd_name}"), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        with warnings.catch_warnings():
            warnings.showwarning = _reporter()
            try:
                return super().invoke(ctx)
            except NugammaError as error:
                click.echo(f"nugamma: {error}", err=True)
                sys.exit(2)
            except KeyboardInterrupt:
                click.echo("nugamma: stopped; the same command continues a scan", err=True)
                sys.exit(130)


def _reporter() -> Callable[..., None]:
    """Returns what shows warnings: each of nugamma's in one line, once; others as usual."""
    shown: set[str] = set()
    usual = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if not issubclass(category, NugammaWarning):
            usual(message, category, *place, **more)
        elif str(message) not in shown:
            shown.add(str(message))
            click.echo(f"nugamma: warning: {message}", err=True)

    return show


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="nugamma")
def main() -> None:
    """Is a source hadronic or leptonic? Gamma rays and neutrinos together.

    SOURCE is one of the published sources (VelaX, RXJ1713, HESSJ1908, Westerlund1) or the path of
    a YAML file that describes your own.
    """
