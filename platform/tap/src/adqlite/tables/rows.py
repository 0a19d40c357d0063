"""Rows of described tables in SQLite."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from adqlite.tables.cells import BITS, frozen_array
from adqlite.tables.metadata import Column


def quoted(name: str) -> str:
    """Quotes an SQL identifier.

    With double quotes, SQLite would read an unknown name as a string.
    """
    return "`" + name.replace("`", "``") + "`"


def create(
    connection: sqlite3.Connection, database: str, table: str, columns: Sequence[Column]
) -> None:
    """Creates an empty table."""
    kinds = ", ".join(f"{quoted(column.name)} {_affinity(column)}" for column in columns)
    connection.execute(f"CREATE TABLE {quoted(database)}.{quoted(table)} ({kinds})")


def insert(
    connection: sqlite3.Connection,
    database: str,
    table: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
) -> int:
    """Adds rows and returns their number."""
    marks = ", ".join("?" for _ in columns)
    cursor = connection.executemany(
        f"INSERT INTO {quoted(database)}.{quoted(table)} VALUES ({marks})",  # noqa: S608
        rows,
    )
    return max(cursor.rowcount, 0)


def storable(column: Column, value: Any) -> Any:
    """Returns a value as stored in SQLite; None for NaN and masked values."""
    masked = getattr(value, "mask", False)
    if value is None or (masked is True or (getattr(masked, "ndim", None) == 0 and bool(masked))):
        return None
    if column.is_text:
        text = value.decode() if isinstance(value, bytes) else str(value)
        if column.datatype == "char" and not text.isascii():
            raise ValueError(
                f"{text[:40]!r} contains characters beyond ASCII; use the datatype unicodeChar"
            )
        return text
    if column.is_array:
        import numpy as np  # a server that publishes nothing does not need it

        item = column.model_copy(update={"arraysize": None})
        numbers = np.ma.asarray(value).ravel().tolist()
        return frozen_array([storable(item, number) for number in numbers])
    if isinstance(value, str | bytes):
        raise TypeError(f"{value!r} is not a number")
    if column.is_integer or column.datatype == "boolean":
        whole = int(value)
        if whole != value:
            raise ValueError(f"{value!r} is not an integer")
        bits = BITS.get(column.datatype, 1)
        if not -(1 << bits) <= whole < (1 << bits):
            raise ValueError(f"{value!r} does not fit into {column.datatype}")
        return whole
    number = float(value)
    return None if math.isnan(number) else number


def _affinity(column: Column) -> str:
    if column.is_text or column.arraysize is not None:
        return "TEXT"
    return "INTEGER" if column.is_integer or column.datatype == "boolean" else "REAL"
