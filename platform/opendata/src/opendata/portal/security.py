"""What a browser may do with our pages."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from opendata.middleware import Middleware

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
#: Downloads are others' files: a browser that shows one must not run what is in it.
_FILES = "default-src 'none'; sandbox"


class ContentSecurity(Middleware):
    """Sets the content security policy: own scripts and styles only."""

    def on_response(self, request: HttpRequest, response: HttpResponseBase) -> None:
        """Set the policy of a page or a download."""
        if request.path_info.startswith("/storage/"):
            response.headers["Content-Security-Policy"] = _FILES
        elif request.path_info.startswith("/api/docs"):
            # Swagger UI starts with a script in its page.
            response.headers["Content-Security-Policy"] = _POLICY.replace(
                "script-src 'self'", "script-src 'self' 'unsafe-inline'"
            )
        else:
            response.headers.setdefault("Content-Security-Policy", _POLICY)
