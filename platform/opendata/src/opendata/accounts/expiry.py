"""Deletes what has expired: sessions, tokens of programs, and counted login failures.

Each is refused once it has expired; deleting it is for privacy. The portal's process does it at its
start and every hour.
"""

from __future__ import annotations

from threading import Event, Thread

import structlog
from axes.models import AccessFailureLog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection
from django.utils import timezone

from opendata.accounts.models import Token

log = structlog.stdlib.get_logger("opendata.accounts")

#: Seconds between two deletions.
PERIOD = 3600.0


def delete_expired() -> None:
    """Deletes expired sessions and tokens, and login failures that no longer count."""
    now = timezone.now()
    Session.objects.filter(expire_date__lt=now).delete()
    Token.objects.filter(expires__lt=now).delete()
    AccessFailureLog.objects.filter(attempt_time__lt=now - settings.AXES_COOLOFF_TIME).delete()


def start() -> None:
    """Deletes in a thread, now and every hour, until the process ends."""
    Thread(target=_keep_deleting, args=(Event(),), name="expiry", daemon=True).start()


def _keep_deleting(stop: Event) -> None:
    while True:
        try:
            delete_expired()
        except DatabaseError as error:
            # For example a full disk; the next attempt is in an hour.
            log.warning("expired sessions were not deleted", error=str(error))
        finally:
            connection.close()
        if stop.wait(PERIOD):
            return
