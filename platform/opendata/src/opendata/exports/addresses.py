"""Full addresses of pages, for code that has no request."""

from __future__ import annotations

from contextvars import ContextVar

from django.conf import settings
from django.http import HttpRequest

from opendata.middleware import Middleware

#: The portal's address for the current request.
ROOT: ContextVar[str] = ContextVar("opendata_root", default="")


def root(request: HttpRequest) -> str:
    """Returns the portal's address for the client that sent a request.

    That is the public one, except for requests to a name in ``OPENDATA_HOSTS``: programs inside the
    platform may not reach the public address.
    """
    configuration = getattr(settings, "CONFIGURATION", None)
    if configuration and configuration.public_url:
        name = request.get_host().rpartition(":")[0] or request.get_host()
        if name not in configuration.hosts:
            return str(configuration.public_url)
    # SCRIPT_NAME is the path below which the portal is, if any (`opendata.below_path`).
    return f"{request.scheme}://{request.get_host()}{request.META.get('SCRIPT_NAME', '')}"


def absolute(path: str) -> str:
    """Returns the full address of a path of the portal, for the current request."""
    return f"{ROOT.get() or settings.CONFIGURATION.public_url}/{path.lstrip('/')}"


def permanent(path: str) -> str:
    """Returns the full address of a path for citations: always the public one."""
    return f"{settings.CONFIGURATION.public_url or ROOT.get()}/{path.lstrip('/')}"


class Root(Middleware):
    """Notes the portal's address as the visitor sees it, for all that handles the request."""

    def on_request(self, request: HttpRequest) -> None:
        """Note the address; the view runs in the same context."""
        ROOT.set(root(request))
