"""What a browser may do with our pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
#: Downloads are others' files: a browser that shows one must not run what is in it.
_FILES = "default-src 'none'; sandbox"


class ContentSecurity:
    """Sets the content security policy: own scripts and styles only."""

    async_capable = True
    sync_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Handle a request."""
        if self.is_async:
            return self._later(request)
        return self._set(request, self.get_response(request))

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        return self._set(request, await self.get_response(request))  # type: ignore[misc]

    @staticmethod
    def _set(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path_info.startswith("/storage/"):
            response.headers["Content-Security-Policy"] = _FILES
        elif request.path_info.startswith("/api/docs"):
            # Swagger UI starts with a script in its page.
            response.headers["Content-Security-Policy"] = _POLICY.replace(
                "script-src 'self'", "script-src 'self' 'unsafe-inline'"
            )
        else:
            response.headers.setdefault("Content-Security-Policy", _POLICY)
        return response
