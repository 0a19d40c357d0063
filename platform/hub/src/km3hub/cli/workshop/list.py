"""`km3hub workshop list` and `show`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from km3hub.cli.installation import address_for_people, runtime_of, settings_of
from km3hub.cli.workshop.arguments import day, name_argument, reported
from km3hub.membership.links import Links
from km3hub.membership.record import Workshop
from km3hub.workshops.creating import Workshops
from km3settings.state import State

__all__ = ["described", "list_", "show", "table"]


@click.command("list", epilog="Example: km3hub workshop list")
@click.option("--json", "for_programs", is_flag=True, help="For programs: a list of objects.")
@click.pass_obj
def list_(state: State, for_programs: bool) -> None:
    """List all workshops, the newest first."""
    with reported():
        workshops = Workshops(state)
        rows = [_summary(workshops, one) for one in workshops.store.all()]
    if for_programs:
        click.echo(json.dumps(rows, indent=1))
    elif not rows:
        click.echo("No workshops yet; create one: km3hub workshop create --help")
    else:
        table(
            ("NAME", "STATE", "UNTIL", "PARTICIPANTS", "TEACHERS", "ENVIRONMENT", "SIZE"),
            [
                (
                    row["name"],
                    row["state"],
                    row["last_day"],
                    row["participants"],
                    row["teachers"],
                    row["environment"],
                    row["size"],
                )
                for row in rows
            ],
        )


@click.command(epilog="Example: km3hub workshop show school")
@name_argument
@click.option("--json", "for_programs", is_flag=True, help="For programs: an object.")
@click.pass_obj
def show(state: State, name: str, for_programs: bool) -> None:
    """Show the workshop NAME: its accounts, and who has used them. No password is shown."""
    with reported():
        summary = described(state, name)
    if for_programs:
        click.echo(json.dumps(summary, indent=1))
        return
    click.echo(
        f"{name}: {summary['state']}, until {summary['last_day']}, environment"
        f" {summary['environment']}, size {summary['size']}."
    )
    click.echo(
        "The handout with passwords is kept; after printing delete it: km3hub workshop handout"
        f" {name} --forget"
        if summary["handout"]
        else "No handout is kept."
    )
    if summary["members"]:
        table(
            ("ACCOUNT", "ROLE", "LAST USE (UTC)", "LOGIN LINK", "NAME", "E-MAIL"),
            [
                (
                    one["account"],
                    one["role"],
                    one["last_use"] or "never",
                    "unused" if one["link_unused"] else "used",
                    one["name"],
                    one["email"],
                )
                for one in summary["members"]
            ],
        )
    if summary["invitations"]:
        table(
            ("INVITED", "ROLE", "NAME"),
            [(one["value"], one["role"], one["name"]) for one in summary["invitations"]],
        )


def described(state: State, name: str) -> dict[str, Any]:
    """Returns what `show --json` prints: a workshop with members and invitations.

    Raises
    ------
    WorkshopError
        Where there is none of this name.
    """
    workshops = Workshops(state)
    summary = _summary(workshops, workshops.store.require(name))
    summary["handout"] = bool(workshops.cards(name).read())
    unused = Links(workshops.store).unused(name)
    used = _last_use(state.database)
    summary["members"] = [
        {
            "account": member.account,
            "role": member.role,
            "name": member.name,
            "email": member.email,
            "last_use": used.get(member.account),
            "link_unused": member.account in unused,
        }
        for member in workshops.store.members(name)
    ]
    summary["invitations"] = [
        {"kind": one.kind, "value": one.value, "role": one.role, "name": one.name}
        for one in workshops.store.invitations(name)
    ]
    runtime = runtime_of(state)
    summary["address"] = address_for_people(settings_of(runtime), runtime)
    return summary


def _summary(workshops: Workshops, workshop: Workshop) -> dict[str, Any]:
    members = workshops.store.members(workshop.name)
    expired = workshop.state == "open" and workshop.over()
    return {
        "name": workshop.name,
        "state": "ended" if expired else workshop.state,
        "until": workshop.until.isoformat(),
        "last_day": day(workshop.until),
        "environment": workshop.environment,
        "size": workshop.size,
        "participants": sum(member.role == "participant" for member in members),
        "teachers": sum(member.role == "teacher" for member in members),
        "invited": len(workshops.store.invitations(workshop.name)),
        "groups": [workshop.participants, workshop.teachers],
    }


def _last_use(database: Path) -> dict[str, str]:
    """Returns when each of the hub's users was last seen; nothing where there is no hub yet."""
    if not database.exists():
        return {}
    try:
        address = f"file:{quote(str(database))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=5)) as connection:
            rows = connection.execute("SELECT name, last_activity FROM users").fetchall()
    except sqlite3.Error as error:
        raise click.ClickException(f"{database}: cannot be read: {error}") from None
    return {name: str(seen)[:16] for name, seen in rows if seen}


def table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows in columns below their headings."""
    lines = [headings, *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    for line in lines:
        cells = zip(line, widths, strict=True)
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in cells).rstrip())
