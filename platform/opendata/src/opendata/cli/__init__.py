"""The command ``opendata``."""

from __future__ import annotations

import os
from typing import Any

import click

from opendata.cli.accounts import account, sessions, token
from opendata.cli.importing import import_, seed
from opendata.cli.person import person
from opendata.cli.serving import migrate, serve
from opendata.cli.upkeep import check, describe, django_command, reindex, tables


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
        from django.db import IntegrityError, OperationalError, ProgrammingError

        from opendata.records.publishing import Refused
        from openkm3.errors import OpenKM3Error

        try:
            return super().invoke(ctx)
        except (Refused, OpenKM3Error) as error:
            raise click.ClickException(str(error)) from None
        except IntegrityError as error:
            raise click.ClickException(
                f"someone else changed the same at this moment ({error}); run the command again"
            ) from None
        except (OperationalError, ProgrammingError) as error:
            raise click.ClickException(
                f"the database is not ready ({error}); run opendata migrate"
            ) from None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run and fill an Open Data Center, configured by environment variables (see README)."""


for _command in (
    *(migrate, serve, seed, import_, account, token, sessions, person),
    *(tables, describe, reindex, check, django_command),
):
    main.add_command(_command)
