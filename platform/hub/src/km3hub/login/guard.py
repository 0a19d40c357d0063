"""What both Authenticators have in common: which sessions and tokens still count."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.handlers.login import LogoutHandler
from tornado import web
from traitlets import List, Unicode

from km3hub.login.access import AccessError, AccessFile
from km3hub.login.address import client_address
from km3hub.login.ended import Enforcer, aware
from km3hub.login.front import FrontServers
from km3hub.login.sessions import LASTS, Session, Sessions, digest

__all__ = ["EndingSession", "Guard", "Logout"]

_COOKIE = "km3-session"
_AGAIN = "Your session has ended. Please log in again."


class Guard(Authenticator):
    """Gives each login a session, and refuses what has ended."""

    state_folder = Unicode(help="The folder with access.json and sessions.json.").tag(config=True)
    trusted_proxies = List(Unicode(), help="Proxies in front of the platform's.").tag(config=True)
    contact = Unicode("your administrator", help="Whom to ask for help.").tag(config=True)
    first_handlers: Any = List(
        help="Handlers that take precedence over JupyterHub's own, which only those of an"
        " Authenticator do."
    ).tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        folder = Path(self.state_folder)
        self.access = AccessFile(folder / "access.json")
        self.sessions = Sessions(folder / "sessions.json")
        self.enforcer: Enforcer | None = None
        self._front: FrontServers | None = None

    @property
    def front(self) -> FrontServers:
        """The web servers in front that are not trusted to report addresses yet."""
        if self._front is None:
            file = Path(self.state_folder) / "front-servers.json"
            self._front = FrontServers(file, self.trusted_proxies)
        return self._front

    def begin_enforcing(self, app: Any) -> None:
        """From now on, remove from the hub's database what has ended."""
        self.enforcer = Enforcer(app, self.access, self.sessions)
        try:
            asyncio.get_running_loop().call_soon(self.enforcer.start)
        except RuntimeError:
            return  # the configuration is only being read

    async def begin_session(self, handler: Any, name: str, mark: str = "") -> None:
        """Begin a session of a user who has just proved to be this one.

        Raises
        ------
        tornado.web.HTTPError
            503 where the server of the name's former holder does not stop, or a file is damaged.
        """
        try:
            settled = self.enforcer is None or await self.enforcer.settle(name)
        except AccessError as error:
            self.log.error("Access: %s", error)
            settled = False
        if not settled:
            raise web.HTTPError(
                503, f"Your login is not possible at the moment. Please tell {self.contact}."
            )
        old = handler.get_cookie(_name(handler))
        if old:
            self.sessions.end(digest(old))
        secret = self.sessions.begin(
            name,
            address=client_address(handler.request, self.trusted_proxies),
            agent=handler.request.headers.get("User-Agent", ""),
            mark=mark,
        )
        handler._set_cookie(
            _name(handler),
            secret,
            encrypted=False,
            path=handler.hub.base_url,
            max_age=int(LASTS.total_seconds()),
            samesite="Lax",
        )
        # Tokens that this browser gets for servers bear the session's key.
        handler._session_id = digest(secret)
        handler.set_session_cookie()

    def void(self, user: Any, handler: Any, mark: str = "") -> str:
        """Returns why a request's session or token no longer counts; empty if it does.

        Parameters
        ----------
        user
            Whose request it is.
        handler
            The request's handler; None, or another user's: nothing is checked.
        mark
            That of the user's password now.
        """
        name: str = user.name
        if handler is None or getattr(handler, "_jupyterhub_user", None) is not user:
            return ""
        try:
            since = self.access.get(name).valid_since
        except AccessError as error:
            self.log.error("Access: %s", error)
            return f"Your login cannot be checked at the moment. Please tell {self.contact}."
        # Not `get_token` alone: a request by cookie may bear a token, too.
        if getattr(handler, "_token_authenticated", False):
            token = handler.get_token()
            return _AGAIN if token is None or aware(token.created) < since else ""
        secret = handler.get_cookie(_name(handler)) or ""
        session = self.sessions.find(secret) if secret else None
        if session is None or not _counts(session, name, mark) or session.began < since:
            return _AGAIN
        handler._session_id = digest(secret)
        return ""


def _counts(session: Session, name: str, mark: str) -> bool:
    return session.user == name and session.mark == mark


def _name(handler: Any) -> str:
    """Returns the cookie's name, which has the same prefix as JupyterHub's own."""
    prefix = "__Host-" if handler.hub.cookie_name.startswith("__Host-") else ""
    return prefix + _COOKIE


class EndingSession:
    """Ends the session on logout (a part of a handler)."""

    async def handle_logout(self: Any) -> None:
        """End this browser's session."""
        secret = self.get_cookie(_name(self))
        if secret:
            self.authenticator.sessions.end(digest(secret))
            self.clear_cookie(_name(self), path=self.hub.base_url)
        await super().handle_logout()  # type: ignore[misc]


class Logout(EndingSession, LogoutHandler):
    """Logs out."""
