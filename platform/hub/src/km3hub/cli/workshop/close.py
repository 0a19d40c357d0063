"""`km3hub workshop close`: archives of all homes, then nothing is left of a workshop."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from km3hub.cli.installation import hub_address
from km3hub.cli.person import hub_option
from km3hub.cli.relay import container
from km3hub.cli.workshop.arguments import name_argument, reported
from km3hub.cli.workshop.downloads import write_links
from km3hub.cli.workshop.list import described
from km3hub.workshops.closing import Closing
from km3hub.workshops.closing import close as close_workshop
from km3hub.workshops.closing_place import ClosingPlace
from km3hub.workshops.places import Here, InContainers
from km3settings.state import State

__all__ = ["close"]

_HELP = """Archive every home of the workshop NAME, then remove its homes and accounts.

Servers are stopped and nobody can log in any longer. Each archive is read back and compared with
the home before anything is removed; an account whose archive fails stays as it is. Run the command
again to continue after a failure. In the end each participant has a download link.

\b
Example:
  km3hub workshop close school --days 30 --links links.csv
"""


@click.command(help=_HELP)
@name_argument
@click.option(
    "--days",
    type=click.IntRange(1, 366),
    default=30,
    show_default=True,
    help="How long the archives can be downloaded; they are deleted then.",
)
@click.option(
    "--links",
    metavar="FILE.csv",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the download links are written (default: NAME-downloads.csv here).",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@hub_option
@click.pass_obj
def close(
    state: State, *, name: str, days: int, links: Path | None, yes: bool, hub: str | None
) -> None:
    """Archive every home of a workshop, then remove homes and accounts."""
    target = links or Path(f"{name}-downloads.csv")
    inside = hub or container(state, os.environ)
    if target.exists():
        raise click.ClickException(f"{target} exists already; move it away or choose --links")
    known = _known(state, name, inside)
    if not yes:
        number = len(known["members"])
        click.confirm(
            f"Stop the servers of {number} accounts of {name}, archive their homes, and then remove"
            " homes and accounts?",
            abort=True,
        )
    with reported():
        place: ClosingPlace = (
            InContainers(inside) if inside else Here(Closing(state), hub_address(state))
        )
        problems = list(close_workshop(place, name, click.echo))
        if problems:
            for problem in problems:
                click.echo(f"Error: {problem}", err=True)
            raise click.ClickException(
                f"{len(problems)} accounts of {name} are left; mend the above, then run the command"
                " again"
            )
        expires = datetime.now(UTC) + timedelta(days=days)
        secrets = place.finish(name, expires)
    people = {one["account"]: one for one in known["members"]}
    write_links(target, known["address"], people, secrets)
    click.echo(
        f"Closed {name}. {target} has the download links of {len(secrets)} archives, valid until"
        f" {expires:%Y-%m-%d}; send each one to its owner."
    )


def _known(state: State, name: str, hub: str | None) -> dict[str, Any]:
    """Returns what `show --json` prints of a workshop."""
    with reported():
        return InContainers(hub).described(name) if hub else described(state, name)
