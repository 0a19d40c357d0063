"""Processor time of running servers: of process trees (embedded) or from the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psutil

__all__ = ["Measure", "container_seconds", "measure_of", "process_seconds"]

#: Returns what identifies this run of a server, and its processor time in seconds until now; None
#: where it cannot be measured now.
Measure = Callable[[Any], Awaitable[tuple[str, float] | None]]


def measure_of(mode: str, kind: str) -> Measure:
    """Returns how servers are measured in a mode (`embedded`, `docker`) and kind of spawner."""
    if mode == "embedded":
        return _process
    # The engine of the hub's machine knows nothing of containers on other machines of a swarm.
    return _unknown if kind == "swarm" else _container


async def _unknown(spawner: Any) -> tuple[str, float]:
    # The start identifies the run, and only its duration is counted.
    return f"start {spawner.orm_spawner.started}", 0.0


async def _process(spawner: Any) -> tuple[str, float] | None:
    return await asyncio.to_thread(process_seconds, int(spawner.pid))


def process_seconds(pid: int) -> tuple[str, float] | None:
    """Returns the identity of a process and the processor time of it and all its descendants.

    Time of children that have ended is included: the kernel adds it to their parent's.
    """
    try:
        root = psutil.Process(pid)
        identity = f"{pid} {root.create_time():.2f}"
        family = [root, *root.children(recursive=True)]
    except psutil.Error:
        return None
    seconds = 0.0
    for process in family:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue  # it has just ended
        seconds += times.user + times.system + times.children_user + times.children_system
    return identity, seconds


async def _container(spawner: Any) -> tuple[str, float] | None:
    stats = await spawner.docker("stats", spawner.object_name, stream=False, one_shot=True)
    return container_seconds(stats)


def container_seconds(stats: dict[str, Any]) -> tuple[str, float] | None:
    """Returns a container's id and its processor time, from the engine's answer to `stats`."""
    nanoseconds = stats.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage")
    if not stats.get("id") or not nanoseconds:
        return None  # it has just ended
    return str(stats["id"]), nanoseconds / 1e9
