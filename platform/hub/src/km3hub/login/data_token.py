"""Tokens for data services, and the address where a user's server asks for one."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.scopes import Scope
from tornado import web

__all__ = ["DataToken", "DataTokenHandler"]

#: What a provider does not say to last is used for so long, in seconds.
_UNTOLD = 300


@dataclass(frozen=True)
class DataToken:
    """A token by token exchange."""

    value: str = field(repr=False)
    got: float
    ends: float

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """The token in an answer of the token endpoint."""
        now = time.time()
        lasts = answer.get("expires_in")
        return cls(
            value=str(answer["access_token"]),
            got=now,
            ends=now + (lasts if isinstance(lasts, (int, float)) else _UNTOLD),
        )

    @property
    def fresh(self) -> bool:
        """Whether at least half of its time is left."""
        return time.time() < (self.got + self.ends) / 2


class DataTokenHandler(APIHandler):
    """`GET /hub/api/data-token`: `{"access_token": ..., "expires_in": ...}` for a user's server.

    409 says that the user must log in again first.
    """

    async def get(self) -> None:
        """Answer with a token of whoever the request's own token belongs to."""
        user = self.current_user
        # The right to report a server's activity is what a server of the user has. A token that
        # somebody else's server got by a visit has the right to open that server, nothing more.
        rights = self.parsed_scopes.get("users:activity", {})
        if user is None or self.get_token() is None or not _covers(rights, user.name):
            raise web.HTTPError(403, "Only a user's own server may ask for this.")
        self.set_header("Cache-Control", "no-store")
        token = await self.authenticator.data_token(user)
        if token is None:
            raise web.HTTPError(409, "The login has ended; log in again.")
        left = max(0, int(token.ends - time.time()))
        self.finish(json.dumps({"access_token": token.value, "expires_in": left}))


def _covers(rights: Any, name: str) -> bool:
    return rights is Scope.ALL or (isinstance(rights, Mapping) and name in rights.get("user", ()))
