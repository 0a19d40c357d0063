"""A hub's address, and clients that speak to it as a browser behind the site's proxy does."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote, urljoin, urlsplit

import httpx

__all__ = ["Person", "Site", "clean_address"]

#: Seconds to wait for one answer of the hub.
ANSWER = 60


def clean_address(text: str) -> str:
    """Returns a hub's base address without a slash at the end.

    Raises
    ------
    ValueError
        Where it is not an address.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise ValueError(
            f"{text!r} is not the address of a hub; write e.g. https://hub.example.org"
        )
    return text.rstrip("/").removesuffix("/hub")


@dataclass(frozen=True)
class Site:
    """A hub.

    Parameters
    ----------
    address
        The base address, without a slash at the end: what comes before `/hub`.
    site_proxy
        Whether a proxy of the site has the certificates. Visits that start on its machine then
        speak http as that proxy does.
    """

    address: str
    site_proxy: bool = False

    @property
    def path(self) -> str:
        """The path of the address; usually empty."""
        return urlsplit(self.address).path

    @property
    def headers(self) -> dict[str, str]:
        """The headers that the site's proxy adds."""
        added = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1"}
        return added if self.site_proxy else {}

    def client(self, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
        """Returns a client with its own cookies; nobody else's proxy is between it and the hub."""

        async def send_by_http(_: httpx.Response) -> None:
            for cookie in client.cookies.jar:
                cookie.secure = False

        client = httpx.AsyncClient(
            base_url=self.address,
            timeout=ANSWER,
            headers={**self.headers, **(headers or {})},
            trust_env=False,
            verify=_authorities(),
        )
        if self.site_proxy:
            client.event_hooks = {"request": [], "response": [send_by_http]}
        return client

    def absolute(self, url: str) -> str:
        """Returns a path of the hub, or an address, as an address."""
        return urljoin(f"{self.address}/", url)


@dataclass(frozen=True)
class Person:
    """A user with a token for hub and server."""

    site: Site
    name: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the user's requests."""
        return {**self.site.headers, "Authorization": f"token {self.token}"}

    def client(self) -> httpx.AsyncClient:
        """Returns a client that speaks as this user."""
        return self.site.client({"Authorization": f"token {self.token}"})

    @property
    def api(self) -> str:
        """The path of the user in the hub's API."""
        return f"/hub/api/users/{quote(self.name, safe='')}"

    @property
    def server(self) -> str:
        """The address of the user's server, without a slash at the end."""
        return f"{self.site.address}/user/{quote(self.name, safe='')}"


@cache
def _authorities() -> ssl.SSLContext:
    """Returns the machine's certificate authorities, which take a while to read."""
    return ssl.create_default_context()
