"""The addresses of the portal."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path, re_path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("opendata.api.urls")),
    path("alerts/", include("opendata.alerts.urls")),
    path("curate/", include("opendata.accounts.urls")),
    path("curate/", include("opendata.curation.urls")),
    path("", include("opendata.pages.urls")),
]
if settings.HAS_VO:
    from opendata.vo.http import cone

    # The second and third are the addresses of KM3NeT's server in published notebooks.
    urlpatterns[:0] = [
        path("vo/", include("opendata.vo.urls")),
        path("__system__/tap/run/", include("opendata.vo.urls", namespace="published")),
        re_path(r"^(?P<schema>\w+)/nu/cone/scs\.xml$", cone.search, {"table": "main"}),
    ]

handler400 = "opendata.pages.failures.bad_request"
handler403 = "opendata.pages.failures.forbidden"
handler404 = "opendata.pages.failures.not_found"
handler500 = "opendata.pages.failures.broken"
