"""Commands for a person's rights: ``person export`` and ``person erase``."""

from __future__ import annotations

import json

import click


@click.group()
def person() -> None:
    """Export or erase what the portal knows of one account (km3hub accounts export, erase)."""


@person.command()
@click.argument("name")
def export(name: str) -> None:
    """Print everything about the account NAME as JSON; null where there is none."""
    from opendata.accounts.person import export as collect

    click.echo(json.dumps(collect(name), ensure_ascii=False, indent=1))


@person.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(name: str, yes: bool) -> None:
    """Erase the account NAME and print what remains, one line each.

    Published versions and the audit keep a pseudonym.
    """
    from opendata.accounts.models import User
    from opendata.accounts.person import erase as remove

    if not User.objects.filter(username=name).exists():
        click.echo(f"There is no account {name}.", err=True)
        return
    if not yes:
        click.confirm(f"Erase the account {name}? This cannot be undone", abort=True)
    for line in remove(name) or ():
        click.echo(line)
