"""The command line ``nugamma``: one file a command."""

from __future__ import annotations

import sys

import click

from nugamma import __version__
from nugamma.cli.datasets import datasets
from nugamma.cli.fit import fit
from nugamma.cli.limits import limits
from nugamma.cli.plot import plot
from nugamma.cli.scan import scan
from nugamma.cli.sensitivity import sensitivity
from nugamma.errors import NugammaError


class _Group(click.Group):
    """Turns errors that nugamma raises on purpose into one line and exit code 2."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except NugammaError as error:
            click.echo(f"nugamma: {error}", err=True)
            sys.exit(2)
        except KeyboardInterrupt:
            click.echo("nugamma: stopped; the same command continues a scan", err=True)
            sys.exit(130)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="nugamma")
def main() -> None:
    """Is a source hadronic or leptonic? Gamma rays and neutrinos together.

    SOURCE is one of the published sources (VelaX, RXJ1713, HESSJ1908, Westerlund1) or the path of
    a YAML file that describes your own.
    """


for command in (fit, datasets, scan, limits, sensitivity, plot):
    main.add_command(command)
