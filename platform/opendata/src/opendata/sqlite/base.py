"""The database backend: Django's for SQLite, which also opens the database on a full disk.

In WAL mode SQLite needs two files beside the database, even to read. While the server runs,
:func:`keep_open` keeps them in existence. Where they do not exist and the disk has no space for
them, the database is opened for reading only, without them. Each request opens the database anew,
so everything works again as soon as there is space.
"""

from __future__ import annotations

import atexit
import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base

from adqlite.disk import is_full

log = logging.getLogger(__name__)

_kept: dict[Path, sqlite3.Connection] = {}


class _Noted(sqlite3.Connection):
    """A connection that can be closed although opening it failed."""

    newest = threading.local()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.newest.connection = self


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection for reading and writing, or for reading only if the disk is full."""

    init_commands: list[str]

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Open the database."""
        connect: Callable[..., Any] = super().get_new_connection
        try:
            return connect({**conn_params, "factory": _Noted})
        except sqlite3.OperationalError as error:
            path = Path(str(conn_params["database"]))
            if (failed := getattr(_Noted.newest, "connection", None)) is not None:
                failed.close()  # with its locks
            if not path.is_file() or not is_full(error, path.parent):
                raise
            log.warning("the database is open for reading only, since the disk is full: %s", error)
        finally:
            _Noted.newest.connection = None
        _merge(path)
        commands, self.init_commands = self.init_commands, ["PRAGMA query_only = ON"]
        try:
            uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
            return connect({**conn_params, "database": uri, "uri": True})
        finally:
            self.init_commands = commands


def _merge(path: Path) -> None:
    """Writes what is only in the WAL into the database, without a file for shared memory.

    Raises
    ------
    sqlite3.OperationalError
        There is no space for it either. Reading the database without its WAL would show an old
        state, so it is not opened.
    """
    wal = path.with_name(f"{path.name}-wal")
    if not wal.exists() or wal.stat().st_size == 0:
        return
    with closing(sqlite3.connect(path, timeout=5)) as connection:
        # https://www.sqlite.org/wal.html#noshm
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise sqlite3.OperationalError("another process uses the database")


def keep_open(path: Path) -> None:
    """Keeps the files beside a database in existence until this process ends.

    One connection stays open without being used. On a disk that is full already, it is tried again
    by the next call.
    """
    if path in _kept or not path.is_file():
        return
    connection = sqlite3.connect(path, timeout=5, check_same_thread=False)
    try:
        connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    except sqlite3.Error:
        connection.close()
        return
    _kept[path] = connection


def let_go() -> None:
    """Closes the connections of :func:`keep_open`."""
    while _kept:
        _kept.popitem()[1].close()


atexit.register(let_go)
