"""The data services beside the hub."""

from __future__ import annotations

from pydantic import Field

from km3settings.limits import PortalLimits
from km3settings.section import Section, SiteAddress

__all__ = ["OpenData", "Services"]


class OpenData(Section):
    """The Open Data Center: portal, REST and Virtual Observatory services."""

    enabled: bool = True
    """Whether it is started with the platform."""
    port: int | None = Field(default=None, ge=1024, le=65535)
    """Its port on this machine; default: the login page's port + 90, e.g. 8090."""
    public_url: SiteAddress | None = None
    """The address that people use, if it differs from the one that `make up` prints. On a path of
    the hub's host curators cannot log in, because users' servers share that host. With
    `enabled: false`: the portal of another site, for this platform to use."""
    demonstration: bool = True
    """Whether an empty portal is filled with demonstration data; simulated data are marked."""
    limits: PortalLimits = PortalLimits()


class Services(Section):
    """The data services beside the hub."""

    opendata: OpenData = OpenData()
    containers: tuple[str, ...] = ()
    """Further containers that users' servers can reach by name: they join every user's network."""
