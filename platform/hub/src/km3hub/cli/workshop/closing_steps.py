"""The steps of `km3hub workshop close` that run in containers: in the hub's, or beside a home."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from km3hub.cli.installation import hub_address
from km3hub.cli.workshop.arguments import name_argument, reported
from km3hub.spawning.homes import HomesError, HomesService
from km3hub.workshops.closing import Closing
from km3hub.workshops.places import summary
from km3settings.runtime import Runtime
from km3settings.state import State

__all__ = ["archive_home", "begin_close", "finish_close", "remove_account", "require_archived"]

account_argument = click.argument("account")


@click.command(hidden=True)
@name_argument
@click.pass_obj
def begin_close(state: State, name: str) -> None:
    """End logins and servers of the workshop NAME; print what is to be archived as JSON."""
    with reported():
        found = Closing(state).begin(name, hub_address(state))
    if Runtime.from_environment().homes:
        try:
            # A home with a limit may be a file system that has to be mounted to be read.
            asyncio.run(HomesService().all())
        except HomesError as error:
            raise click.ClickException(str(error)) from None
    click.echo(json.dumps([{**asdict(one), "expires": None} for one in found]))


@click.command(hidden=True)
@name_argument
@account_argument
@click.option("--home", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.pass_obj
def archive_home(state: State, name: str, account: str, home: Path | None) -> None:
    """Archive the home of ACCOUNT; without --home there is none."""
    with reported():
        done = Closing(state).archive(name, account, home, lambda _: None)
    click.echo(summary(done.files if done else None, done.bytes if done else 0))


@click.command(hidden=True)
@name_argument
@account_argument
@click.pass_obj
def require_archived(state: State, name: str, account: str) -> None:
    """Fail where ACCOUNT has no complete archive."""
    with reported():
        Closing(state).require_archived(name, account)


@click.command(hidden=True)
@name_argument
@account_argument
@click.pass_obj
def remove_account(state: State, name: str, account: str) -> None:
    """Remove ACCOUNT, whose home is gone."""
    with reported():
        Closing(state).remove(name, account)


@click.command(hidden=True)
@name_argument
@click.argument("expires")
@click.pass_obj
def finish_close(state: State, name: str, expires: str) -> None:
    """Close the workshop NAME; print the secrets of its download links as JSON."""
    with reported():
        secrets = Closing(state).finish(name, datetime.fromisoformat(expires))
    click.echo(json.dumps(secrets))
