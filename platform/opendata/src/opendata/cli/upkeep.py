"""Commands that rebuild and check: ``tables``, ``describe``, ``reindex``, ``check``, ``django``."""

from __future__ import annotations

import sys

import click


@click.command()
def tables() -> None:
    """Rebuild the VO tables of all records, and remove those of withdrawn ones."""
    from opendata.records.models import Record
    from opendata.vo import records as served

    number = 0
    for record in Record.objects.exclude(versions__service={}).distinct():
        try:
            served.follow(record)
            number += 1
        except served.NotServed as error:
            click.echo(str(error), err=True)
    click.echo(f"The tables of {number} records are up to date.")


@click.command()
def describe() -> None:
    """Rebuild previews, plots and sky maps that an earlier version made.

    `serve --migrate` does it in the background.
    """
    from opendata.describing.anew import describe_anew

    click.echo(f"{describe_anew()} files were described again.")


@click.command()
def reindex() -> None:
    """Rebuild the search index from the published records."""
    from django.db import transaction

    from opendata.searching import index

    with transaction.atomic():
        number = index.renew()
    click.echo(f"{number} records were indexed.")


@click.command()
def check() -> None:
    """Check the database and the checksum of every file; exit code 1 if something is wrong."""
    from opendata.records.integrity import problems

    number = 0
    for problem in problems(click.echo):
        click.echo(problem, err=True)
        number += 1
    click.echo("Everything is in order." if not number else f"{number} problems.")
    sys.exit(1 if number else 0)


@click.command(
    name="django", context_settings={"ignore_unknown_options": True, "help_option_names": []}
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def django_command(arguments: tuple[str, ...]) -> None:
    """Run one of Django's own commands, for example makemigrations."""
    from django.core.management import execute_from_command_line

    execute_from_command_line(["opendata django", *arguments])
