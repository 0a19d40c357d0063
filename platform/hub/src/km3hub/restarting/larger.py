"""Restarting a user's own server with the next larger size.

JupyterLab offers it after a cell ran out of memory. The user's server asks for it with its own
token; it cannot choose anything that its user could not choose on the start page.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers.base import BaseHandler
from tornado import web
from tornado.httputil import url_concat

from km3hub.login.data_token import covers
from km3hub.restarting.restart import BusyError, RefusedError, begin_restart, is_restarting
from km3hub.spawning.options import offered
from km3settings.amounts import in_bytes
from km3settings.menu import Size
from km3settings.settings import Settings

__all__ = ["LargerSizeHandler", "RestartingPage", "next_larger"]


def next_larger(settings: Settings, groups: Iterable[str], current: str) -> Size | None:
    """Returns the smallest size with more memory than the current one; None: there is none.

    Parameters
    ----------
    settings
        The settings.
    groups
        The user's groups, which decide what the user may choose.
    current
        The name of the size of the running server.
    """
    known = {size.name: size for size in settings.sizes}
    if current not in known:
        return None
    least = in_bytes(known[current].memory)
    larger = [s for s in offered(settings, groups).sizes if in_bytes(s.memory) > least]
    return min(larger, key=lambda size: in_bytes(size.memory), default=None)


class LargerSizeHandler(APIHandler):
    """`/hub/api/larger-size`: `GET` answers with the title of the next size, `POST` restarts."""

    def initialize(self, settings: Settings) -> None:
        """Keep the settings."""
        self._platform = settings

    def get(self) -> None:
        """Answer `{"title": "Large (8 GB)"}`, or `{"title": null}` where there is none."""
        found = self._next(self._user())
        title = f"{found.title or found.name} ({_amount(found.memory)})" if found else None
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps({"title": title}))

    def post(self) -> None:
        """Begin the restart."""
        user = self._user()
        size = self._next(user)
        if size is None:
            raise web.HTTPError(409, "There is no larger size that you can choose.")
        options = {**(user.spawners[""].orm_spawner.user_options or {}), "size": size.name}
        try:
            begin_restart(self, user, options)
        except (BusyError, RefusedError) as error:
            raise web.HTTPError(409, str(error)) from None
        self.log.info("Restarting the server of %s with size %s", user.name, size.name)
        self.set_status(202)
        self.finish(json.dumps({"size": size.name}))

    def _user(self) -> Any:
        user = self.current_user
        # Only a user's own server has the scope to report activity (login/data_token.py).
        rights = self.parsed_scopes.get("users:activity", {})
        if user is None or self.get_token() is None or not covers(rights, user.name):
            raise web.HTTPError(403, "Only a user's own server may ask for this.")
        return user

    def _next(self, user: Any) -> Size | None:
        chosen = user.spawners[""].orm_spawner.user_options or {}
        groups = [group.name for group in user.groups]
        default = next((size.name for size in offered(self._platform, groups).sizes), "")
        return next_larger(self._platform, groups, str(chosen.get("size", default)))


def _amount(memory: str) -> str:
    """Returns `2 GB` for `2G`."""
    return f"{memory[:-1]} {memory[-1]}B"


class RestartingPage(BaseHandler):
    """`GET /hub/restarting?next=PATH`: waits until the user's server has stopped, then follows."""

    @web.authenticated
    async def get(self) -> None:
        """Show the page, or go on to the page that follows a start."""
        user = self.current_user
        self.set_header("Cache-Control", "no-store")
        if is_restarting(user.name) and user.spawners[""].pending != "spawn":
            self.finish(await self.render_template("restarting.html"))
            return
        wanted = self.get_argument("next", "")
        start = f"{self.hub.base_url}spawn-pending/{user.escaped_name}"
        own = user.base_url if wanted.startswith(user.base_url) else ""
        # JupyterHub checks `next` again before it follows it.
        self.redirect(url_concat(start, {"next": wanted}) if own else start)
