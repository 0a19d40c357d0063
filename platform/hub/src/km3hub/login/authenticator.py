"""The Authenticator of the method `accounts`."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from tornado import web
from traitlets import Integer, List, Unicode

from km3hub.login import passwords
from km3hub.login.accounts import Account, AccountNameError, AccountsError, AccountStore, normalised
from km3hub.login.address import client_address
from km3hub.login.closed import lock_out
from km3hub.login.page import PasswordPage
from km3hub.login.throttle import Throttle

__all__ = ["AccountsAuthenticator"]

#: One per core of a small machine; more would only use memory (19 MiB each).
_HASHING_AT_ONCE = 2


def _duration(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} second{'s' if seconds != 1 else ''}"
    return f"{-(-seconds // 60)} minutes"


class AccountsAuthenticator(Authenticator):
    """Logs in users with an account in the platform's file of accounts.

    A wrong password, an unknown name and an expired account get the same answer after the same
    work. Changes of an account take effect at once, without a new login. For an expired or removed
    account the hub's pages and starts of servers are refused; a running server is left alone, so
    that work can be saved, until it is culled or stopped by an administrator.
    """

    accounts_file = Unicode(help="The file of accounts.").tag(config=True)
    attempts = Integer(5, help="Failed logins of one user before a pause.").tag(config=True)
    pause_seconds = Integer(60, help="How long that pause lasts.").tag(config=True)
    trusted_proxies = List(Unicode(), help="Proxies in front of the platform's.").tag(config=True)
    contact = Unicode("your administrator", help="Whom to ask for help.").tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.store = AccountStore(Path(self.accounts_file))
        self.throttle = Throttle(attempts=self.attempts, pause=self.pause_seconds)
        passwords.return_memory()
        self._threads = ThreadPoolExecutor(_HASHING_AT_ONCE, thread_name_prefix="password")
        self._turns = asyncio.Semaphore(_HASHING_AT_ONCE)

    def get_handlers(self, app: Any) -> list[tuple[str, type[web.RequestHandler]]]:
        """Returns the login page that also shows why an account was closed."""
        return [("/login", PasswordPage)]

    def validate_username(self, username: str) -> bool:
        """Returns whether the name is valid."""
        try:
            return normalised(username) == username
        except AccountNameError:
            return False

    async def authenticate(
        self, handler: web.RequestHandler, data: dict[str, str]
    ) -> dict[str, Any] | None:
        """Returns name, admin flag and groups of the user, or None.

        Raises
        ------
        tornado.web.HTTPError
            429 during a pause, 503 where the file of accounts cannot be read.
        """
        address = client_address(handler.request, self.trusted_proxies)
        password = data.get("password", "")
        try:
            name = normalised(data.get("username", ""))
        except AccountNameError:
            self._refuse_during_pause("", address)
            self._count(None, address)
            return None
        self._refuse_during_pause(name, address)
        async with self._turns:
            # Again: other attempts may have failed while this one was waiting.
            self._refuse_during_pause(name, address)
            account = self._account(name)
            usable = account is not None and not account.expired()
            hash_ = account.hash if account else passwords.NOBODY
            right = len(password) <= passwords.LONGEST and (
                await asyncio.get_running_loop().run_in_executor(
                    self._threads, passwords.matches, hash_, password
                )
            )
        if not (right and usable and account):
            self._count(name, address)
            return None
        self.throttle.succeeded(name)
        return self._model(name, account)

    @staticmethod
    def _model(name: str, account: Account) -> dict[str, Any]:
        # None: JupyterHub keeps the groups that it has.
        groups = None if account.groups is None else list(account.groups)
        return {"name": name, "admin": account.admin, "groups": groups}

    async def refresh_user(self, user: Any, handler: Any = None) -> bool | dict[str, Any]:
        """Returns whether the account is still valid; admin flag and groups where they changed."""
        try:
            account = self.store.get(user.name)
        except AccountsError as error:
            # A damaged file must not log everybody out; new logins have to wait for its repair.
            self.log.error("Accounts: %s", error)
            return True
        if account is None or account.expired():
            return lock_out(handler, self.closed_message(account))
        if account.admin != bool(user.admin):
            self.log.warning("Accounts: admin of %s is now %s", user.name, account.admin)
            return self._model(user.name, account)
        groups = {group.name for group in user.groups}
        if account.groups is not None and set(account.groups) != groups:
            self.log.info("Accounts: groups of %s changed", user.name)
            return self._model(user.name, account)
        return True

    def pre_spawn_start(self, user: Any, spawner: Any) -> None:
        """Refuse to start a server for a closed account, even for an administrator.

        Raises
        ------
        tornado.web.HTTPError
            403, with the reason.
        """
        try:
            account = self.store.get(user.name)
        except AccountsError as error:
            self.log.error("Accounts: %s", error)
            return
        if account is None or account.expired():
            raise web.HTTPError(403, self.closed_message(account))

    def closed_message(self, account: Account | None) -> str:
        """Returns the message for a user whose account was closed after the login."""
        if account is None or account.expires is None:
            reason = "This account has been removed."
        else:
            reason = f"This account expired on {account.expires:%-d %B %Y at %H:%M} UTC."
        return f"{reason} Your files are kept. Ask {self.contact} if you still need it."

    def _account(self, name: str) -> Account | None:
        try:
            return self.store.get(name)
        except AccountsError as error:
            self.log.error("Accounts: %s", error)
            raise web.HTTPError(
                503, f"Logins are not possible at the moment. Please tell {self.contact}."
            ) from None

    def _refuse_during_pause(self, name: str, address: str) -> None:
        seconds = self.throttle.wait(name, address)
        if seconds:
            error = web.HTTPError(
                429, f"Too many failed logins. Try again in {_duration(seconds)}."
            )
            error.headers = {"Retry-After": str(seconds)}  # type: ignore[attr-defined]
            raise error

    def _count(self, name: str | None, address: str) -> None:
        pause = self.throttle.failed(name, address)
        if pause:
            self.log.warning(
                "Too many failed logins of %s from %s: a pause of %d s", name or "-", address, pause
            )
