"""The banner of `platform.yaml`, updated while the hub is running."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from km3settings.settings import SettingsError, load
from km3settings.site import Banner

__all__ = ["BannerFile"]

log = logging.getLogger("jupyterhub.km3hub.banner")

#: Changes whenever a file is replaced or rewritten.
_Signature = tuple[int, int, int]


class BannerFile:
    """The current banner of the settings file; an invalid file leaves the last valid one.

    Parameters
    ----------
    path
        The settings file; `None`: the banner stays as it is.
    banner
        What was read when the hub started.
    every
        The minimum number of seconds between two checks of the file.
    clock
        A monotonic clock, in seconds.
    """

    def __init__(
        self,
        path: Path | None,
        banner: Banner,
        *,
        every: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._banner = banner
        self._every = every
        self._clock = clock
        # The hub has just read this file; but it may have changed since then, so read it again.
        self._seen: _Signature | None = None
        self._next_look = clock()

    def current(self) -> Banner:
        """Returns the current banner."""
        if self._path is not None and self._clock() >= self._next_look:
            self._next_look = self._clock() + self._every
            self._look(self._path)
        return self._banner

    def _look(self, path: Path) -> None:
        try:
            status = os.stat(path)
            signature = (status.st_mtime_ns, status.st_size, status.st_ino)
        except OSError:
            signature = (0, 0, 0)
        if signature == self._seen:
            return
        self._seen = signature
        try:
            self._banner = load(path).site.banner
        except SettingsError as error:
            log.error("The banner was not changed: %s", error)
