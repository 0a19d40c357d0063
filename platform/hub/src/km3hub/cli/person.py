"""`km3hub accounts export` and `erase`: a person's data, and their erasure."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from km3hub.cli.installation import hub_address
from km3hub.cli.relay import container
from km3hub.login.accounts import AccountStore
from km3hub.privacy.archive import writing
from km3hub.privacy.backups import backups_until
from km3hub.privacy.record import RecordError
from km3hub.privacy.record import forget as forget_record
from km3hub.privacy.record import record as collect
from km3hub.workshops.personal import WorkshopRecords
from km3settings.settings import SettingsError
from km3settings.state import State

if TYPE_CHECKING:
    from km3hub.privacy.places import Place

__all__ = ["erase", "export", "forget", "record"]

hub_option = click.option(
    "--hub",
    metavar="CONTAINER",
    help="The hub's container, where there is no checkout, e.g. km3net-hub.",
)


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except (RecordError, SettingsError) as error:
        raise click.ClickException(str(error)) from None
    except FileExistsError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None
    except OSError as error:
        raise click.ClickException(str(error)) from None


def _name(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """Returns a user name; those of providers may be longer than those of accounts."""
    if not value or "/" in value or value in (".", "..") or not value.isprintable():
        raise click.BadParameter(f"{value!r} is not a user name")
    return value


def _place(store: AccountStore, hub: str | None) -> Place:
    # Imported here: other commands need no Docker.
    from km3hub.privacy.places import Containers, Here

    state = State(store.path.parent)
    name = hub or container(state, os.environ)
    return Containers(name) if name else Here(state, WorkshopRecords(state), hub_address(state))


@click.command()
@click.argument("name", callback=_name)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The archive to write (default: NAME-DATE.tar.gz here).",
)
@hub_option
@click.pass_obj
def export(store: AccountStore, name: str, output: Path | None, hub: str | None) -> None:
    """Write everything about the user NAME into one archive, for that person.

    It contains the home, account, metadata of tokens, usage, log entries, what workshops keep, and
    what the Open Data Center has of the account of this name.
    """
    path = output or Path(f"{name}-{datetime.now(UTC):%Y-%m-%d}.tar.gz")
    with _reported():
        place = _place(store, hub)
        known = place.record(name)
        home = name + known.pop("home_suffix")
        with writing(path, name) as archive:
            archive.add_json("account.json", "the account", known.get("account"))
            archive.add_json(
                "hub.json", "user, groups, servers and tokens in the hub", known.get("hub")
            )
            archive.add_json("usage.json", "use of servers per day", known.get("usage"))
            log = place.log(name)
            archive.add_text("log.txt", "log entries", "".join(f"{line}\n" for line in log))
            portal = place.portal(["export", name])
            theirs = json.loads(portal) if portal is not None else None
            archive.add_json("opendata.json", "the account in the Open Data Center", theirs)
            archive.add_json("sessions.json", "logins in browsers", known.get("sessions"))
            workshops = known.get("workshops", {})
            archive.add_json(
                "workshops.json",
                "what workshops keep: roster, cards, login links, archives, messages, files, help",
                workshops,
            )
            for one in workshops.get("archives", ()):
                if one["bytes"]:
                    archive.miss(
                        f"the archive of the home from the workshop {one['workshop']}; for a"
                        f" download link: km3hub workshop downloads {one['workshop']}"
                        f" --renew {name}"
                    )
            if not place.add_home(archive, home):
                archive.miss("a home: there is none on this machine")
            elif not known:
                archive.miss("an account: the hub knows no user of this name")
            if portal is None:
                archive.miss("the Open Data Center: none runs here")
            archive.miss("backups")
    click.echo(f"{path}: the data of {name}. Anybody who can read it can read all of them.")


@click.command()
@click.argument("name", callback=_name)
@click.option("--yes", is_flag=True, help="Do not ask.")
@hub_option
@click.pass_obj
def erase(store: AccountStore, name: str, yes: bool, hub: str | None) -> None:
    """Erase the user NAME: home, account, tokens, usage and logs. This cannot be undone.

    So is what workshops keep: the entry in the roster, the card, and the archive of the home.
    The account of this name in the Open Data Center is erased, too; what it published remains.
    Prints what remains, and until when. The hub must be running. After a failure, run it again.
    """
    with _reported():
        place = _place(store, hub)
        if not yes:
            click.confirm(
                f"Erase the user {name} with home, account and everything else? This cannot be"
                " undone",
                abort=True,
            )
        known = place.record(name)
        home = name + known["home_suffix"]
        place.forget(name)
        had_home = place.erase_home(home)
        portal = place.portal(["erase", "--yes", name])
    erased = ["account", "tokens", "usage"]
    if known.get("workshops"):
        erased.append("what workshops kept")
    click.echo(f"Erased {name}: {', '.join(erased)} and {'home' if had_home else 'no home'}.")
    click.echo("What remains:")
    if known.get("workshops", {}).get("roster"):
        click.echo("- rosters, handouts and lists of download links that organisers have saved")
    for line in (portal or "").splitlines():
        click.echo(f"- Open Data Center: {line}")
    if place.logs_remain:
        click.echo(f"- {place.logs_remain}")
    click.echo("- files in folders shared with groups, which belong to the group")
    click.echo("- totals of usage, which name nobody")
    click.echo(f"- {backups_until(datetime.now(UTC).date())}")


@click.command(hidden=True)
@click.argument("name", callback=_name)
@click.pass_obj
def record(store: AccountStore, name: str) -> None:
    """Print what the hub has of the user NAME as JSON (for export)."""
    state = State(store.path.parent)
    with _reported():
        click.echo(json.dumps(collect(state, name, WorkshopRecords(state))))


@click.command(hidden=True)
@click.argument("name", callback=_name)
@click.pass_obj
def forget(store: AccountStore, name: str) -> None:
    """Erase what the hub has of the user NAME (for erase)."""
    state = State(store.path.parent)
    with _reported():
        forget_record(state, name, WorkshopRecords(state), hub_address(state), logs=False)
