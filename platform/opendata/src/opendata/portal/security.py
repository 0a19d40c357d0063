"""What browsers may do with pages and downloads of the portal."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from opendata.middleware import Middleware

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
#: Downloads come from strangers: a browser that shows one must not run anything in it.
_FILES = "default-src 'none'; sandbox"


class ContentSecurity(Middleware):
    """Sets the content security policy: own scripts and styles only."""

    def on_response(self, request: HttpRequest, response: HttpResponseBase) -> None:
        """Set the policy of a page or a download."""
        if request.path_info.startswith("/storage/"):
            response.headers["Content-Security-Policy"] = _FILES
        elif request.path_info.startswith("/api/docs"):
            # Swagger UI is started by an inline script.
            response.headers["Content-Security-Policy"] = _POLICY.replace(
                "script-src 'self'", "script-src 'self' 'unsafe-inline'"
            )
        else:
            response.headers.setdefault("Content-Security-Policy", _POLICY)
