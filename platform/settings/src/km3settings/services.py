"""The data services beside the hub."""

from __future__ import annotations

from pydantic import Field

from km3settings.section import Section, SiteAddress

__all__ = ["OpenData", "Services"]


class OpenData(Section):
    """The Open Data Center: portal, REST and Virtual Observatory services."""

    enabled: bool = True
    """Whether it is started with the platform."""
    port: int | None = Field(default=None, ge=1024, le=65535)
    """Its port on this machine; by default the login page's and 90 more, e.g. 8090."""
    public_url: SiteAddress | None = None
    """The address that people use, if it differs from the one `make up` prints. On the hub's own
    host (with a path) nobody can curate by it: users' servers share that host. With `enabled:
    false`: the portal of another site, which this platform shall use."""
    demonstration: bool = True
    """Whether an empty portal is filled with demonstration data; what is simulated says so."""


class Services(Section):
    """The data services beside the hub."""

    opendata: OpenData = OpenData()
    containers: tuple[str, ...] = ()
    """Containers that join every user's network, as user servers must reach them by name."""
