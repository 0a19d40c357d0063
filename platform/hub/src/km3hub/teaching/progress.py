"""Which notebook and cell participants have reached, as far as they agree to show it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from km3hub.teaching.collecting import FOLDERS
from km3hub.teaching.store import Store

__all__ = ["Answer", "Place", "Progress"]

Answer = Literal["not-asked", "asked", "agreed", "declined"]
_LONGEST_PATH = 300


@dataclass(frozen=True)
class Place:
    """What a participant has reached."""

    path: str
    """Of the notebook, below the home."""
    cell: int | None
    """Its position in the notebook, from 1; None: not known."""
    at: float
    """Seconds since 1970."""


class Progress:
    """The progress of all workshops.

    Nothing is kept of a participant who has not agreed, whatever their server sends.

    Parameters
    ----------
    store
        The database; its errors are raised by every method.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def ask(self, workshop: str, *, wanted: bool) -> None:
        """Ask the participants to show their progress, or stop it and delete what is known."""
        with self._store.transaction() as database:
            if wanted:
                database.execute(
                    "INSERT OR IGNORE INTO progress_request VALUES (?, ?)", (workshop, time.time())
                )
            else:
                database.execute("DELETE FROM progress_request WHERE workshop = ?", (workshop,))
                database.execute("DELETE FROM progress WHERE workshop = ?", (workshop,))

    def wanted(self, workshop: str) -> bool:
        """Returns whether the teachers of a workshop have asked."""
        with self._store.transaction() as database:
            found = database.execute(
                "SELECT 1 FROM progress_request WHERE workshop = ?", (workshop,)
            ).fetchone()
        return found is not None

    def answer(self, workshop: str, user: str, *, agreed: bool) -> None:
        """Keep the answer of a participant; with a refusal, delete what is known."""
        if not self.wanted(workshop):
            return
        with self._store.transaction() as database:
            database.execute(
                "INSERT INTO progress (workshop, user, agreed) VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET agreed = excluded.agreed, path = NULL, cell = NULL,"
                " at = NULL",
                (workshop, user, agreed),
            )

    def answer_of(self, workshop: str, user: str) -> Answer:
        """Returns whether a participant was asked, and what the answer was."""
        if not self.wanted(workshop):
            return "not-asked"
        with self._store.transaction() as database:
            row = database.execute(
                "SELECT agreed FROM progress WHERE workshop = ? AND user = ?", (workshop, user)
            ).fetchone()
        if row is None:
            return "asked"
        return "agreed" if row["agreed"] else "declined"

    def report(self, workshop: str, user: str, path: str, cell: int | None) -> None:
        """Keep what a participant has reached; ignored without their agreement."""
        parts = PurePosixPath(path).parts
        if len(path) > _LONGEST_PATH or not parts or parts[0] not in FOLDERS or ".." in parts:
            return
        with self._store.transaction() as database:
            database.execute(
                "UPDATE progress SET path = ?, cell = ?, at = ?"
                " WHERE workshop = ? AND user = ? AND agreed = 1",
                (path, cell, time.time(), workshop, user),
            )

    def places(self, workshop: str) -> dict[str, Place]:
        """Returns what is known, by user name."""
        with self._store.transaction() as database:
            rows = database.execute(
                "SELECT user, path, cell, at FROM progress"
                " WHERE workshop = ? AND agreed = 1 AND path IS NOT NULL",
                (workshop,),
            ).fetchall()
        return {row["user"]: Place(row["path"], row["cell"], row["at"]) for row in rows}
