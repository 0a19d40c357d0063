"""Options shared by several commands."""

from __future__ import annotations

import click

server = click.option(
    "--server", metavar="URL", help="Address of the Open Data Center.", default=None
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
hosts = click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="HOST",
    help="Another host that the catalogue may lead to. May be repeated.",
)
