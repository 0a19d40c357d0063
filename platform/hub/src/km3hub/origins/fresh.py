"""Pages and requests that need a recent login, mostly one of the last five minutes.

Where users' servers share the hub's host name, a script that got past all other restrictions could
act as the person at the screen. It cannot enter their password.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.handlers.login import LoginHandler
from tornado import web
from tornado.httputil import url_concat

__all__ = ["MAX_AGE", "FreshLogins", "demand_fresh_logins", "must_log_in_again"]

#: Seconds.
MAX_AGE = 300
#: Below `/hub/`: the pages that show or make tokens, or change other users, and how old a login
#: may be. Teachers use the page of their workshop all day, and it cannot make a token.
_PAGES = {
    "token": MAX_AGE,
    "files-from-outside": MAX_AGE,
    "admin": MAX_AGE,
    "sessions": MAX_AGE,
    "workshops": 3600,
}
_SETTING = "km3_fresh_logins"
_SAFE = ("GET", "HEAD", "OPTIONS")


class FreshLogins:
    """The sessions whose user has logged in recently. Only in memory: a new hub asks again."""

    def __init__(self) -> None:
        self._at: dict[tuple[str, str], float] = {}

    def note(self, session: str, user: str) -> None:
        """Remember a login that happened now."""
        now = time.monotonic()
        oldest = max(_PAGES.values())
        self._at = {key: at for key, at in self._at.items() if now - at < oldest}
        self._at[session, user] = now

    def knows(self, session: str | None, user: str, max_age: float = MAX_AGE) -> bool:
        """Returns whether this session has a login of the user in the last `max_age` seconds."""
        at = self._at.get((session or "", user))
        return at is not None and time.monotonic() - at < max_age


def must_log_in_again(handler: BaseHandler, address: str) -> bool:
    """Returns whether the user of a request must log in (again) before opening a page.

    Parameters
    ----------
    handler
        The handler of the request.
    address
        The page's address, or the address of a redirect to it.
    """
    fresh: FreshLogins | None = handler.settings.get(_SETTING)
    max_age = _PAGES.get(_below_hub(handler, address).strip("/").split("/")[0])
    if fresh is None or max_age is None:
        return False
    user = handler.current_user
    return user is None or not fresh.knows(handler.get_session_cookie(), user.name, max_age)


def demand_fresh_logins(tornado_settings: dict[str, Any]) -> None:
    """Guard the pages of tokens and administrators, and the API where a browser uses it.

    JupyterHub has no setting for this, so its handlers' own methods are wrapped.

    Parameters
    ----------
    tornado_settings
        Settings of the hub's web application, to which the memory of logins is added.
    """
    tornado_settings[_SETTING] = FreshLogins()
    prepare, login, show = BaseHandler.prepare, BaseHandler.login_user, LoginHandler.get

    async def prepare_and_check(self: Any) -> None:
        await prepare(self)
        if not self._finished and self.current_user is not None:
            _check(self)

    async def log_in_and_note(self: Any, data: Any = None) -> Any:
        user = await login(self, data)
        if user is not None and getattr(self, "login_is_fresh", True):
            self.settings[_SETTING].note(self.get_session_cookie(), user.name)
        return user

    async def show_again(self: Any) -> None:
        address = self.get_argument("next", "")
        if self.current_user is None or not must_log_in_again(self, address):
            await show(self)
            return
        reason = "To open this page, confirm that it is you: log in again."
        self.finish(await self._render(login_error=reason, username=self.current_user.name))

    BaseHandler.prepare = prepare_and_check
    BaseHandler.login_user = log_in_and_note
    LoginHandler.get = show_again


def _check(handler: Any) -> None:
    if getattr(handler, "_token_authenticated", False):
        return
    if must_log_in_again(handler, handler.request.path):
        login = handler.settings["login_url"]
        handler.redirect(url_concat(login, {"next": handler.request.uri}))
    elif _is_guarded_call(handler):
        fresh: FreshLogins = handler.settings[_SETTING]
        if not fresh.knows(handler.get_session_cookie(), handler.current_user.name):
            raise web.HTTPError(
                403, "This needs a login less than five minutes old. Reload the page to log in."
            )


def _below_hub(handler: Any, address: str) -> str:
    path: str = urlsplit(address).path
    hub: str = handler.hub.base_url
    return path.removeprefix(hub) if path.startswith(hub) else ""


def _is_guarded_call(handler: Any) -> bool:
    """Returns whether a request changes something other than the user's own server."""
    if handler.request.method in _SAFE:
        return False
    below = _below_hub(handler, handler.request.path)
    own = f"api/users/{handler.current_user.escaped_name}/server"
    return below.startswith("api/") and below != own and not below.startswith(f"{own}s/")
