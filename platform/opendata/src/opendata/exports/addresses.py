"""Addresses of the portal's pages, where there is no request to ask."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest

#: Root of the portal as the current request sees it.
ROOT: ContextVar[str] = ContextVar("opendata_root", default="")


def absolute(path: str) -> str:
    """Return the full address of a path of the portal."""
    root = settings.CONFIGURATION.public_url or ROOT.get()
    return f"{root}/{path.lstrip('/')}"


class Root:
    """Middleware that notes the root of the portal as the visitor sees it."""

    async_capable = True
    sync_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Note the root and go on; what comes next runs in the same context."""
        ROOT.set(f"{request.scheme}://{request.get_host()}")
        return self.get_response(request)
