"""The command line ``openkm3``: one file a command."""

from __future__ import annotations

import logging
import sys

import click

from .. import __version__
from ..errors import OpenKM3Error
from .convert import convert
from .get import get
from .info import info
from .list import list_
from .validate import validate
from .voevent import voevent


class _Group(click.Group):
    """Turns errors that openkm3 raises on purpose into one line and exit code 2."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except OpenKM3Error as error:
            click.echo(f"openkm3: {error}", err=True)
            sys.exit(2)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="openkm3")
def main() -> None:
    """Find, get and understand KM3NeT open data.

    The server is taken from --server, OPENKM3_SERVER or openkm3/config.toml.
    """
    # Only warnings: results go to standard output, the rest is told by exit codes and errors.
    logging.basicConfig(level=logging.WARNING, format="openkm3: %(message)s")


for command in (list_, get, info, convert, validate, voevent):
    main.add_command(command)
