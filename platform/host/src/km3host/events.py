"""What km3host reports: a sentence for a person, and one JSON line for the journal.

Timers run `km3host backup` and `km3host verify`; what they report goes to the journal, where lines
have the keys of the hub's and the portal's log.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

__all__ = ["failed", "in_journal", "report"]

Event = MutableMapping[str, Any]

_time = structlog.processors.TimeStamper(fmt="iso", utc=True, key="time")
_message = structlog.processors.EventRenamer("message")
_json = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)


def in_journal(stream: TextIO) -> bool:
    """Returns whether systemd connected a stream of this process with the journal."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    # systemd.exec(5): device and inode, because a stream may have been redirected since.
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def report(message: str, **values: Any) -> None:
    """Report what happened, on standard output.

    Parameters
    ----------
    message
        A sentence, which is all that a person gets.
    **values
        Facts of the event, for programs that read the journal.
    """
    _write(sys.stdout, "info", message, values)


def failed(message: str, **values: Any) -> None:
    """Report a failure, on standard error.

    Parameters
    ----------
    message
        What happened, to what, and what to do next.
    **values
        Facts of the event, for programs that read the journal.
    """
    _write(sys.stderr, "error", message, values)


def _write(stream: TextIO, level: str, message: str, values: dict[str, Any]) -> None:
    structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=[_time, _message, _ordered, _json] if in_journal(stream) else [_sentence],
        wrapper_class=structlog.BoundLogger,
    ).msg(message, level=level, logger="km3host", **values)


def _ordered(logger: Any, method: str, event: Event) -> Event:
    """Put the keys of every line first; administrators' filters rely on their names."""
    first = ("time", "level", "logger", "message")
    return {key: event[key] for key in first} | {k: event[k] for k in event if k not in first}


def _sentence(logger: Any, method: str, event: Event) -> str:
    """Return what a person reads."""
    start = "km3host: " if event["level"] == "error" else ""
    return f"{start}{event['event']}"
