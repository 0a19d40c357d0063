"""The teachers' desk: what the pages and the servers of participants share in the hub's process."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from km3hub.teaching.blobs import Blobs
from km3hub.teaching.collecting import Collecting
from km3hub.teaching.helping import Help
from km3hub.teaching.material import Material
from km3hub.teaching.messages import Messages
from km3hub.teaching.progress import Progress
from km3hub.teaching.store import Store

__all__ = ["Bell", "Desk", "Memory", "of_user"]


@dataclass(frozen=True)
class Memory:
    """What a participant's server reported about its memory. The participant can forge it."""

    used: int
    """Bytes."""
    limit: int | None
    """Bytes; None: no limit."""
    at: float
    """Seconds since 1970."""


def of_user(name: str) -> str:
    """Returns the bell of one participant. No workshop's name contains a space."""
    return f"user {name}"


class Bell:
    """Wakes the requests of participants' servers that wait for news of a workshop or user."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    def ring(self, name: str) -> None:
        """Wake everybody who waits for news of a workshop, or of a user (`of_user`)."""
        for event in self._waiting.get(name, ()):
            event.set()

    @contextlib.contextmanager
    def listening(self, names: list[str]) -> Iterator[asyncio.Event]:
        """Give an event that is set by every ring for these workshops or users.

        Listen first and look for news afterwards: what happens in between is not missed.
        """
        event = asyncio.Event()
        for name in names:
            self._waiting.setdefault(name, set()).add(event)
        try:
            yield event
        finally:
            for name in names:
                self._waiting[name].discard(event)
                if not self._waiting[name]:
                    del self._waiting[name]


@dataclass
class Desk:
    """Everything of all workshops.

    Parameters
    ----------
    database
        The SQLite file.
    files
        The folder of published and collected files.
    """

    database: Path
    files: Path
    bell: Bell = field(default_factory=Bell)
    memory: dict[str, Memory] = field(default_factory=dict)
    """By user name. In memory only: every server reports again within a minute."""

    def __post_init__(self) -> None:
        self.store = Store(self.database)
        self.blobs = Blobs(self.files)
        self.messages = Messages(self.store)
        self.material = Material(self.store, self.blobs)
        self.collecting = Collecting(self.store)
        self.progress = Progress(self.store)
        self.help = Help(self.store)

    def delete_unused_files(self) -> None:
        """Delete the contents that no published or collected file has any longer."""
        with self.store.transaction() as database:
            rows = database.execute(
                "SELECT sha256 FROM file UNION"
                " SELECT sha256 FROM collected WHERE sha256 IS NOT NULL"
            ).fetchall()
        self.blobs.delete_others({row["sha256"] for row in rows})

    def forget_workshop(self, workshop: str) -> None:
        """Delete everything about a workshop that has ended."""
        with self.store.transaction() as database:
            for table in ("message", "file", "collection", "progress_request", "progress", "help"):
                database.execute(f"DELETE FROM {table} WHERE workshop = ?", (workshop,))  # noqa: S608
        self.delete_unused_files()

    def remember(self, user: str, used: int, limit: int | None) -> None:
        """Keep what a server reported about its memory."""
        self.memory[user] = Memory(used, limit, time.time())
