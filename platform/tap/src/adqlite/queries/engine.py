"""One query on the published tables: read-only, limited in time, rows and memory."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from adqlite.errors import QueryError, VOError
from adqlite.limits import Limits
from adqlite.queries import sqlfunctions
from adqlite.queries.guards import Clock, as_vo_errors, authorise, guarded
from adqlite.tables.metadata import Column, Schema, Table
from adqlite.tables.rows import create, insert
from adqlite.tables.storage import TableStore
from adqlite.translation import Translation, translate

_IDLE = 8  # connections kept for the next query
_Files = tuple[tuple[str, Path], ...]
_STEPS = 10_000  # instructions of SQLite between two checks of the clock


@dataclass
class UploadedTable:
    """A table that came with a query."""

    name: str
    columns: list[Column]
    rows: list[Sequence[Any]]


@dataclass
class Result:
    """Rows of a query while they are read.

    Attributes
    ----------
    columns : list of Column
    rows : iterator of tuple
    overflow : bool
        Whether there were more rows than allowed; known once all rows are read.
    """

    columns: list[Column]
    rows: Iterator[tuple[Any, ...]]
    overflow: bool = False
    description: str = ""
    parameters: dict[str, str] = field(default_factory=dict)


class Engine:
    """Answers ADQL queries.

    Parameters
    ----------
    store : TableStore
    limits : Limits
    """

    def __init__(self, store: TableStore, limits: Limits) -> None:
        self.store = store
        self.limits = limits
        self._lock = threading.Lock()
        self._idle: dict[_Files, tuple[sqlite3.Connection, list[str]]] = {}
        self._translations = lru_cache(256)(self._translate_published)

    def translate(self, query: str, uploads: Mapping[str, UploadedTable]) -> Translation:
        """Translates a query for the tables that are published now."""
        if not uploads:
            return self._translations(query, _ByIdentity(self.store.schemas()))
        return translate(query, self._finder(self.store.schemas(), uploads), self.limits)

    def _translate_published(self, query: str, schemas: _ByIdentity) -> Translation:
        return translate(query, self._finder(schemas.items, {}), self.limits)

    def _finder(
        self, schemas: Sequence[Schema], uploads: Mapping[str, UploadedTable]
    ) -> Callable[[str, str], tuple[str, Table | Sequence[Column]] | None]:
        def find(schema: str, name: str) -> tuple[str, Table | Sequence[Column]] | None:
            if schema.lower() == "tap_upload":
                upload = uploads.get(name.lower())
                return ("TAP_UPLOAD", upload.columns) if upload else None
            for known in schemas:
                if known.name.lower() == schema.lower():
                    table = known.table(name)
                    return (known.name, table) if table else None
            return None

        return find

    @contextmanager
    def run(
        self,
        query: str,
        *,
        seconds: float,
        maxrec: int | None = None,
        uploads: Sequence[UploadedTable] = (),
        stopped: Callable[[], bool] = lambda: False,
    ) -> Iterator[Result]:
        """Runs a query; its rows can be read inside the `with` block.

        Parameters
        ----------
        query : str
            ADQL.
        seconds : float
            Time limit, from now to the last row.
        maxrec : int, optional
            Maximum number of rows; the service's own limit applies too.
        uploads : sequence of UploadedTable
        stopped : callable
            Asked from time to time; the query ends with `QueryAborted` if it returns True.

        Raises
        ------
        VOError
            On entry, or while rows are read.
        """
        started = time.monotonic()
        named = {upload.name.lower(): upload for upload in uploads}
        translation = self.translate(query, named)
        clock = Clock(started + seconds, stopped, self.limits.temporary_bytes)
        with self._connection(translation, uploads) as (connection, errors):
            connection.set_progress_handler(clock, _STEPS)
            cursor: sqlite3.Cursor | None = None
            try:
                with as_vo_errors(clock, errors, seconds):
                    cursor = connection.execute(translation.sql)
                    result = self._result(cursor, translation.columns, maxrec)
                    result.rows = guarded(result.rows, clock, errors, seconds)
                    yield result
            finally:
                if cursor is not None:
                    cursor.close()
                connection.set_progress_handler(None, 0)

    @contextmanager
    def _connection(
        self, translation: Translation, uploads: Sequence[UploadedTable]
    ) -> Iterator[tuple[sqlite3.Connection, list[str]]]:
        """Opens a connection to the tables of a query; one without uploads is kept for reuse."""
        files = []
        for name in sorted(translation.schemas - {"tap_upload"}):
            schema = self.store.schema(name)
            if schema is None:
                raise QueryError(f"the schema {name} is no longer published")
            files.append((schema.name, self.store.file(schema)))
        if uploads:
            connection, errors = self._open(files, uploads)
            try:
                yield connection, errors
            finally:
                connection.close()
            return
        key = tuple(files)
        with self._lock:
            kept = self._idle.pop(key, None)
        connection, errors = kept or self._open(files, ())
        errors.clear()
        healthy = False
        try:
            yield connection, errors
            healthy = True
        except VOError:
            healthy = True
            raise
        finally:
            for old in self._keep(key, connection, errors) if healthy else [connection]:
                old.close()

    def _keep(
        self, key: _Files, connection: sqlite3.Connection, errors: list[str]
    ) -> list[sqlite3.Connection]:
        """Keeps a connection for the next query on these files; returns those to close."""
        with self._lock:
            spare = [self._idle.pop(key)[0]] if key in self._idle else []
            self._idle[key] = (connection, errors)
            while len(self._idle) > _IDLE:
                spare.append(self._idle.pop(next(iter(self._idle)))[0])
        return spare

    def _open(
        self, files: Sequence[tuple[str, Path]], uploads: Sequence[UploadedTable]
    ) -> tuple[sqlite3.Connection, list[str]]:
        connection = sqlite3.connect(":memory:", check_same_thread=False, uri=True)
        try:
            connection.execute("PRAGMA case_sensitive_like = ON")
            connection.execute(f"PRAGMA soft_heap_limit = {self.limits.memory_bytes}")
            for name, path in files:
                _attach(connection, f"{path.resolve().as_uri()}?mode=ro&immutable=1", name)
            if uploads:
                _attach(connection, ":memory:", "TAP_UPLOAD")
                for upload in uploads:
                    create(connection, "TAP_UPLOAD", upload.name, upload.columns)
                    insert(connection, "TAP_UPLOAD", upload.name, upload.columns, upload.rows)
            connection.commit()
            errors = sqlfunctions.register(connection)
            connection.execute("PRAGMA query_only = ON")
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 20_000_000)
            connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200)
            connection.set_authorizer(authorise)
        except BaseException:
            connection.close()
            raise
        return connection, errors

    def _result(self, cursor: sqlite3.Cursor, columns: list[Column], maxrec: int | None) -> Result:
        limit = self.limits.default_rows if maxrec is None else min(maxrec, self.limits.rows)
        result = Result(columns=list(columns), rows=iter(()))
        result.rows = _limited(cursor, limit, result)
        return result


class _ByIdentity:
    """Descriptions as the key of a cache: equal if they are the same objects."""

    def __init__(self, items: Sequence[Schema]) -> None:
        self.items = items

    def __hash__(self) -> int:
        return hash(tuple(map(id, self.items)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and [*map(id, self.items)] == [*map(id, other.items)]


def _attach(connection: sqlite3.Connection, uri: str, name: str) -> None:
    try:
        connection.execute("ATTACH DATABASE ? AS ?", (uri, name))
    except sqlite3.Error as error:
        raise QueryError(f"the tables of {name} cannot be read ({error})") from error


def _limited(
    rows: Iterator[tuple[Any, ...]], limit: int, result: Result
) -> Iterator[tuple[Any, ...]]:
    for number, row in enumerate(rows):
        if number >= limit:
            result.overflow = True
            return
        yield row
