"""`km3hub accounts sessions`, `end-sessions` and `release`: who is logged in, and ending it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from km3hub.login.access import AccessError
from km3hub.login.accounts import AccountNameError, AccountStore, normalised
from km3hub.login.sessions import Sessions
from km3settings.state import State

__all__ = ["end_sessions", "release", "sessions"]

#: Characters of a session's key that the list shows.
_SHOWN = 8
_COLUMNS = ("name", "kind", "key", "began", "seen", "from", "what")
_HEADER = ("NAME", "KIND", "KEY", "BEGAN (UTC)", "LAST USED (UTC)", "FROM", "BROWSER OR NOTE")
#: Tokens that users made; those of servers and browsers end with these.
_TOKENS = """
SELECT users.name, api_tokens.id, api_tokens.created, api_tokens.last_activity, api_tokens.note
FROM api_tokens JOIN users ON users.id = api_tokens.user_id
WHERE api_tokens.client_id = 'jupyterhub' AND coalesce(api_tokens.note, '') NOT LIKE 'Server at %'
AND (api_tokens.expires_at IS NULL OR api_tokens.expires_at > ?)
"""


def _state(store: AccountStore) -> State:
    return State(store.path.parent)


def _name(name: str) -> str:
    try:
        return normalised(name)
    except AccountNameError as error:
        raise click.UsageError(str(error)) from None


@click.command()
@click.argument("name", required=False)
@click.option("--json", "for_programs", is_flag=True, help="For programs: a list of objects.")
@click.pass_obj
def sessions(store: AccountStore, name: str | None, for_programs: bool) -> None:
    """List who is logged in, in which browser, and the tokens that users have made."""
    wanted = _name(name) if name else None
    state = _state(store)
    rows = [*_browsers(state), *_tokens(state.database)]
    rows = [row for row in rows if wanted in (None, row["name"])]
    rows.sort(key=lambda row: (row["name"], row["kind"], row["began"]))
    if for_programs:
        click.echo(json.dumps(rows))
        return
    if not rows:
        click.echo(f"Nobody is logged in{f' as {wanted}' if wanted else ''}, and no tokens exist.")
        return
    table = [_HEADER, *(tuple(str(row[column]) for column in _COLUMNS) for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(_HEADER))]
    for line in table:
        cells = zip(line, widths, strict=True)
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in cells).rstrip())


@click.command("end-sessions")
@click.argument("name", required=False)
@click.option("--session", "key", help="End only this browser session (KEY of the list).")
@click.option("--all", "everybody", is_flag=True, help="End those of everybody, yours too.")
@click.pass_obj
def end_sessions(
    store: AccountStore, name: str | None, key: str | None, *, everybody: bool
) -> None:
    """End all sessions and tokens of NAME and stop the user's servers.

    With --session, only that browser is logged out: its pages within a minute; a notebook that it
    has open stays connected while the server runs. The account and its password stay.
    """
    if everybody == bool(name):
        raise click.UsageError("give either a NAME or --all")
    if everybody and key:
        raise click.UsageError("--session goes with a NAME")
    if key is None:
        names = [_name(name)] if name else _everybody(store)
        try:
            for one in names:
                store.access.end(one)
        except AccessError as error:
            raise click.ClickException(str(error)) from None
        whose = name.lower() if name else f"{len(names)} users"
        click.echo(f"Ended all sessions and tokens of {whose}; running servers are being stopped.")
        return
    name = _name(name or "")
    known = Sessions(_state(store).sessions)
    found = [k for k in known.of(name) if k.startswith(key.lower())]
    if len(found) != 1 or len(key) < _SHOWN:
        raise click.ClickException(
            f"{name} has no session {key}; list them with: km3hub accounts sessions {name}"
        )
    known.end(found[0])
    if found[0] in known.all():
        raise click.ClickException(f"{known.file.path} cannot be changed; nothing was ended")
    click.echo(f"Ended the session {key} of {name}.")


@click.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def release(store: AccountStore, name: str, yes: bool) -> None:
    """Free the NAME of a user of an OpenID provider for another person.

    The next person with that name gets an empty home and inherits nothing. The files in the former
    home are kept. For the platform's own accounts, `remove` does this.
    """
    name = _name(name)
    if store.get(name):
        raise click.ClickException(
            f"{name} is an account of this platform; remove it: km3hub accounts remove {name}"
        )
    if not yes:
        click.confirm(f"Free the name {name} for another person?", abort=True)
    try:
        store.access.release(name)
    except AccessError as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        f"Freed {name}: its sessions and tokens end, its servers are being stopped, and the next"
        " person with this name gets an empty home."
    )


def _everybody(store: AccountStore) -> list[str]:
    """Returns the users of whom there may be sessions or tokens."""
    state = _state(store)
    names = {session.user for session in Sessions(state.sessions).all().values()}
    return sorted({*names, *store.names(), *_rows(state.database, "SELECT name FROM users")})


def _browsers(state: State) -> list[dict[str, Any]]:
    return [
        {
            "name": session.user,
            "kind": "browser",
            "key": key[:_SHOWN],
            "began": f"{session.began:%Y-%m-%d %H:%M}",
            "seen": f"{session.seen:%Y-%m-%d %H:%M}",
            "from": session.address,
            "what": _printable(session.agent),
        }
        for key, session in Sessions(state.sessions).all().items()
    ]


def _tokens(database: Path) -> list[dict[str, Any]]:
    """Returns the tokens in the hub's database, without reading any secret."""
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
    found = _rows(database, _TOKENS, now)
    return [
        {
            "name": name,
            "kind": "token",
            "key": f"a{number}",
            "began": str(created)[:16],
            "seen": str(seen)[:16] if seen else "never",
            "from": "",
            "what": _printable(note or ""),
        }
        for name, number, created, seen, note in found
    ]


def _rows(database: Path, query: str, *values: str) -> list[Any]:
    """Returns what the hub's database answers: rows, or values where each row has one."""
    if not database.exists():
        return []
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as db:
            rows = db.execute(query, values).fetchall()
    except sqlite3.Error as error:
        raise click.ClickException(f"{database}: cannot be read: {error}") from None
    return [row[0] if len(row) == 1 else row for row in rows]


def _printable(text: str) -> str:
    # Users choose it; control characters could change what the terminal shows.
    return "".join(c if c.isprintable() else "?" for c in text)[:60]
