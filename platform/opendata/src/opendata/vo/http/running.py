"""The one service of this process."""

from __future__ import annotations

import atexit
import threading
from pathlib import Path

from django.conf import settings

from adqlite.limits import Limits
from adqlite.service import TapService

_lock = threading.Lock()
_services: dict[Path, TapService] = {}


def service() -> TapService:
    """Give the service on the folder `settings.VO_FOLDER`, started at first use.

    `settings.VO_LIMITS`, a dictionary, changes limits (:class:`~adqlite.limits.Limits`).
    """
    folder = Path(settings.VO_FOLDER)
    with _lock:
        if folder not in _services:
            _services[folder] = TapService(folder, Limits(**getattr(settings, "VO_LIMITS", {})))
        return _services[folder]


def close() -> None:
    """Stop the services of this process; their jobs go on at the next start."""
    with _lock:
        for running in _services.values():
            running.close()
        _services.clear()


atexit.register(close)
