"""Whether a wildcard name leads to the same web server as the hub's name."""

from __future__ import annotations

import os
import socket
import ssl
from dataclasses import replace
from urllib.parse import urlsplit

from km3settings.origins import CHECK_LABEL, undecided
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["decide", "how_to_separate", "reason_against_own_names", "shared_origins", "why_not"]

#: Seconds for the connection to the web server.
_TIMEOUT = 5


def decide(settings: Settings, runtime: Runtime) -> Runtime:
    """Returns `runtime` with what DNS says about users' host names, where it decides.

    Parameters
    ----------
    settings
        The settings; only with `site.user_origins: auto` and a host name is anything looked up.
    runtime
        The environment of the platform.
    """
    if not undecided(settings):
        return runtime
    reason = why_not(settings.site.public_url or "")
    return replace(runtime, user_origins="shared" if reason else "own")


def reason_against_own_names(settings: Settings) -> str:
    """Returns why users' servers cannot have host names of their own; empty if they can.

    Nothing is looked up where the settings need no name in DNS, or where the start of the platform
    has decided already (`KM3_USER_ORIGINS`).
    """
    site = settings.site
    decided = os.environ.get("KM3_USER_ORIGINS")
    if decided == "own":
        return ""
    if decided == "shared" and site.user_origins == "auto":
        return "no wildcard name was found when the platform was started"
    name = urlsplit(site.public_url or "").hostname or "localhost"
    local = name == "localhost" or name.endswith(".localhost")
    wanted = undecided(settings) or (site.user_origins == "own" and not local)
    return why_not(site.public_url or "") if wanted else ""


def how_to_separate(settings: Settings) -> str:
    """Returns how to get host names for users' servers."""
    name = urlsplit(settings.site.public_url or "").hostname
    return (
        f"to separate users' pages from the hub's, let *.{name} lead to the same web server as"
        f" {name} (a wildcard DNS record and certificate), then run: make up"
    )


def shared_origins(settings: Settings, runtime: Runtime) -> list[str]:
    """Returns a note for administrators where DNS or a certificate is missing; else nothing."""
    if not undecided(settings) or runtime.user_origins == "own":
        return []
    reason = why_not(settings.site.public_url or "")
    restricted = "users' pages share the hub's origin, with restrictions"
    return [f"{restricted}: {reason}; {how_to_separate(settings)}"]


def why_not(public_url: str) -> str:
    """Returns why users' servers cannot have host names below the hub's; empty if they can.

    The hub's name and one below it must have a common address, and with https a certificate must be
    valid for the name below. No request is sent.

    Parameters
    ----------
    public_url
        `site.public_url`.
    """
    parts = urlsplit(public_url)
    name = parts.hostname or ""
    below = f"{CHECK_LABEL}.{name}"
    hub = _addresses(name)
    if not hub:
        return f"DNS does not know {name}"
    if not hub & _addresses(below):
        return f"DNS does not lead *.{name} to the same machine as {name}"
    if parts.scheme == "https":
        return _certificate_problem(name, below, parts.port or 443)
    return ""


def _addresses(name: str) -> set[str]:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return set()
    return {str(entry[4][0]) for entry in found}


def _certificate_problem(name: str, below: str, port: int) -> str:
    context = ssl.create_default_context()
    try:
        with (
            socket.create_connection((name, port), _TIMEOUT) as plain,
            context.wrap_socket(plain, server_hostname=below),
        ):
            return ""
    except ssl.SSLCertVerificationError as error:
        return f"the web server has no valid certificate for *.{name} ({error.verify_message})"
    except OSError as error:
        return f"the web server at {name}:{port} does not answer for *.{name} ({error})"
