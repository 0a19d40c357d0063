"""Structured logs: one JSON line per event, from this package and from libraries alike."""

from __future__ import annotations

import logging
import time
import uuid
from datetime import UTC, datetime

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from structlog.typing import EventDict, WrappedLogger

from opendata.middleware import Middleware

log = structlog.stdlib.get_logger("opendata.requests")

structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)

#: Warnings of Python and libraries are lines of JSON, too.
logging.captureWarnings(True)


def _time(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    record = event["_record"]
    moment = datetime.fromtimestamp(record.created, UTC)
    event["time"], event["logger"] = moment.isoformat(timespec="milliseconds"), record.name
    return event


def _ordered(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Put the keys that each line has first; administrators' filters rely on their names."""
    if "exception" in event:
        event["traceback"] = event.pop("exception")
    first = {key: event.pop(key) for key in ("time", "level", "logger")}
    return {**first, "message": event.pop("event"), **event}


class Line(structlog.stdlib.ProcessorFormatter):
    """Formats a log record as one line of JSON.

    Keys: `time`, `level`, `logger`, `message`; within a request also `request`, its identifier;
    what else was logged; and `traceback` of an error.
    """

    def __init__(self) -> None:
        super().__init__(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                _time,
                structlog.processors.format_exc_info,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _ordered,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )


class RequestLog(Middleware):
    """Logs each request with its duration, and gives it an identifier.

    Whatever is logged while the request is handled has that identifier as well. The visitor's
    address is not logged.
    """

    def on_request(self, request: HttpRequest) -> None:
        """Note when the request began, and its identifier."""
        request.began = time.perf_counter()  # type: ignore[attr-defined]
        request.identifier = uuid.uuid4().hex[:12]  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=request.identifier)  # type: ignore[attr-defined]

    def on_response(self, request: HttpRequest, response: HttpResponseBase) -> None:
        """Log the request."""
        response.headers["X-Request-ID"] = request.identifier  # type: ignore[attr-defined]
        fields = {
            "method": request.method,
            "path": request.path[:500],
            "status": response.status_code,
            "ms": round((time.perf_counter() - request.began) * 1000, 1),  # type: ignore[attr-defined]
        }
        account = getattr(request, "account", None)
        if account is not None:
            fields["user"] = str(account)
        log.info("request", **fields)
