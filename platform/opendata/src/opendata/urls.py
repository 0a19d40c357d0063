"""The addresses of the portal."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path, re_path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("opendata.api.urls")),
    path("alerts/", include("opendata.alerts.urls")),
    path("curate/", include("opendata.accounts.urls")),
    path("curate/", include("opendata.curation.urls")),
    path("", include("opendata.portal.urls")),
]
if settings.HAS_VO:
    from opendata.vo.views import VIEWS

    # The second and third are the addresses of KM3NeT's server in published notebooks.
    urlpatterns[:0] = [
        path("vo/", include("opendata.vo.urls")),
        path("__system__/tap/run/", include("opendata.vo.urls", namespace="published")),
        re_path(r"^(?P<schema>\w+)/nu/cone/scs\.xml$", VIEWS["cone"], {"table": "main"}),
    ]

handler400 = "opendata.portal.failures.bad_request"
handler403 = "opendata.portal.failures.forbidden"
handler404 = "opendata.portal.failures.not_found"
handler500 = "opendata.portal.failures.broken"
