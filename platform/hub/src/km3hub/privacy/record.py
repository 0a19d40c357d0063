"""What the hub's own files say of a person, and their erasure."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Protocol
from urllib.parse import quote

import httpx

from km3hub.login.access import AccessError, AccessFile
from km3hub.login.accounts import AccountsError, AccountStore
from km3hub.login.sessions import Sessions
from km3hub.membership.names import WorkshopError
from km3hub.privacy.logs import erase_entries
from km3hub.spawning.hosts import HostsFile
from km3hub.teaching.desk import Desk
from km3hub.teaching.store import TeachingError
from km3hub.usage.ledger import Ledger, LedgerError
from km3settings.state import State
from km3settings.waiting import wait_until

__all__ = ["RecordError", "Records", "forget", "record"]

#: Seconds that a server may take to stop.
_STOP_SECONDS = 90
#: Queries for what the hub's database says of a user. No secret, and no hash of one, is read.
_QUERIES = {
    "user": "SELECT name, admin, created, last_activity FROM users WHERE name = ?",
    "groups": (
        "SELECT groups.name FROM groups JOIN user_group_map ON group_id = groups.id"
        " JOIN users ON user_id = users.id WHERE users.name = ?"
    ),
    "servers": (
        "SELECT spawners.name, started, spawners.last_activity, user_options FROM spawners"
        " JOIN users ON user_id = users.id WHERE users.name = ?"
    ),
    "tokens": (
        "SELECT note, client_id, scopes, api_tokens.created, expires_at, api_tokens.last_activity"
        " FROM api_tokens JOIN users ON user_id = users.id WHERE users.name = ?"
    ),
}


_FAILURES = (AccountsError, AccessError, LedgerError, TeachingError, WorkshopError)


class RecordError(Exception):
    """Something cannot be read or erased; the message says what, and what to do."""


class Records(Protocol):
    """What another part of the hub keeps of people; `km3hub.workshops` has such records."""

    def entries(self, account: str, home: str) -> dict[str, list[dict[str, Any]]]:
        """Returns everything about the person with this account and home, by kind, as JSON."""

    def erase(self, account: str, home: str) -> None:
        """Delete everything about the person with this account and home."""


def record(state: State, name: str, workshops: Records) -> dict[str, Any]:
    """Returns what the state folder has of a person, as JSON.

    `home_suffix` is always there: what follows the name in the name of the person's home.

    Parameters
    ----------
    state
        The state folder.
    name
        The person's user name.
    workshops
        What workshops keep.

    Raises
    ------
    RecordError
        If a file cannot be read.
    """
    try:
        account = AccountStore(state.accounts).get(name)
        usage = Ledger(state.usage).entries(name) if state.usage.exists() else []
        home = Ledger(state.usage).home_bytes(name) if state.usage.exists() else None
        teaching = _desk(state).store.entries(name) if state.teaching.exists() else {}
        hub = dict(_database(state, name))
        suffix = _home_suffix(state, name)
        found: dict[str, Any] = {"home_suffix": suffix}
        in_workshops = {**workshops.entries(name, name + suffix), **teaching}
    except (*_FAILURES, sqlite3.Error) as error:
        raise RecordError(str(error)) from None
    sessions = Sessions(state.sessions).of(name)
    if sessions:
        found["sessions"] = [session.model_dump(mode="json") for session in sessions.values()]
    if account:
        found["account"] = account.model_dump(mode="json", exclude={"hash"})
    if any(hub.values()):
        found["hub"] = hub
    if usage:
        keys = ("day", "server_seconds", "cpu_seconds")
        found["usage"] = [dict(zip(keys, row, strict=True)) for row in usage]
    if in_workshops:
        found["workshops"] = in_workshops
    if home is not None:
        found["home_bytes"] = home
    return found


def _desk(state: State) -> Desk:
    return Desk(state.teaching, state.teaching_files)


def _home_suffix(state: State, name: str) -> str:
    access = AccessFile(state.access).get(name)
    # A free name has its next home already.
    home = access.former_home if access.free else access.home
    return access.model_copy(update={"home": home}).home_suffix


def _database(state: State, name: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    if not state.database.exists():
        return
    address = f"file:{quote(str(state.database))}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=5)) as database:
        database.row_factory = sqlite3.Row
        for key, query in _QUERIES.items():
            yield key, [dict(row) for row in database.execute(query, (name,))]


def forget(state: State, name: str, workshops: Records, hub: str, *, logs: bool) -> None:
    """Erase what the state folder has of a person. The hub must be running.

    Parameters
    ----------
    state
        The state folder.
    name
        The person's user name.
    workshops
        What workshops keep.
    hub
        The address of the hub's pages, e.g. `http://127.0.0.1:8000/hub`.
    logs
        Whether the state folder has the logs.

    Raises
    ------
    RecordError
        If something cannot be erased; running the command again is safe.
    """
    try:
        store = AccountStore(state.accounts)
        # While the account is there, it shows which of the records are this person's.
        workshops.erase(name, name + _home_suffix(state, name))
        if store.get(name):
            # Before the rest, so that nobody logs in meanwhile.
            store.remove(name)
        else:
            # Of a provider, or removed before.
            AccessFile(state.access).release(name)
        sessions = Sessions(state.sessions)
        sessions.end(*sessions.of(name))
        _delete_user(hub, state.secret("platform"), name)
        if state.usage.exists():
            Ledger(state.usage).erase(name)
        if state.teaching.exists():
            _desk(state).store.erase(name)
            _desk(state).delete_unused_files()
        HostsFile(state.hosts).forget_user(name)
        if logs:
            erase_entries(state.logs, name)
    except (*_FAILURES, OSError) as error:
        raise RecordError(str(error)) from None


def _delete_user(hub: str, token: str, name: str) -> None:
    """Let the hub stop the user's server and delete user, tokens and shares."""
    address = f"{hub}/api/users/{quote(name)}"
    headers = {"Authorization": f"token {token}"}
    answer: httpx.Response | None = None

    def deleted() -> bool:
        nonlocal answer
        answer = client.delete(address)
        return answer.status_code in (204, 404)

    try:
        with httpx.Client(timeout=120, trust_env=False, headers=headers) as client:
            # 400: its server is being stopped.
            done = wait_until(deleted, seconds=_STOP_SECONDS)
    except httpx.HTTPError as error:
        raise RecordError(
            f"the hub does not answer at {hub} ({error}); start it: make up"
        ) from None
    if not done and answer is not None:
        reason = answer.text[:200]
        raise RecordError(f"the hub refused to delete {name}: {answer.status_code} {reason}")
