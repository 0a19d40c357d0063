"""`/hub/api/rehearsal`: the temporary accounts of a rehearsal, for administrators."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.scopes import needs_scope
from tornado import web

from km3hub.login import passwords
from km3hub.login.account import Account, AccountsError, group_names
from km3hub.rehearsal.homes import remove_home
from km3hub.rehearsal.names import MOST, is_rehearsal, new_names
from km3hub.spawning.hosts import HostsFile
from km3hub.usage.ledger import Ledger, LedgerError
from km3settings.runtime import Runtime

__all__ = ["RehearsalHandler"]

#: The accounts of a rehearsal that nobody cleans up end after these hours.
_HOURS = 3


class RehearsalHandler(APIHandler):
    """The accounts are named `rehearsal-RANDOM-NUMBER`; no other account is read or changed."""

    def initialize(self, runtime: Runtime) -> None:
        """Keep what the platform runs with."""
        super().initialize()
        self._runtime = runtime

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        """Answer with the names of the accounts that there are."""
        self._answer(200, {"names": self._names()})

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def post(self) -> None:
        """`{"users": 60, "group": "workshop-school"}` → 201 with names and passwords."""
        users, groups = self._wanted(self.get_json_body())
        names = new_names(users)
        chosen = {name: passwords.generate() for name in names}
        loop = asyncio.get_running_loop()
        expires = datetime.now(UTC) + timedelta(hours=_HOURS)
        accounts = {}
        # One after the other: logins of real users go on meanwhile.
        for name, password in chosen.items():
            hash_ = await loop.run_in_executor(None, passwords.hashed, password)
            accounts[name] = Account(hash=hash_, expires=expires, groups=groups)
        try:
            self._store.add_all(accounts)
        except AccountsError as error:
            raise web.HTTPError(503, str(error)) from None
        self.log.warning("Accounts: %d temporary ones for a rehearsal, %s", users, names[0])
        people = [{"name": name, "password": password} for name, password in chosen.items()]
        self._answer(201, {"people": people})

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]
    async def delete(self) -> None:
        """Remove all accounts of rehearsals, their homes, and their entries in the ledger.

        Their users and servers must be deleted before.
        """
        names = self._names()
        state = self._runtime.state
        hosts, usage = HostsFile(state.hosts), state.usage
        try:
            for name in names:
                await self._remove_home(name)
                hosts.forget_user(name)
                if usage.exists():
                    Ledger(usage).erase(name)
                self._store.remove(name)
        except (AccountsError, LedgerError, OSError) as error:
            raise web.HTTPError(503, str(error)) from None
        self._answer(200, {"names": names})

    async def _remove_home(self, name: str) -> None:
        try:
            await remove_home(self._runtime, name)
        except Exception as error:  # of the file system, the engine or the service for homes
            self.log.error("the home of %s was not deleted: %s", name, error)
            raise web.HTTPError(
                503, f"The home of {name} cannot be deleted at the moment; try again in a minute."
            ) from None

    @property
    def _store(self) -> Any:
        store = getattr(self.authenticator, "store", None)
        if store is None:
            raise web.HTTPError(
                409,
                "A rehearsal needs accounts of the platform itself; here people log in with a"
                " provider. Rehearse on a hub with login.method: accounts on the same machine.",
            )
        return store

    def _names(self) -> list[str]:
        try:
            return [name for name in self._store.names() if is_rehearsal(name)]
        except AccountsError as error:
            raise web.HTTPError(503, str(error)) from None

    @staticmethod
    def _wanted(body: Any) -> tuple[int, tuple[str, ...]]:
        users = body.get("users") if isinstance(body, dict) else None
        group = body.get("group", "") if isinstance(body, dict) else None
        if isinstance(users, bool) or not isinstance(users, int) or not 1 <= users <= MOST:
            raise web.HTTPError(400, f"users: write a whole number from 1 to {MOST}.")
        if not isinstance(group, str):
            raise web.HTTPError(400, "group: write the name of a group.")
        try:
            return users, group_names(group)
        except ValueError as error:
            raise web.HTTPError(400, f"group: {error}") from None

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        self.set_status(status)
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(content))
