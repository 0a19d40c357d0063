"""`km3hub homes`: how full users' homes are. Run it in the hub's container."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any, TypeVar

import click

from km3hub.spawning.homes import HomesError, HomesService, Use
from km3settings.runtime import Runtime

__all__ = ["homes"]

_Answer = TypeVar("_Answer")


@click.group()
def homes() -> None:
    """The limits of homes, where the platform runs in containers."""
    if not Runtime.from_environment().homes:
        raise click.ClickException(
            "no limits are enforced here: set homes.quota in platform.yaml, then run make up"
            " (docs/homes.md); in containers run this command in the hub's:"
            " docker exec km3net-hub km3hub homes"
        )


@homes.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with amounts in bytes.")
def list_(as_json: bool) -> None:
    """Show how much each home contains and how much it may, the fullest first."""
    found = asked(HomesService().all())
    if as_json:
        click.echo(json.dumps([use.model_dump() for use in found], indent=2))
        return
    for use in sorted(found, key=lambda use: (-_share(use), use.user)):
        limit = f"of {_amount(use.limit)} ({_share(use):.0%})" if use.limit else "no limit"
        note = f"; {use.note}" if use.note else ""
        click.echo(f"{use.user:<20} {use.kind:<8} {_amount(use.used):>9} {limit}{note}")


@homes.command()
@click.argument("name")
@click.option("--scratch", is_flag=True, help="Delete the scratch folder instead of the home.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, scratch: bool, yes: bool) -> None:
    """Delete all files of the user NAME, as `km3hub homes list` shows it; keep the account."""
    what = "scratch" if scratch else "home"
    if not yes:
        click.confirm(f"Delete all files in the {what} of {name} permanently?", abort=True)
    asked(HomesService().remove("scratch" if scratch else "home", name))
    click.echo(f"deleted the files in the {what} of {name}")


def asked(answer: Coroutine[Any, Any, _Answer]) -> _Answer:
    """Returns the service's answer; a problem ends the command with its sentence."""
    try:
        return asyncio.run(answer)
    except HomesError as error:
        raise click.ClickException(str(error)) from None


def _share(use: Use) -> float:
    return use.used / use.limit if use.limit else 0.0


def _amount(size: int | None) -> str:
    size = size or 0
    return f"{size / 1024**3:.2f} GB" if size >= 1024**3 else f"{size / 1024**2:.1f} MB"
