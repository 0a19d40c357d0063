"""What every page shows."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from opendata.exports.addresses import root


def site(request: HttpRequest) -> dict[str, object]:
    """Return title, contact and the hub's address for the templates."""
    configuration = settings.CONFIGURATION
    return {
        "site_title": configuration.title,
        "contact": configuration.contact,
        "hub_url": configuration.hub_url,
        "has_vo": settings.HAS_VO,
        "base_url": root(request),
    }
