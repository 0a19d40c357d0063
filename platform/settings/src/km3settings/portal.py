"""Where the Open Data Center is: for people, for users' servers, and for itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

from km3settings.entrance import Entrance
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["ALIAS", "PORT", "Portal"]

#: Its name in users' networks and its port in its container.
ALIAS, PORT = "opendata", 8090
#: By how much its port on this machine is above the login page's.
_ABOVE = 90


@dataclass(frozen=True)
class Portal:
    """The portal of one running platform."""

    settings: Settings
    runtime: Runtime

    @property
    def runs_here(self) -> bool:
        """Whether the platform starts it."""
        return self.settings.services.opendata.enabled

    @property
    def port(self) -> int:
        """Its port on this machine's loopback address."""
        return self.settings.services.opendata.port or self.runtime.port + _ABOVE

    @property
    def local_address(self) -> str:
        """Its address on this machine."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def for_people(self) -> str:
        """The address for links; empty where there is none, or none that everybody can reach."""
        own = self.settings.services.opendata.public_url
        if own or not self.runs_here:
            return own or ""
        # Who comes to a public address is not at this machine.
        return self.local_address if self._entrance.only_here else ""

    @property
    def _entrance(self) -> Entrance:
        return Entrance(self.settings, self.runtime)

    @property
    def for_servers(self) -> str:
        """The address for users' servers; empty: this platform has no portal."""
        if not self.runs_here:
            return self.settings.services.opendata.public_url or ""
        return self.local_address if self.runtime.mode == "embedded" else f"http://{ALIAS}:{PORT}"

    def server_environment(self) -> dict[str, str]:
        """What users' servers are told: openkm3's own variable, where to send ADQL, and links."""
        server = self.for_servers
        if not server:
            return {}
        return {
            "OPENKM3_SERVER": server,
            "KM3_TAP_URL": f"{server}/vo/tap",
            "KM3_OPENDATA_URL": self.for_people,
        }

    def own_environment(self) -> dict[str, str]:
        """What the portal itself is told (`platform/opendata/README.md`)."""
        opendata, site = self.settings.services.opendata, self.settings.site
        embedded = self.runtime.mode == "embedded"
        mail = re.match(r"^[^@\s]+@[^@\s]+$", site.contact)
        return {
            "OPENDATA_PUBLIC_URL": opendata.public_url or "",
            # Users' servers ask by these names, and are answered with these.
            "OPENDATA_HOSTS": "127.0.0.1" if embedded else ALIAS,
            "OPENDATA_HUB_URL": site.public_url or self._entrance.local,
            "OPENDATA_CONTACT": site.contact if mail else "",
        }

    def serve_options(self) -> list[str]:
        """Options of `opendata serve`: how it prepares itself."""
        return ["--migrate", *(["--seed"] if self.settings.services.opendata.demonstration else [])]
