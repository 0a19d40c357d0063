"""How full a user's home is, for the user's server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.scopes import Scope
from tornado import web

from km3hub.spawning.homes import HomesError, HomesService

__all__ = ["HomeUseHandler"]


class HomeUseHandler(APIHandler):
    """`GET /hub/api/home-use`: `{"home": {"used": BYTES, "limit": BYTES or null}, ...}`.

    With a scratch folder there is an entry `scratch`, too. 503: unknown now.
    """

    def initialize(self, service: HomesService, kinds: tuple[Any, ...]) -> None:
        """Keep the service and which folders users have."""
        self._service = service
        self._kinds = kinds

    async def get(self) -> None:
        """Answer with the figures of the user whose server sent the request."""
        user = self.current_user
        # The scope that only a user's own server has, as for data tokens.
        rights = self.parsed_scopes.get("users:activity", {})
        if user is None or self.get_token() is None or not _covers(rights, user.name):
            raise web.HTTPError(403, "Only a user's own server may ask for this.")
        self.set_header("Cache-Control", "no-store")
        name = user.spawners[""].home_user
        try:
            uses = [await self._service.usage(kind, name) for kind in self._kinds]
        except HomesError as error:
            self.log.warning("the use of the home of %s is unknown: %s", user.name, error)
            raise web.HTTPError(503, "The use of the home is unknown at the moment.") from None
        self.finish(json.dumps({u.kind: {"used": u.used, "limit": u.limit} for u in uses}))


def _covers(rights: Any, name: str) -> bool:
    return rights is Scope.ALL or (isinstance(rights, Mapping) and name in rights.get("user", ()))
