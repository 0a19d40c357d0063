"""Pages and answers for what went wrong."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from opendata.api.negotiation import negotiate

_PROGRAMS = ("/api/", "/storage/", "/catalog.json", "/oai", "/metrics")


def _answer(request: HttpRequest, status: int, title: str, sentence: str) -> HttpResponse:
    page = negotiate(request, ["text/html", "application/json"]) == "text/html"
    if request.path_info.startswith(_PROGRAMS) or not page:
        return JsonResponse({"detail": sentence}, status=status)
    return render(request, "failure.html", {"title": title, "sentence": sentence}, status=status)


def bad_request(request: HttpRequest, exception: Exception, **_: Any) -> HttpResponse:
    """400."""
    sentence = "The request could not be understood."
    # Not a page: its links need the very host name that may be what is wrong.
    return JsonResponse({"detail": sentence}, status=400)


def forbidden(request: HttpRequest, exception: Exception, **_: Any) -> HttpResponse:
    """403."""
    return _answer(request, 403, "Not allowed", "You may not see this.")


def not_found(request: HttpRequest, exception: Exception, **_: Any) -> HttpResponse:
    """404."""
    said = str(exception.args[0]) if exception.args and isinstance(exception.args[0], str) else ""
    return _answer(request, 404, "Not found", said or "There is nothing at this address.")


def broken(request: HttpRequest, **_: Any) -> HttpResponse:
    """500."""
    text = "Something went wrong in the portal; it was written to the log."
    return _answer(request, 500, "Something went wrong", text)


def no_csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form that was not sent from our own page, or too late."""
    text = "The form is too old, or cookies are off. Go back, load the page again and repeat it."
    return _answer(request, 403, "Not accepted", text)
