"""Guards of a query: it may only read, within limits of time, disk space and memory."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from adqlite.disk import is_full
from adqlite.errors import QueryAborted, QueryError, QueryTimeout, StorageFull, VOError

_ALLOWED = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    getattr(sqlite3, "SQLITE_RECURSIVE", 33),
}
_FUNCTIONS = {"count", "sum", "avg", "min", "max", "like", "coalesce", "nullif"}
_REWORDED = {
    "integer overflow": "a SUM of integers does not fit into 64 bits; CAST its argument to "
    "DOUBLE PRECISION",
}
_DISK_INTERVAL = 0.25  # seconds between two checks of the disk


class Clock:
    """SQLite's progress handler: decides when a query has to end, and records why."""

    def __init__(self, deadline: float, stopped: Callable[[], bool], space: int) -> None:
        self.deadline = deadline
        self.stopped = stopped
        self.next_check = time.monotonic() + _DISK_INTERVAL
        # SQLite sorts in temporary files, whose size it does not limit.
        self.least_free = shutil.disk_usage(_temporary_folder()).free - space
        self.reason: str | None = None

    def __call__(self) -> int:
        """Returns whether the query has to end."""
        if self.reason is None:
            if time.monotonic() > self.deadline:
                self.reason = "time"
            elif self.stopped():
                self.reason = "abort"
            elif time.monotonic() > self.next_check:
                self.next_check = time.monotonic() + _DISK_INTERVAL
                if shutil.disk_usage(_temporary_folder()).free < self.least_free:
                    self.reason = "space"
        return int(self.reason is not None)


@lru_cache(1)
def _temporary_folder() -> str:
    """Returns the folder that SQLite uses for temporary files."""
    places = (os.environ.get("SQLITE_TMPDIR"), os.environ.get("TMPDIR"), "/var/tmp", "/tmp", ".")  # noqa: S108
    return next(p for p in places if p and os.access(p, os.W_OK | os.X_OK))


def authorise(
    action: int, first: str | None, second: str | None, database: str | None, _: str | None
) -> int:
    """Authorises reading published tables, and nothing else (sqlite3_set_authorizer)."""
    if action not in _ALLOWED:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION:
        name = (second or "").lower()
        allowed = name.startswith("adql_") or name in _FUNCTIONS
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_READ and (first or "").lower().startswith("sqlite_"):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


@contextmanager
def as_vo_errors(clock: Clock, errors: list[str], seconds: float) -> Iterator[None]:
    """Turns errors of SQLite into errors worded for the sender of the query."""
    try:
        yield
    except VOError:
        raise
    except (sqlite3.Error, sqlite3.Warning, MemoryError) as error:
        if clock.reason == "time":
            raise QueryTimeout(
                f"the query ran longer than {seconds:g} s and was stopped; select less, or run it "
                "as a job (async)"
            ) from None
        if clock.reason is None and is_full(error, Path(_temporary_folder())):
            raise StorageFull(
                "the disk of this service is full, so it cannot sort the rows; select less, or try "
                "again later"
            ) from None
        if clock.reason == "space":
            raise QueryError(
                "sorting the rows needs more disk space than this service allows; select less"
            ) from None
        if clock.reason == "abort":
            raise QueryAborted("the query was stopped") from None
        message = errors[-1] if errors else _REWORDED.get(str(error), str(error))
        raise QueryError(f"the query cannot be run: {message}") from None


def guarded(
    rows: Iterator[tuple[Any, ...]], clock: Clock, errors: list[str], seconds: float
) -> Iterator[tuple[Any, ...]]:
    """Yields rows while the query is within its limits."""
    with as_vo_errors(clock, errors, seconds):
        for number, row in enumerate(rows):
            # Many cheap rows may pass without a call of the progress handler.
            if number % 1000 == 999 and clock():
                raise sqlite3.OperationalError("interrupted")
            yield row
