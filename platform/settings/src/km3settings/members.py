"""The service containers that join every user's network."""

from __future__ import annotations

from collections.abc import Sequence

from km3settings.names import Names
from km3settings.settings import Settings

__all__ = ["members", "too_many_members"]

#: A /29 has room for its gateway and five containers; one is the user's server, one is hub and
#: proxy.
_SERVICES = 3


def members(settings: Settings, names: Names) -> tuple[str, ...]:
    """Returns the service containers that join every user's network."""
    own = (names.opendata,) if settings.services.opendata.enabled else ()
    return (*own, *settings.services.containers)


def too_many_members(services: Sequence[str]) -> str | None:
    """Returns what is wrong with this list of service containers; None: nothing."""
    if len(services) <= _SERVICES:
        return None
    return (
        f"at most {_SERVICES} containers fit into a user's network, the Open Data Center among"
        f" them, not {len(services)}"
    )
