"""What every page shows."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:
    """Return title, contact and the hub's address for the templates."""
    configuration = settings.CONFIGURATION
    return {
        "site_title": configuration.title,
        "contact": configuration.contact,
        "hub_url": configuration.hub_url,
        "has_vo": settings.HAS_VO,
        "base_url": base_url(request),
    }


def base_url(request: HttpRequest) -> str:
    """Return the address of the portal without slash at its end."""
    return settings.CONFIGURATION.public_url or request.build_absolute_uri("/").rstrip("/")
