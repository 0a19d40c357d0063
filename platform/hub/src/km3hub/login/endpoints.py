"""A provider's endpoints, from its configuration document (OpenID Connect Discovery 1.0)."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from km3settings.provider import Oidc

__all__ = ["DiscoveryError", "Endpoints", "Finder"]

#: Seconds until the document is read again; it hardly ever changes.
_KEPT = 3600

Fetch = Callable[[str], Awaitable[Any]]


class DiscoveryError(Exception):
    """The provider's configuration document is unusable; the message says why."""


class Endpoints(BaseModel):
    """The addresses that a login needs."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    end_session_endpoint: str = ""
    """The provider's logout page; empty: it has none."""


class Finder:
    """Finds the endpoints of one provider.

    Parameters
    ----------
    oidc
        The settings; endpoints given there are not looked up.
    fetch
        Returns the JSON at an address.
    clock
        A monotonic clock, in seconds.
    """

    def __init__(
        self, oidc: Oidc, fetch: Fetch, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._oidc = oidc
        self._fetch = fetch
        self._clock = clock
        self.known: Endpoints | None = None
        """The last result."""
        self._until = 0.0

    @property
    def address(self) -> str:
        """The address of the configuration document."""
        return f"{self._oidc.where}/.well-known/openid-configuration"

    async def endpoints(self) -> Endpoints:
        """Returns the endpoints, looked up once an hour.

        Raises
        ------
        DiscoveryError
            If the document is invalid, or another provider's. Errors of `fetch` are passed on.
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
            raise DiscoveryError(f"{self.address} is not the configuration of an OpenID provider")
        issuer = str(found.get("issuer", "")).rstrip("/")
        if issuer != self._oidc.where:
            raise DiscoveryError(
                f"{self.address} describes the issuer {issuer[:200] or '(none)'}; if that is"
                " the right one, write it as login.oidc.issuer"
            )
        if urlsplit(self._oidc.where).scheme == "https":
            for key, address in found.items():
                if key.endswith("_endpoint") and not str(address).startswith("https://"):
                    raise DiscoveryError(f"{self.address} names an address without https: {key}")
        return found
