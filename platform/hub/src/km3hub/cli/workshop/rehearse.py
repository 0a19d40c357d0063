"""`km3hub workshop rehearse`: simulated participants, and whether the workshop can go ahead."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import click

from km3hub.cli.relay import container
from km3hub.cli.workshop.arguments import reported
from km3hub.cli.workshop.entrance import Access, access
from km3hub.cli.workshop.list import described
from km3hub.membership.names import WorkshopError, participants_group, workshop_name
from km3hub.rehearsal.accounts import remove_accounts
from km3hub.rehearsal.crowd import Rehearsal, rehearse
from km3hub.rehearsal.figure import as_svg
from km3hub.rehearsal.names import MOST
from km3hub.rehearsal.plan import Plan
from km3hub.rehearsal.report import as_json, as_table
from km3hub.rehearsal.verdict import capacity, verdict
from km3hub.workshops.hub import AdminHub
from km3hub.workshops.places import InContainers
from km3settings.state import State
from km3visit.site import Site, clean_address

__all__ = ["command"]

_EPILOG = """\b
Examples:
  km3hub workshop rehearse school --users 60
  km3hub workshop rehearse --users 20 --environment joint --output ~/rehearsal
  km3hub workshop rehearse --url https://hub.example.org --token-file token --users 60
  km3hub workshop rehearse --clean
"""


def _address(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    try:
        return clean_address(value) if value else None
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _name(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    try:
        return workshop_name(value) if value else None
    except WorkshopError as error:
        raise click.BadParameter(str(error)) from None


@click.command("rehearse", epilog=_EPILOG)
@click.argument("name", required=False, callback=_name)
@click.option("--users", type=click.IntRange(1, MOST), help="How many take part.")
@click.option("--url", callback=_address, help="The hub, if it is not that of this machine.")
@click.option(
    "--token-file",
    type=click.File(),
    help="A file with an API token of an administrator of that hub; - is standard input.",
)
@click.option(
    "--environment", help="What they start (default: that of the workshop, or the first)."
)
@click.option(
    "--size", help="The size of their servers (default: that of the workshop, or the first)."
)
@click.option(
    "--within", type=click.FloatRange(0, 3600), default=60, show_default=True,
    help="Seconds over which they arrive.",
)  # fmt: skip
@click.option(
    "--hold", type=click.FloatRange(0, 7200), default=60, show_default=True,
    help="Seconds for which they stay once all are there.",
)  # fmt: skip
@click.option(
    "--abandon", type=click.FloatRange(0, 1), default=0.2, show_default=True,
    help="Fraction of them who leave without closing anything.",
)  # fmt: skip
@click.option(
    "--cells", type=click.IntRange(0, 50), default=3, show_default=True,
    help="How many cells of a tutorial each of them runs.",
)  # fmt: skip
@click.option(
    "--ready-within", type=click.FloatRange(1, 3600), default=120, show_default=True,
    help="Seconds from the login to the first cell's answer that are acceptable for 95 %.",
)  # fmt: skip
@click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False),
    help="A folder for rehearsal.json and rehearsal.svg.",
)  # fmt: skip
@click.option("--json", "for_programs", is_flag=True, help="For programs: print JSON only.")
@click.option("--clean", is_flag=True, help="Only remove what a crashed rehearsal left.")
@click.pass_obj
def command(
    state: State, name: str | None, *, users: int | None, url: str | None,
    token_file: IO[str] | None,
    environment: str | None, size: str | None, within: float, hold: float, abandon: float,
    cells: int, ready_within: float, output: Path | None, for_programs: bool, clean: bool,
) -> None:  # fmt: skip
    """Let simulated participants log in, start servers and work, and say whether it goes well.

    They have temporary accounts, rehearsal-RANDOM-001 and so on, which are removed at the end with
    everything that they made. No real user is touched; but real users share the machine with them.
    Exits with 0 for "go" and with 1 for "no go".
    """
    entry = _entry(state, url, token_file)
    hub = AdminHub(Site(entry.address, site_proxy=entry.site_proxy), entry.token)
    if clean:
        with reported():
            names = asyncio.run(remove_accounts(hub))
        click.echo(f"Removed {len(names)} accounts of rehearsals with their servers and homes.")
        return
    if output:
        _require_writable(output)
    choice, group, wanted = _workshop(state, name, url)
    users = users or wanted
    if not users:
        raise click.UsageError("say how many take part, e.g. --users 40")
    choice |= {k: v for k, v in {"environment": environment, "size": size}.items() if v}
    plan = Plan(
        users=users, choice=choice or None, within=within, hold=hold, abandon=abandon, cells=cells
    )

    def report(line: str) -> None:
        click.echo(line, err=True)

    with reported():
        found = asyncio.run(rehearse(hub, plan, group=group, here=_here(entry), report=report))
    _show(found, entry, choice, ready_within=ready_within, output=output, for_programs=for_programs)


def _show(
    found: Rehearsal, entry: Access, choice: dict[str, str], *, ready_within: float,
    output: Path | None, for_programs: bool,
) -> None:  # fmt: skip
    limit = entry.memory.get(choice.get("size", "")) or next(iter(entry.memory.values()), None)
    carries = capacity(found.machine, limit) if found.machine else None
    decision = verdict(found, carries, ready_within=ready_within)
    data = as_json(found, carries, decision, when=datetime.now(UTC), hub=entry.address)
    if output:
        (output / "rehearsal.json").write_text(json.dumps(data, indent=1) + "\n")
        figure = as_svg(found, decision, hub=entry.address)
        (output / "rehearsal.svg").write_text(figure, encoding="utf-8")
    click.echo(json.dumps(data, indent=1) if for_programs else as_table(found, carries, decision))
    if output and not for_programs:
        click.echo(f"\nDetails: {output / 'rehearsal.json'}, figure: {output / 'rehearsal.svg'}")
    raise click.exceptions.Exit(0 if decision.go else 1)


def _entry(state: State, url: str | None, token_file: IO[str] | None) -> Access:
    if bool(url) != bool(token_file):
        raise click.UsageError("--url and --token-file go together")
    if not url or not token_file:
        return access(state)
    token = token_file.read().strip()
    if not token or not token.isascii() or len(token.split()) != 1:
        raise click.UsageError("--token-file: the file must contain one API token and nothing else")
    return Access(url, site_proxy=False, token=token, memory={})


def _workshop(state: State, name: str | None, url: str | None) -> tuple[dict[str, str], str, int]:
    """Returns what a workshop's participants start, their group, and how many they are."""
    if not name:
        return {}, "", 0
    if url:
        return {}, participants_group(name), 0
    hub = container(state, os.environ)
    with reported():
        known = InContainers(hub).described(name) if hub else described(state, name)
    participants = [one for one in known["members"] if one["role"] == "participant"]
    choice = {"environment": known["environment"], "size": known["size"]}
    return choice, participants_group(name), len(participants)


def _here(entry: Access) -> bool:
    """Returns whether the hub is on this machine, as far as its address tells."""
    host = urlsplit(entry.address).hostname or ""
    return bool(entry.memory) or host in ("localhost", "127.0.0.1", "::1")


def _require_writable(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
        (output / "rehearsal.json").touch()
    except OSError as error:
        raise click.ClickException(f"{output}: cannot be written to: {error.strerror}") from None
