"""The addresses of the Open Data Center: for users, for their servers, and its own settings."""

from __future__ import annotations

import re
from dataclasses import dataclass

from km3settings.entrance import Entrance
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["ALIAS", "PORT", "Portal"]

#: Its name in users' networks and its port in its container.
ALIAS, PORT = "opendata", 8090
#: Its default port on this machine is the login page's plus this.
_ABOVE = 90


@dataclass(frozen=True)
class Portal:
    """The portal of one running platform."""

    settings: Settings
    runtime: Runtime

    @property
    def runs_here(self) -> bool:
        """Whether this platform runs it."""
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
        """The address for links; empty where none can be reached by every user."""
        own = self.settings.services.opendata.public_url
        if own or not self.runs_here:
            return own or ""
        # Users of a public address are not on this machine.
        return self.local_address if self._entrance.only_here else ""

    @property
    def _entrance(self) -> Entrance:
        return Entrance(self.settings, self.runtime)

    @property
    def for_servers(self) -> str:
        """The address for users' servers; empty where there is no portal."""
        if not self.runs_here:
            return self.settings.services.opendata.public_url or ""
        return self.local_address if self.runtime.mode == "embedded" else f"http://{ALIAS}:{PORT}"

    def server_environment(self) -> dict[str, str]:
        """Returns variables of users' servers: for openkm3, for TAP clients, and for links."""
        server = self.for_servers
        if not server:
            return {}
        return {
            "OPENKM3_SERVER": server,
            "KM3_TAP_URL": f"{server}/vo/tap",
            "KM3_OPENDATA_URL": self.for_people,
        }

    def own_environment(self) -> dict[str, str]:
        """Returns the portal's own environment (`platform/opendata/README.md`)."""
        opendata, site = self.settings.services.opendata, self.settings.site
        embedded = self.runtime.mode == "embedded"
        mail = re.match(r"^[^@\s]+@[^@\s]+$", site.contact)
        return {
            "OPENDATA_PUBLIC_URL": opendata.public_url or "",
            # Users' servers use these host names, and the answers contain them.
            "OPENDATA_HOSTS": "127.0.0.1" if embedded else ALIAS,
            "OPENDATA_HUB_URL": site.public_url or self._entrance.address,
            "OPENDATA_CONTACT": site.contact if mail else "",
            # Only where that is enforced: the privacy page says so.
            "OPENDATA_LOG_DAYS": (
                "" if self.runtime.logs == "engine" else str(self.settings.privacy.log_days)
            ),
            "OPENDATA_POLICY_URL": self.settings.privacy.policy_url or "",
            **opendata.limits.environment(),
        }

    def serve_options(self) -> list[str]:
        """Returns the options of `opendata serve`."""
        return ["--migrate", *(["--seed"] if self.settings.services.opendata.demonstration else [])]
