"""The start of a server: asking twice keeps the place in the queue; cancelling without a script."""

from __future__ import annotations

import asyncio
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.handlers.pages import SpawnHandler
from jupyterhub.scopes import needs_scope
from tornado import web

__all__ = ["CancelStartHandler", "StartAgainHandler"]

#: Seconds that a cancelled start may take to end.
_CANCEL = 10


class StartAgainHandler(SpawnHandler):
    """The form of a start; a second click leads to the start that is in progress.

    JupyterHub answers it with an error.
    """

    async def _post(self, user_name: str, server_name: str, display_name: str) -> None:
        user = self.current_user
        if user_name == user.name and user.spawners[server_name].pending == "spawn":
            self.redirect(self._get_pending_url(user, server_name))
            return
        await super()._post(user_name, server_name, display_name)


class CancelStartHandler(BaseHandler):
    """`POST /hub/cancel-start`: the form behind "Cancel" where scripts do not run."""

    @web.authenticated
    @needs_scope("servers")  # type: ignore[untyped-decorator]
    async def post(self, user_name: str) -> None:
        """Cancel the start of the user's server and go home."""
        user: Any = self.find_user(user_name)
        if user is None:
            raise web.HTTPError(404, f"There is no user {user_name[:64]!r} here.")
        spawner = user.spawners[""]
        if spawner.pending == "spawn":
            future = spawner._spawn_future
            if future:
                future.cancel()
                await asyncio.wait([future], timeout=_CANCEL)
            await self.stop_single_user(user)
        self.redirect(f"{self.hub.base_url}home")
