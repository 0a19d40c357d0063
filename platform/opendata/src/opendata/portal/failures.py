"""Error pages, and errors as JSON for programs."""

from __future__ import annotations

import sys
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from opendata.api.negotiation import negotiate
from opendata.full_disk import SENTENCE, STATUS, follows_from_full_disk

_PROGRAMS = ("/api/", "/storage/", "/catalog.json", "/oai", "/metrics")


def _answer(request: HttpRequest, status: int, title: str, sentence: str) -> HttpResponse:
    page = negotiate(request, ["text/html", "application/json"]) == "text/html"
    if request.path_info.startswith(_PROGRAMS) or not page:
        return JsonResponse({"detail": sentence}, status=status)
    return render(request, "failure.html", {"title": title, "sentence": sentence}, status=status)


def bad_request(request: HttpRequest, exception: Exception, **_: Any) -> HttpResponse:
    """Answer 400."""
    sentence = "The request is malformed."
    # Not a page: its links would need the host name, which may be the mistake.
    return JsonResponse({"detail": sentence}, status=400)


def forbidden(request: HttpRequest, exception: Exception, **_: Any) -> HttpResponse:
    """Answer 403."""
    return _answer(request, 403, "Access denied", "You do not have permission to see this page.")


def not_found(request: HttpRequest, exception: Exception, **_: Any) -> HttpResponse:
    """Answer 404."""
    message = (
        str(exception.args[0]) if exception.args and isinstance(exception.args[0], str) else ""
    )
    return _answer(request, 404, "Not found", message or "There is no page at this address.")


def full(request: HttpRequest) -> HttpResponse:
    """Answer 507."""
    response = _answer(request, STATUS, "The disk is full", SENTENCE)
    response.headers["Retry-After"] = "600"
    return response


def broken(request: HttpRequest, **_: Any) -> HttpResponse:
    """Answer 500, or 507 if the error follows from a full disk."""
    if follows_from_full_disk(sys.exc_info()[1]):
        return full(request)
    text = "The portal failed to answer; its log has the error. Try again later."
    return _answer(request, 500, "Internal error", text)


def no_csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form that did not come from a page of the portal, or came too late."""
    text = "The form has expired, or cookies are off. Go back, reload the page and send it again."
    return _answer(request, 403, "Form not accepted", text)
