"""Addresses of the portal's pages, where there is no request to ask."""

from __future__ import annotations

from contextvars import ContextVar

from django.conf import settings
from django.http import HttpRequest

from opendata.middleware import Middleware

#: Root of the portal as the current request sees it.
ROOT: ContextVar[str] = ContextVar("opendata_root", default="")


def root(request: HttpRequest) -> str:
    """Return the portal's address for whoever sent a request.

    That is the public one, but not for who asked by a name of ``OPENDATA_HOSTS``: programs inside
    of the platform may not reach the public address.
    """
    configuration = getattr(settings, "CONFIGURATION", None)
    if configuration and configuration.public_url:
        name = request.get_host().rpartition(":")[0] or request.get_host()
        if name not in configuration.hosts:
            return str(configuration.public_url)
    # With the path below which it was asked for, if any (`opendata.below_path`).
    return f"{request.scheme}://{request.get_host()}{request.META.get('SCRIPT_NAME', '')}"


def absolute(path: str) -> str:
    """Return the full address of a path of the portal, for the current request."""
    return f"{ROOT.get() or settings.CONFIGURATION.public_url}/{path.lstrip('/')}"


def permanent(path: str) -> str:
    """Return the full address of a path as it is cited: the public one, whoever asks."""
    return f"{settings.CONFIGURATION.public_url or ROOT.get()}/{path.lstrip('/')}"


class Root(Middleware):
    """Notes the portal's address as the visitor sees it, for all that handles the request."""

    def on_request(self, request: HttpRequest) -> None:
        """Note the address; the view runs in the same context."""
        ROOT.set(root(request))
