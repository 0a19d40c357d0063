"""Commands for accounts: ``account``, ``token`` and ``sessions``."""

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
    "--disable",
    is_flag=True,
    help="Close the account: no login, sessions, tokens or roles. What it did stays.",
)
@click.option(
    "--reopen",
    is_flag=True,
    help="Open the closed account NAME for the same person. Without this, NAME becomes a new"
    " account, which inherits nothing.",
)
def account(
    *, name: str, roles: tuple[str, ...], password_stdin: bool, disable: bool, reopen: bool
) -> None:
    """Create the account NAME for the curation pages, change it, or close it.

    A new password ends the account's sessions and revokes its tokens.
    """
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError
    from django.db import transaction

    from opendata.accounts.models import User
    from opendata.accounts.roles import LOGIN_ROLES

    user = User.objects.filter(username=name).first() or User(username=name)
    if user.pk is None and (disable or reopen):
        raise click.ClickException(f"there is no account {name}")
    if disable:
        user.close()
        click.echo(f"The account {name} is closed; its sessions and tokens have ended.")
        click.echo(f"For the same person later: opendata account {name} --reopen", err=True)
        return
    former = user if user.pk and not user.is_active and not reopen else None
    if former:
        user = User(username=name)
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
        user.full_clean(exclude=["password"], validate_unique=former is None)
        validate_password(password)
    except ValidationError as error:
        raise click.ClickException(" ".join(error.messages)) from None
    user.set_password(password)
    with transaction.atomic():
        if former:
            User.release(name)
        ended, revoked = user.end_access() if user.pk else (0, 0)
        user.save()
        user.set_roles(wanted)
    click.echo(f"{name} can log in at /curate/ ({', '.join(user.roles)}).")
    if former:
        click.echo(
            "A closed account had this name; the new one inherits nothing from it, and what that"
            " one did stays under another name.",
            err=True,
        )
    if ended or revoked:
        click.echo(f"Ended sessions: {ended}; revoked tokens: {revoked}.", err=True)


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
            f" reopen it for the same person with: opendata account {name} --reopen --role ROLE"
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


@click.command()
@click.argument("name", required=False)
@click.option("--end", is_flag=True, help="End the sessions and revoke the tokens of NAME.")
def sessions(name: str | None, end: bool) -> None:
    """List sessions and tokens, of the account NAME or of all; end those of NAME."""
    from opendata.accounts.models import Token, User, sessions_of

    user = User.objects.filter(username=name).first() if name else None
    if name and user is None:
        raise click.ClickException(f"there is no account {name}")
    if end:
        if user is None:
            raise click.UsageError("name the account whose sessions to end")
        ended, revoked = user.end_access()
        click.echo(f"Ended sessions of {name}: {ended}; revoked tokens: {revoked}.")
        return
    names = dict(User.objects.values_list("pk", "username"))
    rows = []
    for session in sessions_of(user):
        whose = names.get(int(session.get_decoded()["_auth_user_id"]), "-")
        rows.append((whose, "session", "", f"until {session.expire_date:%Y-%m-%d %H:%M} UTC"))
    for token in Token.objects.filter(**({"user": user} if user else {})):
        until = f"until {token.expires:%Y-%m-%d %H:%M} UTC" if token.expires else "without limit"
        made = f"created {token.created:%Y-%m-%d}"
        rows.append((names.get(token.user_id, "-"), "token", made, until))
    for row in sorted(rows):
        click.echo("  ".join(part for part in row if part))
    if not rows:
        click.echo("No sessions and no tokens.")
