"""The machines of a swarm: which of them accept servers, and where each user's home is.

A home is a volume of one machine, and its user's servers always start there: nobody's files are
moved, and no file server has to be kept. Which home is where stands in one file of the state
folder, which the hub writes when it first starts a server for somebody, and `km3hub hosts` when an
administrator changes something.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

__all__ = ["HOST_LABEL", "Host", "HostsFile", "NoHost", "known_hosts", "pick"]

#: On nodes: the machine's name, which stays when it joins the swarm anew. On services: where they
#: run.
HOST_LABEL = "org.km3net.host"
_LOCK_SECONDS = 10


class NoHost(Exception):
    """No machine can start this user's server; the message is for the user."""


@dataclass(frozen=True)
class Host:
    """A machine, according to the swarm."""

    name: str
    node: str
    """The node's identifier in the swarm."""
    memory: int
    """Bytes of memory."""
    answers: bool
    active: bool
    """Whether the swarm may start containers on it; not where it is drained."""


def known_hosts(nodes: Iterable[Mapping[str, Any]]) -> dict[str, Host]:
    """Returns the machines for users' servers, by name, from the swarm's list of nodes."""
    found = {}
    for node in nodes:
        name = (node["Spec"].get("Labels") or {}).get(HOST_LABEL)
        if not name:
            continue
        host = Host(
            name=name,
            node=node["ID"],
            memory=node["Description"]["Resources"]["MemoryBytes"],
            answers=node["Status"]["State"] == "ready",
            active=node["Spec"]["Availability"] == "active",
        )
        # A machine that joined anew is there twice until its old node is removed.
        if name not in found or host.answers:
            found[name] = host
    return found


@dataclass(frozen=True)
class _Content:
    homes: dict[str, str] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)


class HostsFile:
    """The file with the machine of each home and the closed machines.

    The file is replaced as a whole, so that a reader sees the old or the new one; writers take a
    lock beside it.

    Parameters
    ----------
    path
        The file; one that is not there means: no homes yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def homes(self) -> dict[str, str]:
        """The machine of each user's home."""
        return self._read().homes

    @property
    def closed(self) -> frozenset[str]:
        """The machines that are closed to new servers."""
        return frozenset(self._read().closed)

    def place(self, homes: Mapping[str, str]) -> dict[str, str]:
        """Record the machines of homes; existing records are kept.

        Returns
        -------
        dict
            Where these users' homes are now.
        """
        with self._lock():
            content = self._read()
            placed = dict(homes) | content.homes
            if placed != content.homes:
                self._write(_Content(placed, content.closed))
        return {user: placed[user] for user in homes}

    def close(self, host: str) -> None:
        """Close this machine to new servers."""
        with self._lock():
            content = self._read()
            self._write(_Content(content.homes, sorted({*content.closed, host})))

    def open(self, host: str) -> None:
        """Open this machine to new servers."""
        with self._lock():
            content = self._read()
            self._write(_Content(content.homes, [c for c in content.closed if c != host]))

    def forget(self, host: str) -> list[str]:
        """Remove the records of this machine; its users get new homes elsewhere.

        Returns
        -------
        list
            Whose homes were there.
        """
        with self._lock():
            content = self._read()
            left = {user: where for user, where in content.homes.items() if where != host}
            self._write(_Content(left, [c for c in content.closed if c != host]))
        return sorted(content.homes.keys() - left.keys())

    def forget_user(self, user: str) -> None:
        """Remove the record of a user's home, which was erased."""
        if user not in self.homes:
            return
        with self._lock():
            content = self._read()
            left = {name: where for name, where in content.homes.items() if name != user}
            self._write(_Content(left, content.closed))

    def _lock(self) -> FileLock:
        return FileLock(self.path.with_suffix(".lock"), timeout=_LOCK_SECONDS)

    def _read(self) -> _Content:
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return _Content()
        return _Content(**json.loads(text))

    def _write(self, content: _Content) -> None:
        text = json.dumps({"homes": content.homes, "closed": content.closed}, indent=1)
        descriptor, draft = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(draft, self.path)


def pick(
    user: str, hosts: Mapping[str, Host], file: HostsFile, used: Mapping[str, int], contact: str
) -> Host:
    """Returns the machine for this user's server: the home's, else the one with most free memory.

    Parameters
    ----------
    user
        Whose server it is.
    hosts
        The machines of the swarm.
    file
        Where the homes are; a new home is noted in it.
    used
        For each machine the bytes of memory that its users' servers may take.
    contact
        Whom a user should ask.

    Raises
    ------
    NoHost
        Where no machine can start it now.
    """
    name = file.homes.get(user)
    if name is None:
        closed = file.closed
        free = [h for h in hosts.values() if h.answers and h.active and h.name not in closed]
        if not free:
            raise NoHost(
                "No machine of this site accepts new users now. Please try again later; if it still"
                f" fails, tell {contact}."
            )
        emptiest = max(free, key=lambda host: (host.memory - used.get(host.name, 0), host.name))
        name = file.place({user: emptiest.name})[user]
    host = hosts.get(name)
    if host is None or not host.answers:
        raise NoHost(
            f"Your files are on the machine {name}, which does not answer. They are safe; your"
            f" server can start when the machine is back. Please tell {contact}."
        )
    if name in file.closed or not host.active:
        raise NoHost(
            f"Your files are on the machine {name}, which is being serviced. They are safe; please"
            " start your server again later."
        )
    return host
