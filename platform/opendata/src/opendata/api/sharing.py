"""What pages of other origins may do (CORS): read public data, without credentials.

Public data are the same for everyone and need no cookie, so scripts on any page may read them.
Login, drafts, decisions and metrics are closed to other origins. VO queries may come as POST, and
clients delete their jobs.
"""

from __future__ import annotations

import re

from corsheaders.middleware import CorsMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase

#: Addresses that are closed to other origins.
PRIVATE = (
    r"curate/|health|metrics|alerts/incoming/|api/v1/drafts/"
    r"|api/v1/records/[^/]+/(?:draft/|versions/[^/]+/withdraw/)"
)
#: Addresses of the VO services, those in published notebooks included.
_QUERIES = re.compile(r"/vo/|/__system__/tap/run/")
_READING = ("GET", "HEAD", "OPTIONS")
_ASKING = (*_READING, "POST", "DELETE")

#: Headers that scripts may send beyond the safelisted ones: ranges, conditions, types of queries.
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
#: Headers of a response that scripts may read beyond the safelisted ones.
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
    """django-cors-headers with the methods that each address allows."""

    def add_response_headers(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Add the headers if the address is shared; remove them otherwise."""
        super().add_response_headers(request, response)
        if not self.is_enabled(request):
            del response.headers["Access-Control-Allow-Origin"]
        elif "Access-Control-Allow-Methods" in response.headers:
            asks = _QUERIES.match(request.path_info)
            response.headers["Access-Control-Allow-Methods"] = ", ".join(
                _ASKING if asks else _READING
            )
        return response
