"""The Authenticator of the method `accounts`."""

from __future__ import annotations

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tornado import web
from traitlets import Integer, Unicode, default

from km3hub.login import passwords
from km3hub.login.access import AccessError
from km3hub.login.accounts import Account, AccountNameError, AccountsError, AccountStore, normalised
from km3hub.login.address import client_address
from km3hub.login.card_page import CardPage, OneTimeLogin
from km3hub.login.closed import lock_out, refuse
from km3hub.login.device import device_of, remember
from km3hub.login.guard import Guard, Logout
from km3hub.login.page import PasswordPage
from km3hub.login.session_pages import SessionsHandler
from km3hub.login.throttle import Throttle
from km3hub.membership.links import Links
from km3hub.membership.names import WorkshopError
from km3hub.membership.store import WorkshopStore
from km3settings.state import State

__all__ = ["AccountsAuthenticator"]

#: One per core of a small machine; more would only use memory (19 MiB each).
_HASHING_AT_ONCE = 2


def _mark(account: Account) -> str:
    """Returns what changes with the password, and with the person."""
    text = f"{account.created.isoformat()} {account.hash}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _person(name: str, account: Account) -> str:
    """Returns what is the same as long as the name belongs to the same person."""
    text = f"{name} {account.created.isoformat()}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _duration(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} second{'s' if seconds != 1 else ''}"
    return f"{-(-seconds // 60)} minutes"


class AccountsAuthenticator(Guard):
    """Logs in users with an account in the platform's file of accounts.

    A wrong password, an unknown name and an expired account get the same answer after the same
    work. Changes of an account take effect at once, without a new login. A new password and the
    removal of an account end its sessions, tokens and servers. For an expired account the hub's
    pages and starts of servers are refused; a running server is left alone, so that work can be
    saved, until it is culled or stopped by an administrator.
    """

    accounts_file = Unicode(help="The file of accounts.").tag(config=True)
    attempts = Integer(5, help="Failed logins of one user from one address before a pause.").tag(
        config=True
    )
    pause_seconds = Integer(60, help="How long the first pause lasts.").tag(config=True)

    @default("state_folder")
    def _folder_of_accounts(self) -> str:
        return str(Path(self.accounts_file).parent)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.store = AccountStore(Path(self.accounts_file))
        self.links = Links(WorkshopStore(State(Path(self.state_folder)).workshops_file))
        self.throttle = Throttle(attempts=self.attempts, pause=self.pause_seconds)
        passwords.return_memory()
        passwords.nobody()  # now, because the first unknown name must not take longer than others
        self._threads = ThreadPoolExecutor(_HASHING_AT_ONCE, thread_name_prefix="password")
        self._marks: dict[str, str] = {}
        self._turns = asyncio.Semaphore(_HASHING_AT_ONCE)

    def get_handlers(self, app: Any) -> list[tuple[str, type[web.RequestHandler]]]:
        """Returns the login page that also shows why an account was closed, and other pages."""
        self.begin_enforcing(app)
        return [
            ("/login", PasswordPage),
            ("/card", CardPage),
            ("/logout", Logout),
            ("/sessions", SessionsHandler),
            *self.first_handlers,
        ]

    def validate_username(self, username: str) -> bool:
        """Returns whether the name is valid."""
        try:
            return normalised(username) == username
        except AccountNameError:
            return False

    async def authenticate(
        self, handler: web.RequestHandler, data: dict[str, Any]
    ) -> dict[str, Any] | None:
        """Returns name, admin flag and groups of the user, or None.

        Parameters
        ----------
        handler
            The handler of the request.
        data
            `username` and `password`, or `link`: a `OneTimeLogin`.

        Raises
        ------
        tornado.web.HTTPError
            429 during a pause, 503 where the file of accounts cannot be read.
        """
        link = data.get("link")
        if isinstance(link, OneTimeLogin):
            return await self._by_link(handler, link)
        address = client_address(handler.request, self.trusted_proxies)
        self.front.note(handler.request)
        password = data.get("password", "")
        try:
            name = normalised(data.get("username", ""))
        except AccountNameError:
            self._refuse_during_pause("", address, "")
            self._count(None, address, "")
            return None
        device = self._device(handler, name)
        self._refuse_during_pause(name, address, device)
        async with self._turns:
            # Again: other attempts may have failed while this one was waiting.
            self._refuse_during_pause(name, address, device)
            account = self._account(name)
            usable = account is not None and not account.expired()
            hash_ = account.hash if account else passwords.nobody()
            right = len(password) <= passwords.LONGEST and (
                await asyncio.get_running_loop().run_in_executor(
                    self._threads, passwords.matches, hash_, password
                )
            )
            if not (right and usable and account):
                # Before the next attempt has its turn.
                self._count(name, address, device)
                return None
        self.throttle.succeeded(name, address, device)
        await self.begin_session(handler, name, _mark(account))
        remember(handler, _person(name, account))
        return self._model(name, account)

    async def _by_link(self, handler: Any, link: OneTimeLogin) -> dict[str, Any] | None:
        """Returns the user of a one-time login link, which is used up by that; or None."""
        address = client_address(handler.request, self.trusted_proxies)
        self.front.note(handler.request)
        try:
            name = normalised(link.account)
        except AccountNameError:
            name = ""
        account = self._account(name) if name else None
        try:
            since = self.access.get(name).valid_since
            found = self.links.use(name, link.secret, since) if account else "unknown"
        except (AccessError, WorkshopError) as error:
            self.log.error("Login links: %s", error)
            raise web.HTTPError(
                503, f"Logins are not possible at the moment. Please tell {self.contact}."
            ) from None
        # A real link, even a used one, is no guess: a whole class room may share an address.
        if found == "unknown":
            self._refuse_during_pause("", address, "")
            self._count(None, address, "")
        handler.link_is_void = found == "void"
        if found != "valid" or account is None or account.expired() or account.admin:
            return None
        await self.begin_session(handler, name, _mark(account))
        remember(handler, _person(name, account))
        return self._model(name, account)

    def _device(self, handler: web.RequestHandler, name: str) -> str:
        """Returns the known device that a request comes from, and notes a new password."""
        account = self._account(name)
        if account is None:
            return ""
        mark = _mark(account)
        if self._marks.setdefault(name, mark) != mark:
            self._marks[name] = mark
            self.throttle.forget(name)
        return device_of(handler, _person(name, account))

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
        if account is None:
            return refuse(handler, self.closed_message(account))
        ended = self.void(user, handler, _mark(account))
        if ended:
            return refuse(handler, ended)
        if account.expired():
            return lock_out(handler, self.closed_message(account))
        return self._changes(user, account)

    def _changes(self, user: Any, account: Account) -> bool | dict[str, Any]:
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

    def _refuse_during_pause(self, name: str, address: str, device: str) -> None:
        seconds = self.throttle.wait(name, address, device)
        if seconds:
            error = web.HTTPError(
                429, f"Too many failed logins. Try again in {_duration(seconds)}."
            )
            error.headers = {"Retry-After": str(seconds)}  # type: ignore[attr-defined]
            raise error

    def _count(self, name: str | None, address: str, device: str) -> None:
        pause = self.throttle.failed(name, address, device)
        if pause:
            self.log.warning(
                "Too many failed logins of %s from %s: a pause of %d s", name or "-", address, pause
            )
