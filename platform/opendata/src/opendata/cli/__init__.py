"""The command ``opendata``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click


class _Group(click.Group):
    """Shows expected errors as one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        from opendata.configuration import ConfigurationError

        try:
            os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opendata.settings")
            import django

            django.setup()
        except ConfigurationError as error:
            raise click.ClickException(str(error)) from None
        except OSError as error:
            raise click.ClickException(f"the state folder cannot be used: {error}") from None
        from django.db import OperationalError, ProgrammingError

        from opendata.records.publishing import Refused
        from openkm3.errors import OpenKM3Error

        try:
            return super().invoke(ctx)
        except (Refused, OpenKM3Error) as error:
            raise click.ClickException(str(error)) from None
        except (OperationalError, ProgrammingError) as error:
            raise click.ClickException(
                f"the database is not ready ({error}); run opendata migrate"
            ) from None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run and fill an Open Data Center, configured by environment variables (see README)."""


@main.command()
def migrate() -> None:
    """Create or upgrade the database."""
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=1)


@main.command()
@click.option("--host", help="Address to listen on (OPENDATA_HOST).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on (OPENDATA_PORT).")
@click.option("--migrate", "upgrade", is_flag=True, help="Upgrade the database first.")
@click.option(
    "--seed", "fill", is_flag=True, help="Fill an empty portal first (see opendata seed)."
)
def serve(host: str | None, port: int | None, upgrade: bool, fill: bool) -> None:
    """Serve the portal until it is stopped."""
    import uvicorn
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        if not upgrade:
            raise click.ClickException("the database is not up to date: run opendata migrate")
        call_command("migrate", interactive=False, verbosity=1)
    if fill:
        _fill()
    with _describing() if upgrade else nullcontext():
        connection.close()
        configuration = settings.CONFIGURATION
        uvicorn.run(
            "opendata.asgi:application",
            host=host or configuration.host,
            port=configuration.port if port is None else port,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=bool(configuration.public_url),
            server_header=False,
            timeout_graceful_shutdown=10,
        )


@contextmanager
def _describing() -> Iterator[None]:
    """Describe files again beside the server, if an earlier version described them."""
    from opendata.describing.anew import outdated

    if not outdated().exists():
        yield
        return
    process = subprocess.Popen([sys.executable, "-m", "opendata", "describe"])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _fill() -> None:
    from opendata.records.models import Record

    if not Record.objects.exists():
        # In its own process: the memory that generating data needs is released again.
        done = subprocess.run([sys.executable, "-m", "opendata", "seed"])
        if done.returncode:
            raise click.ClickException("the portal could not be filled; see the messages above")


@main.command()
def seed() -> None:
    """Fill an empty portal with demonstration data; simulated data are marked as such.

    Imported ANTARES data are kept.
    """
    from opendata.importers import demonstration

    number = demonstration.seed(click.echo)
    click.echo(
        f"{number} records published."
        if number
        else "Nothing to do: the portal already has records."
    )


@main.group(name="import")
def import_() -> None:
    """Import data."""


@import_.command(name="antares")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def import_antares(folder: Path) -> None:
    """Import ANTARES 2007-2017: ANTARES.data, acc.txt and background.txt in FOLDER."""
    from opendata.importers import antares

    number = antares.import_folder(folder)
    click.echo(
        f"{number} records published."
        if number
        else "Nothing to do: all records are published already."
    )


@import_.command(name="file")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--identifier", required=True, help="Identifier of the record, e.g. evts21_01.")
@click.option("--title", help="Title; by default that of the file's header.")
@click.option("--parent", help="Collection or stream that it belongs to.")
@click.option(
    "--accept-findings",
    default="",
    metavar="REASON",
    help="Publish in spite of errors in the metadata, for this reason.",
)
@click.option(
    "--table",
    default="auto",
    metavar="SCHEMA.TABLE|none",
    help="Name of its table in TAP and cone search; by default derived from the identifier, and "
    "only tables with positions are served.",
)
@click.option(
    "--again", is_flag=True, help="Publish the file even if another record has the same content."
)
def import_file(path: Path, identifier: str, **options: Any) -> None:
    """Import an annotated table or any HDF5, FITS, VOTable or ROOT file with metadata."""
    from opendata.importers import files

    version = files.import_file(path, identifier=identifier, **options)
    table = version.service.get("table")
    click.echo(f"{identifier} published." + (f" Its table is {table}." if table else ""))


@import_.command(name="testdata")
def import_testdata() -> None:
    """Import the real ORCA events of the package km3net-testdata."""
    from opendata.importers import testdata

    click.echo(f"{testdata.import_events()} records published.")


@main.command()
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice(["curator", "reviewer"]),
    help="Role to add to those that NAME has.",
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option(
    "--disable", is_flag=True, help="Close the account: no login, no tokens, no sessions."
)
def account(name: str, roles: tuple[str, ...], password_stdin: bool, disable: bool) -> None:
    """Create the account NAME for the curation pages, change it, or close it."""
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError
    from django.db import transaction

    from opendata.accounts.models import User

    user = User.objects.filter(username=name).first() or User(username=name)
    if disable:
        if user.pk is None:
            raise click.ClickException(f"there is no account {name}")
        User.objects.filter(pk=user.pk).update(is_active=False)
        click.echo(f"The account {name} is closed.")
        return
    user.is_active = True
    wanted = {*(user.roles if user.pk else ()), *roles}
    if not wanted:
        raise click.ClickException("give a role: --role curator, --role reviewer, or both")
    password = (
        sys.stdin.readline().rstrip("\r\n")
        if password_stdin
        else click.prompt("Password", hide_input=True, confirmation_prompt=True)
    )
    try:
        user.full_clean(exclude=["password"])
        validate_password(password)
    except ValidationError as error:
        raise click.ClickException(" ".join(error.messages)) from None
    user.set_password(password)
    with transaction.atomic():
        user.save()
        user.set_roles(wanted)
    click.echo(f"{name} can log in at /curate/ ({', '.join(user.roles)}).")


@main.command()
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice(["curator", "reviewer", "alert-sender", "alert-signer"]),
)
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    help="Number of days until the token expires; by default it does not.",
)
def token(name: str, roles: tuple[str, ...], days: int | None) -> None:
    """Print a new token for NAME, whose account gets exactly these roles."""
    from datetime import timedelta

    from django.core.exceptions import ValidationError
    from django.db import transaction
    from django.utils import timezone

    from opendata.accounts.models import Token, User

    user = User.objects.filter(username=name).first()
    if user is None:
        user = User(username=name)
        user.set_unusable_password()
    if not user.is_active:
        raise click.ClickException(
            f"the account {name} is closed, so its tokens would not work;"
            f" reopen it with: opendata account {name} --role ROLE"
        )
    try:
        user.full_clean()
    except ValidationError as error:
        raise click.ClickException("; ".join(error.messages)) from None
    with transaction.atomic():
        user.save()
        user.set_roles(roles)
        text = Token.issue(user, timezone.now() + timedelta(days=days) if days else None)
    click.echo(text)


@main.command()
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


@main.command()
def describe() -> None:
    """Rebuild previews, plots and sky maps that an earlier version made.

    `serve --migrate` does it in the background.
    """
    from opendata.describing.anew import describe_anew

    click.echo(f"{describe_anew()} files were described again.")


@main.command()
def reindex() -> None:
    """Rebuild the search index from the published records."""
    from django.db import transaction

    from opendata.searching import index

    with transaction.atomic():
        number = index.renew()
    click.echo(f"{number} records were indexed.")


@main.command()
def check() -> None:
    """Check the database and the checksum of every file; exit code 1 if something is wrong."""
    from opendata.records.integrity import problems

    number = 0
    for problem in problems(click.echo):
        click.echo(problem, err=True)
        number += 1
    click.echo("Everything is in order." if not number else f"{number} problems.")
    sys.exit(1 if number else 0)


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def django(arguments: tuple[str, ...]) -> None:
    """Run one of Django's own commands, for example makemigrations."""
    from django.core.management import execute_from_command_line

    execute_from_command_line(["opendata django", *arguments])
