"""The SQLite file with the jobs of all processes that share a folder."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, phase TEXT NOT NULL, run_id TEXT, parameters TEXT NOT NULL,
    created REAL NOT NULL, started REAL, ended REAL, destruction REAL NOT NULL,
    duration INTEGER NOT NULL, error TEXT, mime TEXT, worker TEXT, changed INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_by_phase ON jobs (phase, created);
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL);
"""
#: Columns that came after the first release, which existing files get.
_LATER = {
    "client": "TEXT NOT NULL DEFAULT ''",
    "bytes": "INTEGER NOT NULL DEFAULT 0",
    "attempts": "INTEGER NOT NULL DEFAULT 0",
}


class JobDatabase:
    """The database, open while this object lives.

    One connection stays open without being used. While it does, the files that SQLite needs beside
    the database exist, so that jobs can be read on a disk that has become full.

    Parameters
    ----------
    path : pathlib.Path

    Raises
    ------
    sqlite3.Error
        It cannot be opened, for example because the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._anchor = self._connect(check_same_thread=False)
        self._lock = threading.Lock()
        try:
            self._prepare(self._anchor)
        except BaseException:
            self._anchor.close()
            raise

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        names = {row["name"] for row in connection.execute("PRAGMA table_info(jobs)")}
        if not {"id", *_LATER} <= names:
            connection.executescript(_SCHEMA)
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                names = {row["name"] for row in connection.execute("PRAGMA table_info(jobs)")}
                for name in _LATER.keys() - names:
                    connection.execute(f"ALTER TABLE jobs ADD COLUMN {name} {_LATER[name]}")
                connection.execute(
                    "CREATE INDEX IF NOT EXISTS jobs_by_client ON jobs (client, phase, started)"
                )
                connection.execute(
                    "INSERT OR IGNORE INTO secrets VALUES ('client', ?)", (secrets.token_bytes(32),)
                )
        row = connection.execute("SELECT value FROM secrets WHERE name = 'client'").fetchone()
        self._key = bytes(row["value"])

    def client_hash(self, client: str) -> str:
        """Returns what is stored of a client: a keyed hash, since addresses are personal data."""
        return hashlib.blake2b(client.encode(), key=self._key, digest_size=16).hexdigest()

    @contextmanager
    def __call__(self) -> Iterator[sqlite3.Connection]:
        """Yields a connection with a transaction."""
        connection = self._connect()
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def update(
        self, job_id: str, values: Mapping[str, Any], only: tuple[str, ...] | None = None
    ) -> bool:
        """Changes a job if its phase is one of `only`; column names come from this package."""
        sets = ", ".join(f"{name} = ?" for name in values)
        marks = ", ".join("?" for _ in only or ())
        where = f" AND phase IN ({marks})" if only else ""
        with self() as database:
            cursor = database.execute(
                f"UPDATE jobs SET {sets}, changed = changed + 1 WHERE id = ?{where}",  # noqa: S608
                (*values.values(), job_id, *(only or ())),
            )
        return cursor.rowcount > 0

    def close(self) -> None:
        """Closes the connection that stayed open."""
        self._anchor.close()

    def _connect(self, *, check_same_thread: bool = True) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=30, check_same_thread=check_same_thread)
        connection.row_factory = sqlite3.Row
        # A power cut may lose the newest changes, but never damages the file.
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection
