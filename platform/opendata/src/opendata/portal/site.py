"""Variables of every template."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from opendata.exports.addresses import root


def site(request: HttpRequest) -> dict[str, object]:
    """Returns title, contact, and the addresses of hub and portal."""
    configuration = settings.CONFIGURATION
    return {
        "site_title": configuration.title,
        "contact": configuration.contact,
        "hub_url": configuration.hub_url,
        "has_vo": settings.HAS_VO,
        "base_url": root(request),
    }
