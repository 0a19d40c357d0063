"""Memory, processor and disk that this server uses, for JupyterLab's status bar."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import psutil

from km3lab.memory_use import memory_use

if TYPE_CHECKING:
    from km3lab.fullness import Fullness
    from km3lab.memory import ControlGroup
    from km3lab.surroundings import Surroundings

__all__ = ["INTERVAL", "ServerUse"]

#: Seconds for which a measurement is reused: open tabs share it.
INTERVAL = 4.0


class ServerUse:
    """Measures at most every few seconds, however many tabs ask.

    Parameters
    ----------
    around
        The server's surroundings.
    group
        The control group that limits its memory.
    fullness
        What the hub says about the home.
    """

    def __init__(
        self, around: Surroundings, group: ControlGroup | None, fullness: Fullness
    ) -> None:
        self._around = around
        self._group = group
        self._fullness = fullness
        self._lock = asyncio.Lock()
        self._last: dict[str, Any] = {}
        self._measured = 0.0
        self._spent: dict[tuple[int, float], float] = {}

    async def now(self) -> dict[str, Any]:
        """Returns `memory`, `cpu` and `disk`.

        `memory` has `used` and `limit` in bytes. `cpu` has `used`, the number of cores in use since
        the measurement before (None: this is the first), and `limit` in cores. `disk` has `used`
        and `limit` in bytes where the home has a quota, else `free` in bytes. A limit that does
        not exist and a value that is unknown are None.
        """
        async with self._lock:
            if not self._last or time.monotonic() - self._measured >= INTERVAL:
                # Looking through the processes of a busy machine takes a while.
                self._last = await asyncio.to_thread(self._measure)
        return self._last

    def _measure(self) -> dict[str, Any]:
        used, limit = memory_use(self._group)
        return {
            "memory": {"used": used, "limit": limit or self._around.memory_limit},
            "cpu": {"used": self._cores(), "limit": self._around.cpu_limit or os.cpu_count()},
            "disk": self._disk(),
        }

    def _cores(self) -> float | None:
        """Returns the cores in use since the last call; processes that ended meanwhile are lost."""
        before, self._spent = self._spent, {}
        since, self._measured = self._measured, time.monotonic()
        for process in self._processes():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                self._spent[process.pid, process.create_time()] = times.user + times.system
        if not before:
            return None
        spent = sum(value - before.get(key, 0.0) for key, value in self._spent.items())
        return round(max(0.0, spent) / max(self._measured - since, 0.1), 2)

    def _processes(self) -> Iterator[psutil.Process]:
        if self._around.container:
            # Whatever runs in the container belongs to this server.
            yield from psutil.process_iter()
            return
        own = psutil.Process()
        yield own
        yield from own.children(recursive=True)

    def _disk(self) -> dict[str, int | None]:
        if "home" in self._fullness.uses:
            used, limit = self._fullness.uses["home"]
            return {"used": used, "limit": limit, "free": max(0, limit - used)}
        try:
            disk = os.statvfs(self._around.home)
        except OSError:
            return {"used": None, "limit": None, "free": None}
        return {"used": None, "limit": None, "free": disk.f_bavail * disk.f_frsize}
