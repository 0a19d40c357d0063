"""Which pages of other origins may do what here (CORS): read what is public, without credentials.

The data are public and reading looks at no cookie, so that programs in any page may read them.
Logins, drafts, decisions and what administrators look at are of no use to other origins and stay
closed to them. Queries of the Virtual Observatory are reads that come as POST, and its jobs are
deleted by who made them.
"""

from __future__ import annotations

import re

from corsheaders.middleware import CorsMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase

#: What is not shared.
PRIVATE = (
    r"curate/|health|metrics|alerts/incoming/|api/v1/drafts/"
    r"|api/v1/records/[^/]+/(?:draft/|versions/[^/]+/withdraw/)"
)
#: Addresses of the Virtual Observatory, those in published notebooks included.
_QUERIES = re.compile(r"/vo/|/__system__/tap/run/")
_READING = ("GET", "HEAD", "OPTIONS")
_ASKING = (*_READING, "POST", "DELETE")

#: What scripts may send beyond the safe-listed headers: parts, conditions, the form of a query.
REQUEST_HEADERS = (
    "accept",
    "content-type",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "range",
    "user-agent",
)
#: What scripts may see of an answer beyond the safe-listed headers.
RESPONSE_HEADERS = (
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Length",
    "Content-Range",
    "ETag",
    "Last-Modified",
    "Link",
    "Location",
    "Repr-Digest",
    "Retry-After",
)


class ReadFromAnywhere(CorsMiddleware):
    """django-cors-headers with the methods that an address has."""

    def add_response_headers(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Add the headers of a shared address; of one that is not, take them away."""
        super().add_response_headers(request, response)
        if not self.is_enabled(request):
            del response.headers["Access-Control-Allow-Origin"]
        elif "Access-Control-Allow-Methods" in response.headers:
            asks = _QUERIES.match(request.path_info)
            response.headers["Access-Control-Allow-Methods"] = ", ".join(
                _ASKING if asks else _READING
            )
        return response
