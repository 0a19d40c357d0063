"""Published tables on disk: one SQLite file and one description per schema.

A file is written completely, then its description is replaced; queries that are reading the old
file keep it open. Files never change once written, so SQLite may read them without locks.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from adqlite.disk import MESSAGE, is_full
from adqlite.errors import MetadataError, StorageFull
from adqlite.tables import tapschema
from adqlite.tables.abandoned import SECONDS, delete_abandoned
from adqlite.tables.metadata import Schema, Table
from adqlite.tables.rows import create, insert, quoted, storable

log = logging.getLogger(__name__)


class TableStore:
    """The published tables below one folder.

    Parameters
    ----------
    folder : pathlib.Path
        Created by the first publication.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._stamp: tuple[tuple[str, int], ...] | None = None
        self._schemas: dict[str, Schema] = {}
        self._tap_schema: Path | None = None

    def schemas(self) -> list[Schema]:
        """Returns every published schema, TAP_SCHEMA last."""
        self._refresh()
        return [*self._schemas.values(), tapschema.SCHEMA]

    def schema(self, name: str) -> Schema | None:
        """Returns the schema of this name, in any case, or None."""
        return next((s for s in self.schemas() if s.name.lower() == name.lower()), None)

    def file(self, schema: Schema) -> Path:
        """Returns the SQLite file with the tables of a schema."""
        if schema is tapschema.SCHEMA:
            self._refresh()
            if self._tap_schema is None:
                raise StorageFull(MESSAGE)
            return self._tap_schema
        return self.folder / str(schema.file)

    def publish(self, schema: Schema, rows: Mapping[str, Iterable[Sequence[Any]]]) -> Schema:
        """Publishes the tables of a schema, in place of any schema of that name.

        Parameters
        ----------
        schema : Schema
            Description; `rows` of its tables and `file` are set here.
        rows : mapping of str to iterable of sequences
            The rows of each table, values in the order of its columns; NaN means no value.

        Raises
        ------
        MetadataError
            The rows do not match the description. The previous publication stays.
        """
        if set(rows) != {table.name for table in schema.tables}:
            raise MetadataError(f"schema {schema.name}: rows and tables have different names")
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"{schema.name.lower()}-{secrets.token_hex(6)}.sqlite"
        path = self.folder / name
        try:
            tables = [self._write(path, table, rows[table.name]) for table in schema.tables]
            optimise(path)
            published = schema.model_copy(update={"tables": tuple(tables), "file": name})
            self._replace(f"{schema.name.lower()}.json", published.model_dump_json(indent=1))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        self._refresh()
        for old in self.folder.glob(f"{schema.name.lower()}-*.sqlite"):
            if old != path and old.stem.rpartition("-")[0] == schema.name.lower():
                old.unlink(missing_ok=True)
        return published

    def withdraw(self, name: str) -> bool:
        """Stops publishing a schema; returns False if there is none of this name."""
        schema = self.schema(name)
        if schema is None or schema is tapschema.SCHEMA:
            return False
        (self.folder / f"{schema.name.lower()}.json").unlink(missing_ok=True)
        self.file(schema).unlink(missing_ok=True)
        self._refresh()
        return True

    def delete_abandoned(self, seconds: float = SECONDS) -> int:
        """Deletes files that publications left behind this long ago, and returns their number."""
        published = {str(schema.file) for schema in self.schemas()}
        return delete_abandoned(self.folder, published, seconds)

    def _replace(self, name: str, text: str) -> None:
        temporary = self.folder / f".{name}.{secrets.token_hex(6)}"
        try:
            temporary.write_text(text, encoding="utf-8")
            os.replace(temporary, self.folder / name)
        finally:
            temporary.unlink(missing_ok=True)

    def _write(self, path: Path, table: Table, rows: Iterable[Sequence[Any]]) -> Table:
        connection = sqlite3.connect(path)
        try:
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            create(connection, "main", table.name, table.columns)
            count = insert(connection, "main", table.name, table.columns, _checked(table, rows))
            for sql in _indexes(table):
                connection.execute(sql)
            connection.commit()
        except sqlite3.Error as error:
            raise MetadataError(f"table {table.name}: {error}") from error
        finally:
            connection.close()
        return table.model_copy(update={"rows": count})

    def _refresh(self) -> None:
        with self._lock:
            files = sorted(self.folder.glob("*.json")) if self.folder.is_dir() else []
            stamp = tuple((f.name, f.stat().st_mtime_ns) for f in files)
            if stamp == self._stamp and self._tap_schema and self._tap_schema.exists():
                return
            texts = [f.read_text(encoding="utf-8") for f in files]
            found = [Schema.model_validate_json(text) for text in texts]
            self._schemas = {schema.name.lower(): schema for schema in found}
            self._tap_schema, self._stamp = None, None
            try:
                self._tap_schema = self._written_tap_schema(found, texts)
            except (OSError, sqlite3.Error) as error:
                # All other tables can be queried; the next call tries again.
                if not is_full(error, self.folder):
                    raise
                log.warning("TAP_SCHEMA cannot be written, since the disk is full: %s", error)
                return
            self._stamp = stamp

    def _written_tap_schema(self, found: Sequence[Schema], texts: Sequence[str]) -> Path:
        """Returns the file with TAP_SCHEMA for these schemas; it is written if it is missing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256("".join([tapschema.VERSION, *texts]).encode()).hexdigest()[:16]
        path = self.folder / f"tap_schema.{digest}.sqlite"
        if not path.exists():
            temporary = path.with_suffix(f".{secrets.token_hex(6)}")
            try:
                connection = sqlite3.connect(temporary)
                try:
                    tapschema.fill(connection, [*found, tapschema.SCHEMA])
                finally:
                    connection.close()
                os.replace(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)
            for old in self.folder.glob("tap_schema.*.sqlite"):
                if old != path:
                    old.unlink(missing_ok=True)
        return path


def optimise(path: Path) -> None:
    """Collects the statistics by which SQLite chooses indexes."""
    connection = sqlite3.connect(path)
    try:
        connection.execute("ANALYZE")
        connection.commit()
    finally:
        connection.close()


def _indexes(table: Table) -> Iterator[str]:
    if table.position:
        # A cone becomes a range of declinations. Right ascension is in the same index, so SQLite
        # reads only the rows of the surrounding rectangle.
        ra, dec = map(quoted, table.position)
        name = quoted(f"{table.name} position")
        yield f"CREATE INDEX {name} ON {quoted(table.name)} ({dec}, {ra})"
    for column in table.columns:
        if column.indexed and column.name not in (table.position or ()):
            name = quoted(f"{table.name} {column.name}")
            yield f"CREATE INDEX {name} ON {quoted(table.name)} ({quoted(column.name)})"


def _checked(table: Table, rows: Iterable[Sequence[Any]]) -> Iterator[list[Any]]:
    position = table.position or ()
    bounds = dict(zip(position, ((0.0, 360.0), (-90.0, 90.0)), strict=False))
    for number, row in enumerate(rows, 1):
        if len(row) != len(table.columns):
            raise MetadataError(
                f"table {table.name}, row {number}: {len(row)} values for "
                f"{len(table.columns)} columns"
            )
        values = []
        for column, value in zip(table.columns, row, strict=True):
            try:
                stored = storable(column, value)
            except (TypeError, ValueError) as error:
                raise MetadataError(
                    f"table {table.name}, row {number}, column {column.name}: {error}"
                ) from None
            low, high = bounds.get(column.name, (-math.inf, math.inf))
            if stored is not None and column.name in bounds and not low <= stored <= high:
                raise MetadataError(
                    f"table {table.name}, row {number}: {column.name} = {stored} is not within "
                    f"{low:g} to {high:g} deg"
                )
            values.append(stored)
        yield values
