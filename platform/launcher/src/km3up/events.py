"""What `km3up` did, for administrators: one JSON line per event in `logs/km3up.log`.

What a person reads on the terminal is printed by `cli`; this is for whoever asks later when the
platform was started, by which command, and why that failed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler

import structlog

from km3settings.logs import JsonLines, log_through_logging
from km3settings.state import State

__all__ = ["log", "recorded"]

#: The file is replaced at this size; the one before is kept.
_LARGEST = 1_000_000

log_through_logging()
log = structlog.stdlib.get_logger("km3up")
_logger = logging.getLogger("km3up")
# Events outside of `recorded` go nowhere, not to the terminal.
_logger.addHandler(logging.NullHandler())
_logger.propagate = False
_logger.setLevel(logging.INFO)


@contextmanager
def recorded(state: State, command: str) -> Iterator[None]:
    """Write to the log when a command began, what it did, and how it ended.

    Parameters
    ----------
    state
        The state folder. Nothing is written where it does not exist or cannot be written to.
    command
        The command's name, for example `up`; every line has it.
    """
    handler = _handler(state)
    if handler:
        _logger.addHandler(handler)
    began = time.monotonic()
    with structlog.contextvars.bound_contextvars(command=command):
        log.info("began")
        try:
            yield
        except Exception as error:
            # A failure is a sentence for people; its traceback says nothing more.
            log.error("failed", reason=str(error), seconds=_since(began))
            raise
        else:
            log.info("ended", seconds=_since(began))
        finally:
            if handler:
                _logger.removeHandler(handler)
                handler.close()


def _since(began: float) -> float:
    return round(time.monotonic() - began, 1)


def _handler(state: State) -> logging.Handler | None:
    try:
        handler = RotatingFileHandler(
            state.logs / "km3up.log", maxBytes=_LARGEST, backupCount=1, encoding="utf-8"
        )
    except OSError:
        return None
    handler.setFormatter(JsonLines())
    return handler
