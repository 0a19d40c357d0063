"""The processes of one state folder: hub, proxy, portal and users' servers of embedded mode."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

__all__ = ["BEHIND", "ROLES", "end", "listening", "of"]

#: What `KM3_ROLE` says in the environment of each process of a platform.
ROLES = ("hub", "opendata", "server")
#: The same of what works for a platform without being a part of it.
BEHIND = ("install",)
#: Seconds that processes get to end by themselves.
STOP_LIMIT = 20


def of(state: Path, *roles: str) -> Iterator[psutil.Process]:
    """The processes of some of `ROLES`, of this state folder; the proxy is a part of `hub`."""
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            continue
        if environment.get("KM3_STATE") == str(state) and environment.get("KM3_ROLE") in roles:
            yield process


def listening(processes: Iterator[psutil.Process]) -> set[int]:
    """The ports that these processes listen on."""
    ports = set()
    for process in processes:
        try:
            connections = process.net_connections(kind="tcp")
        except (psutil.Error, OSError):
            continue
        ports |= {c.laddr.port for c in connections if c.status == psutil.CONN_LISTEN}
    return ports


def end(processes: list[psutil.Process]) -> None:
    """Ask processes to end, and end those that do not."""
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
