"""Addresses of the API and the downloads."""

from __future__ import annotations

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from opendata.api import downloads, metrics, reading, schema, writing
from opendata.api.catalogue import catalog
from opendata.api.dataverse.urls import urlpatterns as dataverse_patterns

_API = "api/v1"
#: Importing the class registers it.
_SCHEME = schema.TokenScheme

urlpatterns = [
    path("catalog.json", catalog, name="catalogue"),
    path("storage/<str:name>", downloads.storage_by_name),
    path("storage/<str:identifier>/<str:label>/<str:name>", downloads.storage, name="storage"),
    path("health", metrics.health),
    path("metrics", metrics.metrics),
    path(f"{_API}/", reading.Root.as_view()),
    path(f"{_API}/search/", reading.Search.as_view(), name="api-search"),
    path(f"{_API}/records/", reading.Records.as_view(), name="api-records"),
    path(f"{_API}/collections/", reading.Records.as_view(kind="collection")),
    path(f"{_API}/streams/", reading.Records.as_view(kind="stream")),
    path(f"{_API}/resources/", reading.Records.as_view(kind="resource")),
    path(f"{_API}/ktypes/", reading.KTypes.as_view()),
    path(f"{_API}/records/<str:identifier>/", reading.RecordView.as_view(), name="api-record"),
    path(f"{_API}/records/<str:identifier>/files/", reading.Files.as_view()),
    path(f"{_API}/records/<str:identifier>/versions/<str:label>/", reading.VersionView.as_view()),
    path(
        f"{_API}/records/<str:identifier>/versions/<str:label>/withdraw/",
        writing.Withdrawal.as_view(),
    ),
    path(f"{_API}/drafts/", writing.Drafts.as_view()),
    path(f"{_API}/records/<str:identifier>/draft/", writing.DraftView.as_view()),
    path(f"{_API}/records/<str:identifier>/draft/files/<str:name>", writing.DraftFile.as_view()),
    re_path(
        rf"^{_API}/records/(?P<identifier>[^/]+)/draft/(?P<step>submit|approve|reject)/$",
        writing.Decision.as_view(),
    ),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="documentation"),
]
urlpatterns += dataverse_patterns
