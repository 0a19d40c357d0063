"""The hub as its administrator reaches it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx

from km3hub.membership.names import WorkshopError
from km3visit.site import Site

__all__ = ["AdminHub", "HubError"]

#: Seconds to wait for an answer; making 500 accounts takes half a minute.
_ANSWER = 180
_PAGE = 100


class HubError(WorkshopError):
    """The hub does not answer or refuses; the message says what, and what to do."""


class AdminHub:
    """A hub and a token that may administer it.

    Parameters
    ----------
    site
        The hub.
    token
        An API token of an administrator or of the platform itself.
    """

    def __init__(self, site: Site, token: str) -> None:
        self.site = site
        self.token = token
        self._headers = {"Authorization": f"token {token}"}

    async def ask(
        self, method: str, path: str, *, accept: tuple[int, ...] = (), **options: Any
    ) -> httpx.Response:
        """Returns the answer to a request of the hub's API.

        Raises
        ------
        HubError
            If the hub does not answer, or with an error that is not in `accept`.
        """
        try:
            async with self.site.client(self._headers) as client:
                answer = await client.request(method, f"/hub/api{path}", timeout=_ANSWER, **options)
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise HubError(f"the hub at {self.site.address} does not answer: {reason}") from None
        if answer.is_success or answer.status_code in accept:
            return answer
        try:
            message = str(answer.json()["message"])
        except (ValueError, KeyError, TypeError):
            message = answer.text[:200]
        if answer.status_code in (401, 403):
            message = "the token is not that of an administrator, or has expired"
        raise HubError(f"the hub at {self.site.address} answers {answer.status_code}: {message}")

    async def users(self) -> dict[str, dict[str, Any]]:
        """Returns what the hub knows of each user, by name."""
        found: dict[str, dict[str, Any]] = {}
        while True:
            page = (await self.ask("GET", f"/users?offset={len(found)}&limit={_PAGE}")).json()
            found |= {user["name"]: user for user in page}
            if len(page) < _PAGE:
                return found

    async def require_user(self, name: str) -> None:
        """Make the hub know a user who has never logged in."""
        await self.ask("POST", f"/users/{quote(name, safe='')}", accept=(409,))
