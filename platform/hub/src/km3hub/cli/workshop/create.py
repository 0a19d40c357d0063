"""`km3hub workshop create`: the accounts of a workshop."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from km3hub.cli.accounts import ONE_PERSON
from km3hub.cli.installation import address_for_people, runtime_of, settings_of
from km3hub.cli.relay import container, relay
from km3hub.cli.workshop.arguments import day, name_argument, reported, until_option
from km3hub.membership.names import WorkshopError
from km3hub.membership.record import Workshop
from km3hub.workshops.creating import Creation, Workshops, require_offer
from km3hub.workshops.roster import LARGEST, Roster, read_roster
from km3settings.entrance import Entrance
from km3settings.state import State

__all__ = ["create"]

_EXAMPLE = """Add the accounts of the workshop NAME, or those that are missing.

\b
Examples:
  km3hub workshop create school --participants 40 --until 2027-03-31 \\
      --environment joint --size small
  km3hub workshop create school --from roster.csv --teachers 2 --until 2027-03-31

The accounts are school-01, school-02, ... and school-teacher-1, ...; a roster (CSV with a line of
headings: name, email, account, role) puts names on the cards. Run it again to add people: nobody
who is there gets another account or password. Then print the cards: km3hub workshop handout school.
"""


@click.command(help=_EXAMPLE)
@name_argument
@click.option(
    "--participants",
    type=click.IntRange(1, LARGEST),
    help="Number of participants, those of the roster included.",
)
@click.option(
    "--teachers",
    type=click.IntRange(0, 99),
    default=0,
    help="Number of teachers, those of the roster included.",
)
@until_option
@click.option("--environment", metavar="NAME", help="Default: the first one of platform.yaml.")
@click.option("--size", metavar="NAME", help="Default: the first one of platform.yaml.")
@click.option(
    "--from",
    "roster",
    metavar="ROSTER.csv",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="The participants as CSV; -: standard input.",
)
@click.pass_obj
def create(
    state: State,
    *,
    name: str,
    participants: int | None,
    teachers: int,
    until: datetime,
    environment: str | None,
    size: str | None,
    roster: Path | None,
) -> None:
    """Add the accounts of a workshop, or those that are missing."""
    if participants is None and roster is None:
        raise click.UsageError("give the number of --participants, or a roster with --from")
    data, source = _content(roster)
    hub = container(state, os.environ)
    if hub:
        arguments = ["workshop", "create", name, f"--until={until.isoformat()}"]
        arguments += [f"--participants={participants}"] if participants else []
        arguments += [f"--teachers={teachers}"]
        arguments += [f"--environment={environment}"] if environment else []
        arguments += [f"--size={size}"] if size else []
        arguments += ["--from=-"] if roster else []
        click.get_current_context().exit(relay(hub, arguments, data))
    with reported():
        runtime = runtime_of(state)
        settings = settings_of(runtime)
        if settings.login.method != "accounts":
            raise WorkshopError(
                "users of this platform log in with a provider (login.method: oidc), so accounts"
                " made here could not log in; give the participants access with"
                " login.oidc.allowed_groups"
            )
        wanted = Workshop(
            name=name,
            created=datetime.now(UTC),
            until=until,
            environment=environment or settings.environments[0].name,
            size=size or settings.sizes[0].name,
        )
        require_offer(settings, wanted.environment, wanted.size)
        people = read_roster(data, source) if data is not None else Roster(())
        with click.progressbar(
            length=0, label="Making passwords", file=sys.stderr, hidden=not sys.stderr.isatty()
        ) as bar:
            done = Workshops(state).create(
                wanted,
                people.people,
                participants=participants or 0,
                teachers=teachers,
                hashed=lambda: bar.update(1),
            )
    _report(done, people.ignored)
    if runtime.mode == "embedded":
        click.echo(click.style("Warning: ", fg="yellow") + ONE_PERSON, err=True)
    if Entrance(settings, runtime).only_here:
        address = address_for_people(settings, runtime)
        click.echo(
            click.style("Warning: ", fg="yellow")
            + f"the handout has the address {address}, which only this machine reaches; set"
            " site.public_url in platform.yaml before you print it",
            err=True,
        )


def _content(roster: Path | None) -> tuple[bytes | None, str]:
    if roster is None:
        return None, ""
    if str(roster) == "-":
        return sys.stdin.buffer.read(), "the roster"
    try:
        return roster.read_bytes(), str(roster)
    except OSError as error:
        raise click.ClickException(f"{roster}: cannot be read: {error.strerror}") from None


def _report(done: Creation, ignored: Sequence[str]) -> None:
    workshop = done.workshop
    participants = [m for m in done.members if m.role == "participant"]
    teachers = [m for m in done.members if m.role == "teacher"]
    click.echo(
        f"Workshop {workshop.name}: {_number(len(participants), 'participant')} and"
        f" {_number(len(teachers), 'teacher')}, until {day(workshop.until)}, environment"
        f" {workshop.environment}, size {workshop.size}."
    )
    for change in done.changed:
        click.echo(f"Changed {change}.")
    if ignored:
        click.echo(f"Columns of the roster that are not used: {', '.join(ignored)}.")
    click.echo(f"Accounts: {_accounts([m.account for m in done.members])}.")
    click.echo(f"Print the cards: km3hub workshop handout {workshop.name}")


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _accounts(names: Sequence[str]) -> str:
    shown = names if len(names) <= 6 else [*names[:3], "...", *names[-2:]]
    return ", ".join(shown)
