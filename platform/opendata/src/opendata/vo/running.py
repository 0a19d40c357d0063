"""The query service of this process."""

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
    """Returns the service on the folder `settings.VO_FOLDER`; the first call starts it.

    The dictionary `settings.VO_LIMITS` changes limits (:class:`adqlite.limits.Limits`).
    """
    folder = Path(settings.VO_FOLDER)
    with _lock:
        if folder not in _services:
            _services[folder] = TapService(folder, Limits(**getattr(settings, "VO_LIMITS", {})))
        return _services[folder]


def close() -> None:
    """Stops the services of this process; their jobs continue at the next start."""
    with _lock:
        for running in _services.values():
            running.close()
        _services.clear()


atexit.register(close)
