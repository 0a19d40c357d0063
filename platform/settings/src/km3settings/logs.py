"""Structured logs of the platform's programs: one JSON line per event, as the portal writes them.

Each line begins with `time`, `level`, `logger` and `message`; the event's own keys follow, and
`traceback` for an exception.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

__all__ = ["JsonLines", "log_as_json", "log_through_logging", "readable"]


class JsonLines(structlog.stdlib.ProcessorFormatter):
    """Formats records of structlog and of `logging` as lines of JSON.

    Parameters
    ----------
    exceptions
        Replaces the key `exc_info` of an event by `exception`, a text.
    """

    def __init__(
        self, *_: Any, exceptions: Processor = structlog.processors.format_exc_info, **__: Any
    ) -> None:
        super().__init__(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                _time_and_logger,
                exceptions,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _ordered,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ]
        )


def log_through_logging() -> None:
    """Let structlog's loggers hand their events to `logging`, whose handlers write them."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def log_as_json(stream: TextIO = sys.stderr) -> None:
    """Log this process's events, and those of libraries, as lines of JSON.

    Parameters
    ----------
    stream
        Gets the lines.
    """
    log_through_logging()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)


def readable(lines: Iterable[str]) -> list[str]:
    """Returns lines of a log as a person reads them: the message, and a traceback below it.

    Parameters
    ----------
    lines
        Lines of JSON; others are returned as they are.
    """
    found: list[str] = []
    for line in lines:
        event = _event(line)
        if event is None:
            found.append(line)
            continue
        found += f"{event.get('level', '')}: {event['message']}".splitlines()
        found += str(event.get("traceback", "")).splitlines()
    return found


def _event(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "message" in event else None


def _time_and_logger(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    record = event["_record"]
    moment = datetime.fromtimestamp(record.created, UTC)
    return {**event, "time": moment.isoformat(timespec="milliseconds"), "logger": record.name}


def _ordered(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Put the keys of every line first; administrators' filters rely on their names."""
    if "exception" in event:
        event["traceback"] = event.pop("exception")
    first = {key: event.pop(key) for key in ("time", "level", "logger")}
    return {**first, "message": event.pop("event"), **event}
