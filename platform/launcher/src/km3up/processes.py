"""The processes of one state folder: hub, proxy, portal and users' servers of embedded mode."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from km3settings.state import State

__all__ = ["BEHIND", "ROLES", "end", "listening", "of"]

#: The values of `KM3_ROLE` in the environment of a platform's processes.
ROLES = ("hub", "opendata", "server")
#: Background work for a platform, which is not a part of it.
BEHIND = ("install",)
#: Seconds that processes have to end by themselves.
STOP_LIMIT = 20


def of(state: Path, *roles: str) -> Iterator[psutil.Process]:
    """Returns this state folder's processes with these `ROLES`; the proxy belongs to `hub`."""
    mark = State(state).mark
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            continue
        # Servers have the mark; those that earlier versions started, and all others, the path.
        ours = environment.get("KM3_STATE") == str(state) or environment.get("KM3_PLATFORM") == mark
        if ours and environment.get("KM3_ROLE") in roles:
            yield process


def listening(processes: Iterator[psutil.Process]) -> set[int]:
    """Returns the ports that these processes listen on."""
    ports = set()
    for process in processes:
        try:
            connections = process.net_connections(kind="tcp")
        except (psutil.Error, OSError):
            continue
        ports |= {c.laddr.port for c in connections if c.status == psutil.CONN_LISTEN}
    return ports


def end(processes: list[psutil.Process]) -> None:
    """Terminate processes, and kill those that do not end."""
    for process in processes:
        try:
            process.terminate()
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs(processes, timeout=STOP_LIMIT)
    for process in alive:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(alive, timeout=5)
