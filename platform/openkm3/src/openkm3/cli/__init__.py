"""The command line ``openkm3``: one file per command."""

from __future__ import annotations

import io
import logging
import sys

import click

from .. import __version__
from ..errors import OpenKM3Error, first_line
from .convert import convert
from .get import get
from .info import info
from .list import list_
from .validate import validate
from .voevent import voevent


class _Group(click.Group):
    """Turns every error into one line on standard error and exit code 2."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except OpenKM3Error as error:
            click.echo(f"openkm3: {error}", err=True)
            sys.exit(2)
        except (click.exceptions.Exit, click.ClickException, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if ctx.params.get("debug"):
                raise
            click.echo(
                f"openkm3: unexpected {type(error).__name__}: {first_line(error)} "
                "(please report it, with the output of 'openkm3 --debug ...')",
                err=True,
            )
            sys.exit(2)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="openkm3")
@click.option("--debug", is_flag=True, help="Show the traceback of unexpected errors.")
def main(debug: bool) -> None:
    """Find, get and understand KM3NeT open data.

    The server is set by --server, OPENKM3_SERVER or openkm3/config.toml, in this order.
    """
    # File names can be bytes that are not valid text; they are shown with escapes.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Only warnings: results go to standard output, everything else is exit codes and errors.
    logging.basicConfig(level=logging.WARNING, format="openkm3: %(message)s")


for command in (list_, get, info, convert, validate, voevent):
    main.add_command(command)
