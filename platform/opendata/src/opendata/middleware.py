"""What Django's middleware has in common here: synchronous and asynchronous servers alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class Middleware:
    """Looks at each request before it is handled, and at its response afterwards.

    Both methods run in the context of the request, without a thread of their own. Subclasses
    implement one or both.
    """

    async_capable = True
    sync_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Handle a request."""
        if self._is_async:
            return self._handle(request)
        self.on_request(request)
        response = cast("HttpResponseBase", self.get_response(request))
        self.on_response(request, response)
        return response

    async def _handle(self, request: HttpRequest) -> HttpResponseBase:
        self.on_request(request)
        response = cast("HttpResponseBase", await self.get_response(request))
        self.on_response(request, response)
        return response

    def on_request(self, request: HttpRequest) -> None:
        """Prepare for a request."""

    def on_response(self, request: HttpRequest, response: HttpResponseBase) -> None:
        """Change the response in place."""
