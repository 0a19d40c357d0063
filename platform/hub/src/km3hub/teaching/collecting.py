"""Files that teachers collect from all participants."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import PurePosixPath

from km3hub.teaching.blobs import Blob
from km3hub.teaching.store import Store

__all__ = ["TROUBLES", "Collected", "Collecting", "Collection", "CollectionError", "home_path"]

#: What may be collected: the folders of the home that belong to a workshop.
FOLDERS = ("workshop", "tutorials")
#: Seconds in which servers that start later still hand in their file.
OPEN = 12 * 3600.0
#: Why a participant's server sent no file: its own word, and the one for people.
TROUBLES = {
    "missing": "there is no such file",
    "large": "it is too large",
    "other": "it is not an ordinary file",
    "unreadable": "it cannot be read",
}
_LONGEST_PATH = 300


class CollectionError(ValueError):
    """Something that cannot be collected; the message says why."""


@dataclass(frozen=True)
class Collection:
    """A request of a teacher for a file of everybody."""

    id: int
    path: str
    """Below the home."""
    sender: str
    asked: float
    """Seconds since 1970."""

    @property
    def is_open(self) -> bool:
        """Whether files are still taken."""
        return time.time() - self.asked < OPEN


@dataclass(frozen=True)
class Collected:
    """The file of one participant, or why there is none."""

    user: str
    at: float
    """Seconds since 1970."""
    sha256: str | None
    bytes: int | None
    trouble: str | None
    """A key of `TROUBLES`."""


def home_path(text: str) -> str:
    """Returns the path of a file below the home that teachers may collect.

    Raises
    ------
    CollectionError
        For any other path.
    """
    path = PurePosixPath(text.strip().removeprefix("~/"))
    allowed = " or ".join(f"{folder}/" for folder in FOLDERS)
    wrong = (
        path.is_absolute()
        or len(path.parts) < 2
        or path.parts[0] not in FOLDERS
        or any(part.startswith(".") for part in path.parts)
        or "\\" in text
        or not str(path).isprintable()
        or len(str(path)) > _LONGEST_PATH
    )
    if wrong:
        raise CollectionError(
            f"Write the path of a file below {allowed}, for example tutorials/01-events.ipynb."
            " Hidden files and other folders cannot be collected."
        )
    return str(path)


class Collecting:
    """The collections of all workshops.

    Parameters
    ----------
    store
        The database; its errors are raised by every method.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def ask(self, workshop: str, sender: str, path: str) -> int:
        """Begin to collect a file; return the number of the collection.

        Raises
        ------
        CollectionError
            Where it may not be collected.
        """
        path = home_path(path)
        with self._store.transaction() as database:
            row = database.execute(
                "INSERT INTO collection (workshop, path, sender, asked) VALUES (?, ?, ?, ?)",
                (workshop, path, sender, time.time()),
            )
            return int(row.lastrowid or 0)

    def all(self, workshop: str) -> list[Collection]:
        """Returns the collections of a workshop, the newest first."""
        with self._store.transaction() as database:
            rows = database.execute(
                "SELECT id, path, sender, asked FROM collection WHERE workshop = ?"
                " ORDER BY id DESC",
                (workshop,),
            ).fetchall()
        return [Collection(**row) for row in rows]

    def get(self, workshop: str, number: int) -> Collection | None:
        """Returns one collection of a workshop."""
        return next((one for one in self.all(workshop) if one.id == number), None)

    def delete(self, workshop: str, number: int) -> bool:
        """Delete a collection and what was collected; return whether there was one."""
        with self._store.transaction() as database:
            found = database.execute(
                "DELETE FROM collection WHERE workshop = ? AND id = ?", (workshop, number)
            )
            return found.rowcount > 0

    def due(self, workshop: str, user: str) -> list[Collection]:
        """Returns the open collections that a participant's server has not answered."""
        with self._store.transaction() as database:
            answered = {
                row["collection"]
                for row in database.execute(
                    "SELECT collection FROM collected WHERE user = ?", (user,)
                )
            }
        return [c for c in self.all(workshop) if c.is_open and c.id not in answered]

    def answer(self, collection: int, user: str, answer: Blob | str) -> None:
        """Keep the file of a participant, or the key of `TROUBLES` that says why there is none."""
        blob = answer if isinstance(answer, Blob) else None
        trouble = None if isinstance(answer, Blob) else answer
        with self._store.transaction() as database:
            database.execute(
                "INSERT OR IGNORE INTO collected (collection, user, at, sha256, bytes, trouble)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    collection,
                    user,
                    time.time(),
                    blob.sha256 if blob else None,
                    blob.bytes if blob else None,
                    trouble,
                ),
            )

    def answers(self, collection: int) -> list[Collected]:
        """Returns what was collected, by user name."""
        with self._store.transaction() as database:
            rows = database.execute(
                "SELECT user, at, sha256, bytes, trouble FROM collected WHERE collection = ?"
                " ORDER BY user",
                (collection,),
            ).fetchall()
        return [Collected(**row) for row in rows]

    def of(self, workshop: str, user: str) -> list[tuple[Collection, Collected]]:
        """Returns what was collected from one participant, the newest first."""
        return [
            (collection, answer)
            for collection in self.all(workshop)
            for answer in self.answers(collection.id)
            if answer.user == user
        ]
