"""`km3hub workshop extend`: another last day."""

from __future__ import annotations

from datetime import datetime

import click

from km3hub.cli.workshop.arguments import day, name_argument, reported, until_option
from km3hub.workshops.creating import Workshops
from km3settings.state import State

__all__ = ["extend"]


@click.command(epilog="Example: km3hub workshop extend school --until 2027-04-15")
@name_argument
@until_option
@click.pass_obj
def extend(state: State, name: str, until: datetime) -> None:
    """Change the last day of the workshop NAME and of its accounts; it may be an earlier one."""
    with reported():
        workshop = Workshops(state).extend(name, until)
    click.echo(f"The workshop {name} and its accounts now end with {day(workshop.until)}.")
