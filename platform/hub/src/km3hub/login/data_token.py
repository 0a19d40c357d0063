"""Tokens for data services, and the handler that gives them to users' servers."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.scopes import Scope
from tornado import web

__all__ = ["DataToken", "DataTokenHandler", "covers"]

#: Seconds to use a token whose lifetime the provider does not state.
_DEFAULT_LIFETIME = 300


@dataclass(frozen=True)
class DataToken:
    """A token by token exchange."""

    value: str = field(repr=False)
    got: float
    ends: float

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """Returns the token in a response of the token endpoint."""
        now = time.time()
        lasts = answer.get("expires_in")
        return cls(
            value=str(answer["access_token"]),
            got=now,
            ends=now + (lasts if isinstance(lasts, (int, float)) else _DEFAULT_LIFETIME),
        )

    @property
    def fresh(self) -> bool:
        """Whether at least half of its lifetime is left."""
        return time.time() < (self.got + self.ends) / 2


class DataTokenHandler(APIHandler):
    """`GET /hub/api/data-token`: `{"access_token": ..., "expires_in": ...}` for a user's server.

    409 means that the user must log in again.
    """

    async def get(self) -> None:
        """Answer with a token of the user whose server sent the request."""
        user = self.current_user
        # A user's own server has the scope to report activity. A token that another user's server
        # got from a visit has only the scope to access that server.
        rights = self.parsed_scopes.get("users:activity", {})
        if user is None or self.get_token() is None or not covers(rights, user.name):
            raise web.HTTPError(403, "Only a user's own server may ask for this.")
        self.set_header("Cache-Control", "no-store")
        token = await self.authenticator.data_token(user)
        if token is None:
            raise web.HTTPError(409, "The login has ended; log in again.")
        left = max(0, int(token.ends - time.time()))
        self.finish(json.dumps({"access_token": token.value, "expires_in": left}))


def covers(rights: Any, name: str) -> bool:
    """Returns whether the part of a token's rights that belongs to one scope covers a user."""
    return rights is Scope.ALL or (isinstance(rights, Mapping) and name in rights.get("user", ()))
