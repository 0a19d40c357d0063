"""Files that teachers publish to all participants."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import PurePosixPath

from km3hub.teaching.blobs import LARGEST, Blobs
from km3hub.teaching.store import Store

__all__ = ["Material", "MaterialError", "Published", "file_name"]

#: Files of one workshop, and bytes of a name.
_MOST, _LONGEST_NAME = 100, 150


class MaterialError(ValueError):
    """A file that cannot be published; the message says why."""


@dataclass(frozen=True)
class Published:
    """A published file."""

    id: int
    name: str
    sha256: str
    bytes: int
    read_only: bool
    sender: str
    published: float
    """Seconds since 1970."""
    arrived: int = 0
    """At how many participants."""


def file_name(text: str) -> str:
    """Returns the name of an uploaded file.

    Raises
    ------
    MaterialError
        For names that are not those of a visible file of a folder.
    """
    # Some browsers send the whole path of the file.
    name = PurePosixPath(text.replace("\\", "/")).name
    if not name or not name.isprintable() or name != name.strip(" ."):
        raise MaterialError("Choose a file whose name does not begin or end with a dot or a space.")
    if len(name.encode()) > _LONGEST_NAME:
        raise MaterialError(f"The name of the file is too long (more than {_LONGEST_NAME} bytes).")
    return name


class Material:
    """The published files of all workshops.

    Parameters
    ----------
    store, blobs
        Where they are; the errors of both are raised by every method.
    """

    def __init__(self, store: Store, blobs: Blobs) -> None:
        self._store = store
        self._blobs = blobs

    def publish(
        self, workshop: str, sender: str, name: str, content: bytes, *, read_only: bool
    ) -> None:
        """Publish a file; a new version replaces one of the same name.

        Raises
        ------
        MaterialError
            Where it cannot be published.
        """
        name = file_name(name)
        if len(content) > LARGEST:
            raise MaterialError(f"{name} is larger than {LARGEST >> 20} MB, the largest size.")
        if len({*(one.name for one in self.published(workshop)), name}) > _MOST:
            raise MaterialError(f"A workshop has at most {_MOST} published files. Withdraw some.")
        blob = self._blobs.add(content)
        with self._store.transaction() as database:
            database.execute("DELETE FROM file WHERE workshop = ? AND name = ?", (workshop, name))
            database.execute(
                "INSERT INTO file (workshop, name, sha256, bytes, read_only, sender, published)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (workshop, name, blob.sha256, blob.bytes, read_only, sender, time.time()),
            )

    def withdraw(self, workshop: str, number: int) -> bool:
        """Publish a file no longer; return whether it was. Copies that have arrived stay."""
        with self._store.transaction() as database:
            found = database.execute(
                "DELETE FROM file WHERE workshop = ? AND id = ?", (workshop, number)
            )
            return found.rowcount > 0

    def published(self, workshop: str) -> list[Published]:
        """Returns the files of a workshop, the newest first."""
        with self._store.transaction() as database:
            rows = database.execute(
                "SELECT id, name, sha256, bytes, read_only, sender, published,"
                " (SELECT count(*) FROM file_arrived WHERE file = id) AS arrived"
                " FROM file WHERE workshop = ? ORDER BY id DESC",
                (workshop,),
            ).fetchall()
        return [Published(**{**dict(row), "read_only": bool(row["read_only"])}) for row in rows]

    def missing(self, workshop: str, user: str) -> list[Published]:
        """Returns the files that have not arrived at a participant, the oldest first."""
        with self._store.transaction() as database:
            arrived = {
                row["file"]
                for row in database.execute("SELECT file FROM file_arrived WHERE user = ?", (user,))
            }
        return [one for one in reversed(self.published(workshop)) if one.id not in arrived]

    def arrived(self, workshop: str, user: str, number: int, place: str) -> None:
        """Note that a file has arrived at a participant, as the participant's server reports."""
        with self._store.transaction() as database:
            database.execute(
                "INSERT OR IGNORE INTO file_arrived (file, user, place)"
                " SELECT id, ?, ? FROM file WHERE workshop = ? AND id = ?",
                (user, place[:300], workshop, number),
            )
