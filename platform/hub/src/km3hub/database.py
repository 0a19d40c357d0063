"""The hub's SQLite database, which has space reserved for writing on a full disk.

A login, a logout and the start of a server each write a few rows. On a full disk they would fail,
and nobody could log in, not even to delete something. So the database file contains free pages, and
the rollback journal beside it keeps its size (``journal_mode = PERSIST``). A transaction then needs
no new space. Both are filled up again while the disk has space.

On file systems that never overwrite in place (Btrfs, ZFS) the reserve does not help.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

__all__ = [
    "RESERVED_BYTES",
    "ReservedConnection",
    "connect_arguments",
    "reserve",
    "stop_pinging",
]

log = logging.getLogger(__name__)

#: Space for rows and, as much again, in the journal; a login permanently takes about 10 kB.
RESERVED_BYTES = 4 * 2**20
#: Commits between two checks of the reserve.
_COMMITS = 200
#: Seconds after a failure until the next attempt.
_PAUSE = 60.0
#: Bytes of a row that fills most of a page of 4 KiB.
_ROW = 3_900


class ReservedConnection(sqlite3.Connection):
    """A connection that writes within the reserve, and renews the reserve now and then."""

    def __init__(self, database: str | Path, *args: Any, **options: Any) -> None:
        super().__init__(database, *args, **options)
        self._path = Path(database)
        self._commits = 0
        self._not_before = 0.0
        # For this connection only; another mode would delete the journal with its space.
        self.execute("PRAGMA journal_mode = PERSIST").fetchone()
        # Temporary tables and indexes must not need the disk either.
        self.execute("PRAGMA temp_store = MEMORY")

    def commit(self) -> None:
        """Commits, and renews the reserve where it is needed."""
        super().commit()
        self._commits += 1
        # Alembic, for example, opens the database in a mode that deletes the journal.
        due = self._commits % _COMMITS == 0 or not _has_journal(self._path, RESERVED_BYTES // 2)
        if due and time.monotonic() > self._not_before and not reserve(self._path):
            self._not_before = time.monotonic() + _PAUSE


def connect_arguments() -> dict[str, Any]:
    """Returns the arguments with which SQLAlchemy connects to the hub's database."""
    # The first is what JupyterHub uses by default.
    return {"check_same_thread": False, "factory": ReservedConnection}


def stop_pinging() -> None:
    """Stop JupyterHub from testing the connection before each transaction.

    The test is for database servers, whose connections may be lost. With a file it only takes time:
    a transaction of its own, 18 times per start of a server.
    """
    from jupyterhub import orm

    orm.register_ping_connection = lambda engine: None


def reserve(path: Path, size: int = RESERVED_BYTES) -> bool:
    """Reserves space in a database and its journal, unless there is enough already.

    Parameters
    ----------
    path : pathlib.Path
        The database; it is created if there is none.
    size : int
        Bytes in each of the two.

    Returns
    -------
    bool
        Whether the space is reserved. It is not if the disk is full, or if the database is busy;
        the database is unchanged then.
    """
    try:
        with closing(sqlite3.connect(path, timeout=0.2, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = PERSIST").fetchone()
            if not _is_reserved(connection, path, size // 2):
                _reserve(connection, size)
            return True
    except sqlite3.Error as error:
        log.warning("No space could be reserved in %s: %s", path.name, error)
        return False


def _is_reserved(connection: sqlite3.Connection, path: Path, size: int) -> bool:
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (page,) = connection.execute("PRAGMA page_size").fetchone()
    return bool(free * page >= size) and _has_journal(path, size)


def _has_journal(path: Path, size: int) -> bool:
    try:
        return path.with_name(f"{path.name}-journal").stat().st_size >= size
    except FileNotFoundError:
        return False


def _reserve(connection: sqlite3.Connection, size: int) -> None:
    rows = size // _ROW
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Deleted rows leave free pages.
        connection.execute("CREATE TABLE IF NOT EXISTS km3_reserve (filling BLOB)")
        connection.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO km3_reserve SELECT zeroblob(?) FROM n",
            (rows, _ROW),
        )
        connection.execute("COMMIT")
        # The journal gets a copy of each page that changes.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE km3_reserve SET filling = randomblob(?)", (_ROW,))
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        with suppress(sqlite3.Error):
            connection.execute("DROP TABLE IF EXISTS km3_reserve")
