"""Where people come in: the host, the port and the path of hub and proxy, here and for people."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["Entrance"]


@dataclass(frozen=True)
class Entrance:
    """The entrance of one platform.

    A web server in front passes the path on as it is: what people type,
    `https://www.example.org/km3net/hub/login`, is asked for here at `/km3net/hub/login`.
    """

    settings: Settings
    runtime: Runtime

    @property
    def path(self) -> str:
        """The path of `site.public_url`, such as `/km3net`; mostly empty."""
        return self._named.path

    @property
    def _named(self) -> SplitResult:
        return urlsplit(self.settings.site.public_url or "")

    @property
    def _loopback(self) -> str | None:
        """The loopback address that `site.public_url` names as such, e.g. `::1`."""
        try:
            address = ipaddress.ip_address(self._named.hostname or "")
        except ValueError:
            return None
        return str(address) if address.is_loopback else None

    @property
    def ip(self) -> str:
        """The address on this machine that the login page listens on.

        `127.0.0.1`, but where `site.public_url` is an address of loopback with the port of the
        login page, as `http://[::1]:8000`: then people come in there without a web server.
        Containers are published on `127.0.0.1` in any case.
        """
        own = self.runtime.mode == "embedded" and self._named.port == self.runtime.port
        return (self._loopback if own else None) or "127.0.0.1"

    @property
    def local(self) -> str:
        """The address on this machine, e.g. `http://127.0.0.1:8000/km3net`, no slash at its end."""
        return f"http://{self._host}:{self.runtime.port}{self.path}"

    @property
    def hub(self) -> str:
        """The hub's pages at that address, without a slash at its end."""
        return f"{self.local}/hub"

    @property
    def only_here(self) -> bool:
        """Whether nobody at another machine can come in."""
        return self._named.hostname in (None, "localhost") or self._loopback is not None

    @property
    def _host(self) -> str:
        return f"[{self.ip}]" if ":" in self.ip else self.ip
