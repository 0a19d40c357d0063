"""Where a provider's services are, as it says itself (OpenID Connect Discovery 1.0)."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from km3settings.provider import Oidc

__all__ = ["DiscoveryError", "Endpoints", "Finder"]

#: Seconds that a description holds; providers change theirs once in years.
_KEPT = 3600

Fetch = Callable[[str], Awaitable[Any]]


class DiscoveryError(Exception):
    """The provider's description of itself cannot be used; the message says why."""


class Endpoints(BaseModel):
    """The addresses that a login needs."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    end_session_endpoint: str = ""
    """Where people log out of the provider; empty: it has no such page."""


class Finder:
    """Finds the endpoints of one provider.

    Parameters
    ----------
    oidc
        The settings; what they name is not asked for.
    fetch
        Gets the JSON at an address.
    clock
        Seconds that only grow.
    """

    def __init__(
        self, oidc: Oidc, fetch: Fetch, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._oidc = oidc
        self._fetch = fetch
        self._clock = clock
        self.known: Endpoints | None = None
        """What was found last."""
        self._until = 0.0

    @property
    def address(self) -> str:
        """Where the description is."""
        return f"{self._oidc.where}/.well-known/openid-configuration"

    async def endpoints(self) -> Endpoints:
        """The endpoints, asked of the provider once an hour.

        Raises
        ------
        DiscoveryError
            Where the description is not one, or another provider's. What `fetch` raises is
            passed on.
        """
        if self.known is None or self._clock() > self._until:
            self.known = await self._find()
            self._until = self._clock() + _KEPT
        return self.known

    async def _find(self) -> Endpoints:
        oidc = self._oidc
        given = {
            "authorization_endpoint": oidc.authorize_url,
            "token_endpoint": oidc.token_url,
            "userinfo_endpoint": oidc.userinfo_url,
        }
        described = {} if all(given.values()) else await self._described()
        described |= {key: address for key, address in given.items() if address}
        try:
            return Endpoints.model_validate(described)
        except ValidationError as error:
            missing = ", ".join(str(e["loc"][0]) for e in error.errors())
            raise DiscoveryError(f"{self.address} does not name: {missing}") from None

    async def _described(self) -> dict[str, Any]:
        found = await self._fetch(self.address)
        if not isinstance(found, dict):
            raise DiscoveryError(f"{self.address} is not the description of an OpenID provider")
        said = str(found.get("issuer", "")).rstrip("/")
        if said != self._oidc.where:
            raise DiscoveryError(
                f"{self.address} describes the issuer {said[:200] or 'of no name'}; write that as"
                " login.oidc.issuer if it is the right one"
            )
        if urlsplit(self._oidc.where).scheme == "https":
            for key, address in found.items():
                if key.endswith("_endpoint") and not str(address).startswith("https://"):
                    raise DiscoveryError(f"{self.address} names an address without https: {key}")
        return found
