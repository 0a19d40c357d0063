"""Answers while the disk is full: pages and downloads as usual, 507 to what would be stored."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from adqlite.disk import is_full
from adqlite.errors import StorageFull
from opendata.middleware import Middleware

STATUS = 507
SENTENCE = (
    "The disk of the portal is full, so nothing can be stored at present. Reading and downloads "
    "work. Try again later; the administrators need to make space."
)


def follows_from_full_disk(error: BaseException | None) -> bool:
    """Returns whether an error, or one that it was raised from, follows from a full disk."""
    folder = Path(settings.CONFIGURATION.state).absolute()
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, StorageFull) or is_full(error, folder):
            return True
        code = getattr(error, "sqlite_errorcode", None)
        if code is not None and code & 0xFF == sqlite3.SQLITE_READONLY:
            # The database was opened for reading only (opendata.sqlite).
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


class FullDisk(Middleware):
    """Answers in a sentence when a view fails since the disk is full."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Returns the response to an error of a view; None for other errors."""
        if not follows_from_full_disk(error):
            return None
        from opendata.portal.failures import full

        return full(request)
