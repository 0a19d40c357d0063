"""`km3hub up | down | status | install | clean`: passed on to the launcher, `km3up`."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import click

__all__ = ["clean", "down", "install", "status", "up"]


def _passed_on(name: str) -> click.Command:
    """Returns a command that runs the command NAME of `km3up` with all its options."""

    @click.command(
        name,
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
    @click.pass_context
    def command(ctx: click.Context) -> None:
        if find_spec("km3up") is None:
            raise click.ClickException(
                f"'km3hub {name}' needs the checkout of the platform; run there: make {name}"
            )
        ctx.exit(subprocess.run([sys.executable, "-P", "-m", "km3up", name, *ctx.args]).returncode)

    return command


up, down, status, install, clean = map(_passed_on, ("up", "down", "status", "install", "clean"))
