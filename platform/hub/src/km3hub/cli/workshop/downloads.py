"""`km3hub workshop downloads`: the download links of a closed workshop."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import click

from km3hub.cli.installation import address_for_people, runtime_of, settings_of
from km3hub.cli.workshop.arguments import day, name_argument, reported
from km3hub.cli.workshop.list import described, table
from km3hub.membership.names import WorkshopError
from km3hub.workshops.downloads import Downloads
from km3settings.state import State

__all__ = ["download_link", "downloads", "write_links"]

_HELP = """List the archives of the workshop NAME; renew or revoke their download links.

\b
Examples:
  km3hub workshop downloads school
  km3hub workshop downloads school --revoke school-07
  km3hub workshop downloads school --renew school-07 --days 14
"""


def download_link(address: str, secret: str) -> str:
    """Returns a download link. Browsers do not send what follows `#`."""
    return f"{address}/hub/archive#{secret}"


@click.command(help=_HELP)
@name_argument
@click.option("--renew", metavar="ACCOUNT|all", multiple=True, help="Make and print a new link.")
@click.option("--revoke", metavar="ACCOUNT|all", multiple=True, help="End a link at once.")
@click.option(
    "--days", type=click.IntRange(1, 366), default=30, show_default=True, help="With --renew."
)
@click.pass_obj
def downloads(
    state: State, name: str, renew: tuple[str, ...], revoke: tuple[str, ...], days: int
) -> None:
    """List the archives of a workshop; renew or revoke their links."""
    with reported():
        known = described(state, name)
        found = Downloads(state)
        accounts = {one.account for one in found.of(name)}
        for account in (*renew, *revoke):
            if account not in accounts | {"all"}:
                raise WorkshopError(f"{account} has no archive of the workshop {name}")
        if renew:
            expires = datetime.now(UTC) + timedelta(days=days)
            secrets = found.issue(name, expires, None if "all" in renew else renew)
            runtime = runtime_of(state)
            address = address_for_people(settings_of(runtime), runtime)
            people = {one["account"]: one for one in known["members"]}
            _write(sys.stdout, address, people, secrets)
            return
        if revoke:
            ended = found.revoke(name, None if "all" in revoke else revoke)
            click.echo(f"Revoked {len(ended)} links. The archives stay until they expire.")
            return
        rows = found.of(name)
    if not rows:
        click.echo(f"No archives of {name}; they are made by: km3hub workshop close {name}")
        return
    table(
        ("ACCOUNT", "STATE", "MB", "LINK", "DELETED AFTER", "DOWNLOADS"),
        [
            (
                one.account,
                one.step,
                f"{one.bytes / 2**20:.1f}",
                "valid" if one.digest else "none",
                day(one.expires) if one.expires else "",
                one.downloads,
            )
            for one in rows
        ],
    )


def write_links(
    path: Path, address: str, people: Mapping[str, Mapping[str, Any]], secrets: Mapping[str, str]
) -> None:
    """Write the links into a new CSV file that only its owner can read.

    Raises
    ------
    click.ClickException
        Where it cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="") as file:
            _write(file, address, people, secrets)
    except OSError as error:
        raise click.ClickException(
            f"{path}: cannot be written: {error.strerror}; print new links with: km3hub workshop"
            " downloads NAME --renew all"
        ) from None


def _write(
    file: IO[str],
    address: str,
    people: Mapping[str, Mapping[str, Any]],
    secrets: Mapping[str, str],
) -> None:
    writer = csv.writer(file)
    writer.writerow(["account", "name", "email", "download link"])
    for account, secret in secrets.items():
        person = people.get(account, {})
        cells = (account, person.get("name", ""), person.get("email", ""))
        safe = [f"'{cell}" if cell[:1] in ("=", "+", "-", "@") and cell else cell for cell in cells]
        writer.writerow([*safe, download_link(address, secret)])
