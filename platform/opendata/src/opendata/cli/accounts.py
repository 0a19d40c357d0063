"""Commands for accounts: ``account`` and ``token``."""

from __future__ import annotations

import sys

import click


@click.command()
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
    from opendata.accounts.roles import LOGIN_ROLES

    user = User.objects.filter(username=name).first() or User(username=name)
    if disable:
        if user.pk is None:
            raise click.ClickException(f"there is no account {name}")
        User.objects.filter(pk=user.pk).update(is_active=False)
        click.echo(f"The account {name} is closed.")
        return
    user.is_active = True
    wanted = {*(user.roles if user.pk else ()), *roles}
    if not wanted.intersection(LOGIN_ROLES):
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


@click.command()
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
