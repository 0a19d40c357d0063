"""The database of everything that teachers and participants exchange.

An SQLite file in the state folder, with its own schema. Published and collected files are beside
it, named by their SHA-256.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Store", "TeachingError"]

#: Each entry upgrades the schema by one version; entries are only added.
SCHEMA = (
    """
    CREATE TABLE message (
      id INTEGER PRIMARY KEY AUTOINCREMENT, workshop TEXT NOT NULL, sender TEXT NOT NULL,
      recipient TEXT, text TEXT NOT NULL, sent REAL NOT NULL
    );
    CREATE INDEX message_workshop ON message (workshop);
    CREATE TABLE message_read (
      message INTEGER NOT NULL REFERENCES message ON DELETE CASCADE, user TEXT NOT NULL,
      PRIMARY KEY (message, user)
    ) WITHOUT ROWID;
    CREATE TABLE file (
      id INTEGER PRIMARY KEY AUTOINCREMENT, workshop TEXT NOT NULL, name TEXT NOT NULL,
      sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, read_only INTEGER NOT NULL,
      sender TEXT NOT NULL, published REAL NOT NULL
    );
    CREATE UNIQUE INDEX file_name ON file (workshop, name);
    CREATE TABLE file_arrived (
      file INTEGER NOT NULL REFERENCES file ON DELETE CASCADE, user TEXT NOT NULL,
      place TEXT NOT NULL, PRIMARY KEY (file, user)
    ) WITHOUT ROWID;
    CREATE TABLE collection (
      id INTEGER PRIMARY KEY AUTOINCREMENT, workshop TEXT NOT NULL, path TEXT NOT NULL,
      sender TEXT NOT NULL, asked REAL NOT NULL, closed REAL
    );
    CREATE INDEX collection_workshop ON collection (workshop);
    CREATE TABLE collected (
      collection INTEGER NOT NULL REFERENCES collection ON DELETE CASCADE, user TEXT NOT NULL,
      at REAL NOT NULL, sha256 TEXT, bytes INTEGER, trouble TEXT,
      PRIMARY KEY (collection, user)
    ) WITHOUT ROWID;
    -- A row: the teachers have asked the participants to show their progress.
    CREATE TABLE progress_request (workshop TEXT PRIMARY KEY, asked REAL NOT NULL) WITHOUT ROWID;
    CREATE TABLE progress (
      workshop TEXT NOT NULL, user TEXT NOT NULL, agreed INTEGER NOT NULL, path TEXT,
      cell INTEGER, at REAL, PRIMARY KEY (workshop, user)
    ) WITHOUT ROWID;
    CREATE TABLE help (
      workshop TEXT NOT NULL, user TEXT NOT NULL, asked REAL NOT NULL, invited_until REAL,
      PRIMARY KEY (workshop, user)
    ) WITHOUT ROWID;
    """,
)
#: Seconds to wait for another program that is writing.
_LOCK_SECONDS = 5
#: Columns with the name of a person, for export and erasure.
_PERSONAL = (
    ("message", "recipient"),
    ("message_read", "user"),
    ("file_arrived", "user"),
    ("collected", "user"),
    ("progress", "user"),
    ("help", "user"),
)
#: Tables with the name of a teacher.
_SENT = ("message", "file", "collection")


class TeachingError(Exception):
    """The database or a file cannot be used; the message says why."""


class Store:
    """The database in one file; opened at first use, mode 0600.

    Parameters
    ----------
    path
        The SQLite file.

    Raises
    ------
    TeachingError
        By every method, where the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: sqlite3.Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction, which is rolled back by an exception."""
        try:
            with self._connection() as database:
                yield database
        except (sqlite3.Error, OSError) as error:
            raise TeachingError(f"{self.path}: cannot be used: {error}") from error

    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            self.path.touch(mode=0o600)
            database = sqlite3.connect(self.path, timeout=_LOCK_SECONDS)
            database.row_factory = sqlite3.Row
            database.execute("PRAGMA foreign_keys = ON")
            _upgrade(database)
            self._open = database
        return self._open

    def close(self) -> None:
        """Close the file."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def entries(self, user: str) -> dict[str, list[dict[str, object]]]:
        """Returns everything about a person, by table, for the export of personal data."""
        with self.transaction() as database:
            found: dict[str, list[dict[str, object]]] = {}
            for table, column in (*_PERSONAL, *((table, "sender") for table in _SENT)):
                rows = database.execute(
                    f"SELECT * FROM {table} WHERE {column} = ?",  # noqa: S608 -- own names
                    (user,),
                ).fetchall()
                if rows:
                    found.setdefault(table, []).extend(dict(row) for row in rows)
            return found

    def erase(self, user: str) -> None:
        """Delete everything about a person; what a teacher sent stays without the name."""
        with self.transaction() as database:
            for table, column in _PERSONAL:
                database.execute(f"DELETE FROM {table} WHERE {column} = ?", (user,))  # noqa: S608
            for table in _SENT:
                database.execute(
                    f"UPDATE {table} SET sender = 'a former teacher' WHERE sender = ?",  # noqa: S608
                    (user,),
                )


def _upgrade(database: sqlite3.Connection) -> None:
    # Another program may be upgrading it. An interrupted upgrade leaves the old schema.
    if _version(database) == len(SCHEMA):
        return
    database.execute("BEGIN IMMEDIATE")
    with database:
        version = _version(database)
        if version > len(SCHEMA):
            raise sqlite3.DatabaseError("it was written by a later version of the platform")
        for statements in SCHEMA[version:]:
            for statement in statements.split(";"):
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {len(SCHEMA)}")


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])
