"""The command line `km3hub`.

Commands are imported when they are used, because most need only a few of the hub's libraries.
"""

from __future__ import annotations

import io
import sys

import click

import km3hub
from km3hub.cli.lazy import LazyGroup

__all__ = ["main"]

#: Command: its location and its line in the help.
COMMANDS = {
    "up": ("km3hub.cli.launcher:up", "Start the platform of this checkout."),
    "down": ("km3hub.cli.launcher:down", "Stop everything; all data are kept."),
    "status": ("km3hub.cli.launcher:status", "Show what is running."),
    "clean": ("km3hub.cli.launcher:clean", "Delete what the platform created; asks first."),
    "install": (
        "km3hub.cli.launcher:install",
        "Install what servers need, without starting anything.",
    ),
    "check": ("km3hub.cli.check:check", "Check platform.yaml and print what it means."),
    "schema": ("km3settings.cli:schema", "Print the JSON Schema of platform.yaml."),
    "accounts": (
        "km3hub.cli.accounts:accounts",
        "Add, list, change and remove accounts.",
    ),
    "workshop": ("km3hub.cli.workshop:workshop", "Prepare, extend and close a workshop."),
    "robots": ("km3hub.cli.robots:robots", "Try tutorials and data services as a user does."),
    "homes": ("km3hub.cli.homes:homes", "How full users' homes are, and their limits."),
    "usage": ("km3hub.cli.usage:usage", "Report users, server hours, CPU hours and GB."),
    "pause": ("km3hub.cli.usage:pause", "Stop new servers from starting; users see the reason."),
    "resume": ("km3hub.cli.usage:resume", "Allow servers to start again."),
    "cite": ("km3hub.cli.cite:cite", "Write how to cite an environment."),
    "hosts": ("km3hub.cli.hosts:hosts", "The machines of a deployment on several machines."),
}
#: For `make up`, not for people: not in the help.
HIDDEN = {
    "front-servers": "km3hub.cli.check:front_servers",
    "rehearse": "km3hub.cli.restart:rehearse",
    "await-servers": "km3hub.cli.restart:await_servers",
    "keep-secret": "km3hub.cli.restart:keep_secret",
}


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    hidden=HIDDEN,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(km3hub.__version__, prog_name="km3hub")
def main() -> None:
    """The hub of the KM3NeT open science platform.

    Exit codes: 0 success, 1 failure, 2 wrong input or settings.
    """
    for stream in (sys.stdout, sys.stderr):
        # A name may contain letters that the terminal's encoding lacks.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
