"""``/catalog.json``."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from opendata.api.downloads import send
from opendata.exports import catalogue


@require_safe
def catalog(request: HttpRequest) -> HttpResponseBase:
    """Answer with all published records, in openkm3's format."""
    path, etag = catalogue.document()
    response = send(
        request,
        path,
        size=path.stat().st_size,
        etag=etag,
        media_type="application/json",
        name="catalog.json",
        headers={"Cache-Control": "no-cache"},
    )
    response.headers["Content-Disposition"] = "inline"
    return response
