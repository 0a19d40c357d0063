"""Structured logs: one JSON line an event."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

log = logging.getLogger("opendata.requests")


class Line(logging.Formatter):
    """Formats a log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; `extra={"fields": {...}}` adds fields."""
        content = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            content["traceback"] = self.formatException(record.exc_info)
        return json.dumps(content, ensure_ascii=False)


class RequestLog:
    """Logs each request with its time and gives it an identifier.

    The address of the visitor is not logged.
    """

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
        started = time.perf_counter()
        return self._note(request, self.get_response(request), started)

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = await self.get_response(request)  # type: ignore[misc]
        return self._note(request, response, started)

    @staticmethod
    def _note(request: HttpRequest, response: HttpResponseBase, started: float) -> HttpResponseBase:
        identifier = uuid.uuid4().hex[:12]
        response.headers["X-Request-ID"] = identifier
        fields = {
            "request": identifier,
            "method": request.method,
            "path": request.path[:500],
            "status": response.status_code,
            "ms": round((time.perf_counter() - started) * 1000, 1),
        }
        account = getattr(request, "account", None)
        if account is not None:
            fields["user"] = str(account)
        log.info("request", extra={"fields": fields})
        return response
