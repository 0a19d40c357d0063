"""The address of the login page: on this machine and for users."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from km3settings.origins import Origins
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["Entrance"]


@dataclass(frozen=True)
class Entrance:
    """The address of one platform's login page.

    A web server in front must not change the path: `https://www.example.org/km3net/hub/login`
    arrives here as `/km3net/hub/login`.
    """

    settings: Settings
    runtime: Runtime

    @property
    def path(self) -> str:
        """The path of `site.public_url`, such as `/km3net`; usually empty."""
        return self._named.path

    @property
    def _named(self) -> SplitResult:
        return urlsplit(self.settings.site.public_url or "")

    @property
    def _loopback(self) -> str | None:
        """The host of `site.public_url` where it is a loopback address, e.g. `::1`."""
        try:
            address = ipaddress.ip_address(self._named.hostname or "")
        except ValueError:
            return None
        return str(address) if address.is_loopback else None

    @property
    def ip(self) -> str:
        """The address on this machine that the login page listens on.

        `127.0.0.1`, unless `site.public_url` is a loopback address with the login page's port, such
        as `http://[::1]:8000`. Containers are always published on `127.0.0.1`.
        """
        own = self.runtime.mode == "embedded" and self._named.port == self.runtime.port
        return (self._loopback if own else None) or "127.0.0.1"

    @property
    def local(self) -> str:
        """The address on this machine, without a trailing slash: `http://127.0.0.1:8000/km3net`."""
        return f"http://{self._host}:{self.runtime.port}{self.path}"

    @property
    def address(self) -> str:
        """The address for people on this machine: `http://localhost:8000`.

        Where users' servers have host names of their own, those are below `localhost`.
        """
        origins = Origins(self.settings, self.runtime)
        return f"{origins.hub}{self.path}" if origins.here else self.local

    @property
    def hub(self) -> str:
        """The address of the hub's pages, without a trailing slash."""
        return f"{self.local}/hub"

    @property
    def only_here(self) -> bool:
        """Whether the platform can be reached from this machine only."""
        return self._named.hostname in (None, "localhost") or self._loopback is not None

    @property
    def _host(self) -> str:
        return f"[{self.ip}]" if ":" in self.ip else self.ip
