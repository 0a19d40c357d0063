"""Whether users' servers have host names of their own, apart from the hub's pages.

A web browser separates pages by their origin (scheme, host name, port). A user decides what their
own server sends, so on the hub's origin their pages could act as any visitor of theirs.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["CHECK_LABEL", "Origins", "host_label", "portal_below_hub", "undecided"]

#: A label that stands for all users' host names in checks. No user can have it (`host_label`).
CHECK_LABEL = "check--origins"
#: Names that DNS and our routes allow as they are. `--` marks names that are derived.
_PLAIN = re.compile(r"^(?!.*--)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")


def host_label(user: str) -> str:
    """Returns the first label of the host name of a user's server.

    Another user never gets the same one. JupyterHub's own rule shortens its hash to 28 bits, for
    which somebody who can choose their name finds a second name within minutes.

    Parameters
    ----------
    user
        The user's name on this platform.
    """
    if _PLAIN.match(user) and not user.isdigit():
        return user
    stub = "".join(re.findall("[a-z0-9]", user.lower()))[:8] or "x"
    return f"u-{stub}--{hashlib.sha256(user.encode()).hexdigest()[:32]}"


def undecided(settings: Settings) -> str:
    """Returns the hub's host name if DNS decides whether users' servers have their own; else "".

    Parameters
    ----------
    settings
        The settings.
    """
    site = settings.site
    parts = urlsplit(site.public_url or "")
    name = parts.hostname or ""
    decided = site.user_origins != "auto" or parts.path or portal_below_hub(settings)
    return "" if decided or _is_local(name) or _is_address(name) else name


def portal_below_hub(settings: Settings) -> str:
    """Returns the portal's host name if a user's server could have the same one; else "".

    Parameters
    ----------
    settings
        The settings.
    """
    hub = urlsplit(settings.site.public_url or "").hostname
    portal = urlsplit(settings.services.opendata.public_url or "").hostname
    return portal if hub and portal and portal.endswith(f".{hub}") else ""


@dataclass(frozen=True)
class Origins:
    """Where users' servers are, for browsers.

    Parameters
    ----------
    settings
        The settings.
    runtime
        The login page's port on this machine; what the start of the platform found out about DNS.
    """

    settings: Settings
    runtime: Runtime

    @property
    def own(self) -> bool:
        """Whether each user's server has a host name of its own."""
        choice = self.settings.site.user_origins
        if choice != "auto":
            return choice == "own"
        if undecided(self.settings):
            return self.runtime.user_origins == "own"
        parts = urlsplit(self.settings.site.public_url or "")
        name = parts.hostname
        taken = portal_below_hub(self.settings)
        return not parts.path and not taken and (name is None or _is_local(name))

    @property
    def hub(self) -> str:
        """The hub's origin, without a path: `https://hub.example.org`."""
        public = self.settings.site.public_url
        if not public:
            return f"http://localhost:{self.runtime.port}"
        parts = urlsplit(public)
        return f"{parts.scheme}://{parts.netloc.lower()}"

    @property
    def here(self) -> bool:
        """Whether the host names are those below `localhost`, without a web server in front."""
        parts = urlsplit(self.hub)
        return self.own and parts.hostname == "localhost" and parts.port == self.runtime.port

    @property
    def wildcard(self) -> str:
        """The name that stands for all users' host names: `*.hub.example.org`."""
        return f"*.{urlsplit(self.hub).hostname}"

    @property
    def host_cookies(self) -> bool:
        """Whether cookies can have the prefix `__Host-`.

        They need https, and apply to the whole host name: nothing else may be there, neither users'
        servers nor, beside a path, other pages of the site.
        """
        parts = urlsplit(self.settings.site.public_url or "")
        return self.own and parts.scheme == "https" and not parts.path

    def environment(self) -> dict[str, str]:
        """Returns the variables of the proxy (`images/proxy/origins.mjs`)."""
        return {
            "KM3_USER_ORIGINS": "own" if self.own else "shared",
            "KM3_HUB_ORIGIN": self.hub,
            "KM3_PATH": urlsplit(self.settings.site.public_url or "").path,
        }


def _is_local(name: str) -> bool:
    return name == "localhost" or name.endswith(".localhost")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
