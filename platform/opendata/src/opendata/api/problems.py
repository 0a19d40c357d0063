"""Errors of the API: always JSON, always with a sentence in `detail`."""

from __future__ import annotations

from typing import Any

from django.db import DataError
from django.http import Http404
from pydantic import ValidationError
from rest_framework import status
from rest_framework.exceptions import APIException, NotAcceptable, NotFound
from rest_framework.response import Response
from rest_framework.views import exception_handler

from opendata.api.negotiation import unacceptable
from opendata.records.publishing import NotAllowed, Refused
from opendata.records.store import TooLarge
from openkm3.alerts import AlertError


class Gone(APIException):
    """What was requested has been withdrawn."""

    status_code = status.HTTP_410_GONE


def handle(  # noqa: PLR0911 - one return per kind of error
    error: Exception, context: dict[str, Any]
) -> Response | None:
    """Returns the response to an error; None for an unexpected one."""
    if isinstance(error, NotAllowed):
        return Response({"detail": str(error)}, status.HTTP_403_FORBIDDEN)
    if isinstance(error, Refused):
        return Response({"detail": str(error)}, status.HTTP_409_CONFLICT)
    if isinstance(error, TooLarge):
        return Response(
            {"detail": f"The file has {error}."}, status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
        )
    if isinstance(error, AlertError):
        problems = [{"path": item.path, "message": item.message} for item in error.problems]
        return Response(
            {"detail": "The alert is not valid.", "problems": problems},
            status.HTTP_400_BAD_REQUEST,
        )
    if isinstance(error, ValidationError):
        problems = [
            {"path": ".".join(map(str, item["loc"])), "message": item["msg"]}
            for item in error.errors(include_url=False, include_context=False)
        ]
        return Response(
            {"detail": f"{problems[0]['path']}: {problems[0]['message']}", "problems": problems},
            status.HTTP_400_BAD_REQUEST,
        )
    if isinstance(error, DataError):
        # PostgreSQL accepts no NUL in texts.
        return Response(
            {"detail": "A text contains characters that cannot be stored."},
            status.HTTP_400_BAD_REQUEST,
        )
    if isinstance(error, Http404):
        error = NotFound(str(error) or None)
    response = exception_handler(error, context)
    if response is not None and isinstance(error, NotAcceptable):
        offers = [str(renderer.media_type) for renderer in error.available_renderers or []]
        response.data = unacceptable(offers)
    return response
