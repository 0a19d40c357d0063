"""Arguments that several commands of a workshop have, and how their errors are reported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import click

from km3hub.login.account import AccountsError, expiry
from km3hub.membership.names import WorkshopError, workshop_name
from km3settings.settings import SettingsError

__all__ = ["day", "in_the_future", "name_argument", "reported", "until_option"]


@contextmanager
def reported() -> Iterator[None]:
    """Report errors as sentences, with exit code 1."""
    try:
        yield
    except (WorkshopError, AccountsError, SettingsError) as error:
        raise click.ClickException(str(error)) from None


def _name(ctx: click.Context, param: click.Parameter, value: str) -> str:
    try:
        return workshop_name(value)
    except WorkshopError as error:
        raise click.BadParameter(str(error)) from None


def in_the_future(ctx: click.Context, param: click.Parameter, value: str) -> datetime:
    """Returns the moment after a day, or a time with its zone; refuses those in the past."""
    try:
        moment = expiry(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if moment <= datetime.now(UTC):
        raise click.BadParameter(f"{value} is in the past")
    return moment


def day(moment: datetime) -> str:
    """Returns the last day that is wholly before a moment, or the moment where it is no midnight.

    All in UTC, e.g. `2027-03-31` or `2027-03-31 17:00 UTC`.
    """
    if moment == datetime.max.replace(tzinfo=UTC):
        return "never"
    if moment == moment.replace(hour=0, minute=0, second=0, microsecond=0):
        return f"{moment - timedelta(days=1):%Y-%m-%d}"
    return f"{moment:%Y-%m-%d %H:%M} UTC"


name_argument = click.argument("name", callback=_name)

until_option = click.option(
    "--until",
    metavar="DATE",
    required=True,
    callback=in_the_future,
    help="Last day (UTC), e.g. 2027-03-31, or a time such as 2027-03-31T18:00+01:00.",
)
