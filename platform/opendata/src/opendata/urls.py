"""Which address leads where."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("opendata.api.urls")),
    path("alerts/", include("opendata.alerts.urls")),
    path("", include("opendata.pages.urls")),
]
if settings.HAS_VO:
    urlpatterns.insert(0, path("vo/", include("opendata.vo.urls")))

handler400 = "opendata.pages.failures.bad_request"
handler403 = "opendata.pages.failures.forbidden"
handler404 = "opendata.pages.failures.not_found"
handler500 = "opendata.pages.failures.broken"
