"""How many queries run at the same time, over all and for one client."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from adqlite.errors import Busy

_WAITING = 16  # requests of one client that may wait


class Gate:
    """Limits how many queries run at the same time.

    A client may fill only half of the places, so that another one always finds a place.

    Parameters
    ----------
    width : int
        Number of places.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._share = max(1, width // 2)
        self._changed = threading.Condition()
        self._running: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()

    @contextmanager
    def __call__(self, seconds: float, client: str = "") -> Iterator[None]:
        """Waits for a free place, for at most `seconds`.

        Raises
        ------
        Busy
            No place became free, or too many requests of this client are waiting.
        """
        self._enter(seconds, client)
        try:
            yield
        finally:
            with self._changed:
                self._running[client] -= 1
                self._running += Counter()  # drops clients without queries
                self._changed.notify_all()

    def _enter(self, seconds: float, client: str) -> None:
        with self._changed:
            if self._waiting[client] >= _WAITING:
                raise Busy(
                    f"{_WAITING} of your queries are waiting already; send fewer at the same time, "
                    "or run jobs"
                )
            self._waiting[client] += 1
            try:
                if not self._changed.wait_for(lambda: self._is_free(client), seconds):
                    raise Busy("too many queries are running; try again in a minute, or run a job")
                self._running[client] += 1
            finally:
                self._waiting[client] -= 1
                self._waiting += Counter()

    def _is_free(self, client: str) -> bool:
        return self._running.total() < self._width and self._running[client] < self._share
