"""`km3hub usage`, `pause` and `resume`: the report of a month, and the spawn switch."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from km3hub.cli.accounts import default_state
from km3hub.cli.relay import container, relay
from km3hub.usage.ledger import Ledger, LedgerError
from km3hub.usage.pause import LONGEST_REASON, PauseFile
from km3hub.usage.report import report, table
from km3settings.state import State

__all__ = ["pause", "resume", "usage"]

state_option: Callable[[Any], Any] = click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="KM3_STATE",
    default=default_state,
    help="The state folder of the platform (default: .platform of the checkout).",
)


def _relayed(folder: Path, arguments: Sequence[str]) -> State:
    """Returns the state folder; where it is in the hub's container, runs the command there."""
    state = State(folder)
    name = container(state, os.environ)
    if name:
        click.get_current_context().exit(relay(name, arguments))
    return state


def _month(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
    if value is None:
        return f"{datetime.now(UTC):%Y-%m}"
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", value, re.ASCII):
        raise click.BadParameter(f"{value} is not a month; write e.g. 2026-11")
    return value


def _reason(ctx: click.Context, param: click.Parameter, value: str) -> str:
    text = " ".join(value.split())
    if not text:
        raise click.BadParameter("is empty; users read it, e.g. 'Maintenance until 14:00.'")
    if len(text) > LONGEST_REASON:
        raise click.BadParameter(f"is longer than {LONGEST_REASON} characters")
    return text


@click.command()
@click.option(
    "--month", metavar="YYYY-MM", callback=_month, help="The month (UTC); default: this one."
)
@click.option("--users", "by_user", is_flag=True, help="Also list each user: personal data.")
@click.option("--json", "for_programs", is_flag=True, help="For programs: one JSON object.")
@state_option
def usage(state: Path, month: str, by_user: bool, for_programs: bool) -> None:
    """Report users, server hours, CPU hours and GB of a month.

    Without --users the report contains no personal data.
    """
    options = [*(["--users"] if by_user else []), *(["--json"] if for_programs else [])]
    path = _relayed(state, ["usage", "--month", month, *options]).usage
    if not path.is_file():
        raise click.ClickException(
            f"{path}: there is no such file; it is created when the hub starts: make up"
        )
    try:
        found = report(Ledger(path), month, by_user=by_user)
    except LedgerError as error:
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps(found.model(), indent=1) if for_programs else table(found))


@click.command()
@click.option("--reason", required=True, callback=_reason, help="What users read.")
@state_option
def pause(state: Path, reason: str) -> None:
    """Start no new servers until `km3hub resume`.

    Running servers continue to run, and administrators may start servers. Takes effect at once.
    """
    file = PauseFile(_relayed(state, ["pause", "--reason", reason]).pause)
    try:
        file.write(reason)
    except OSError as error:
        raise click.ClickException(f"{file.path}: cannot be written: {error.strerror}") from None
    click.echo("No new servers are started; running ones continue. To end this: km3hub resume")


@click.command()
@state_option
def resume(state: Path) -> None:
    """Allow servers to start again after `km3hub pause`."""
    file = PauseFile(_relayed(state, ["resume"]).pause)
    try:
        was_paused = file.clear()
    except OSError as error:
        raise click.ClickException(f"{file.path}: cannot be removed: {error.strerror}") from None
    click.echo("Servers can be started again." if was_paused else "There was no pause.")
