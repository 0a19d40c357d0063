"""Tables of any SQLite file as published tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from adqlite.errors import MetadataError
from adqlite.tables.metadata import POSITION, Table, TableColumn
from adqlite.tables.names import distinct, regular_name
from adqlite.tables.rows import quoted

#: Attributes of :class:`TableColumn` by column, by table.
About = Mapping[str, Mapping[str, Mapping[str, Any]]]

_LONG, _DOUBLE = {"datatype": "long"}, {"datatype": "double"}
_TEXT = {"datatype": "unicodeChar", "arraysize": "*"}
_DECLARED: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("BOOL",), {"datatype": "boolean"}),
    (("INT",), _LONG),
    (("CHAR", "CLOB", "TEXT", "DATE", "TIME"), _TEXT),
    (("REAL", "FLOA", "DOUB", "NUM", "DEC"), _DOUBLE),
)
_STORED: dict[frozenset[str], dict[str, Any]] = {
    frozenset({"integer"}): _LONG,
    frozenset({"real"}): _DOUBLE,
    frozenset({"integer", "real"}): _DOUBLE,
    frozenset({"text"}): _TEXT,
}


def described(
    path: Path, *, position: tuple[str, str] | None = None, about: About | None = None
) -> tuple[list[Table], dict[str, Iterator[Sequence[Any]]]]:
    """Returns the descriptions and the rows of all tables and views in a file.

    The type of a column follows from its declaration (https://sqlite.org/datatype3.html), else from
    its values: integers are `long`, real numbers `double`, text `unicodeChar`, BOOLEAN `boolean`.
    The file is opened for reading only.

    Parameters
    ----------
    path : pathlib.Path
    position : tuple of two str, optional
        Columns with right ascension and declination in degrees, in all tables that have both.
    about : mapping, optional
        Attributes of columns that SQLite cannot express, for example
        `{"stars": {"ra": {"unit": "deg", "ucd": "pos.eq.ra;meta.main"}}}`.

    Raises
    ------
    MetadataError
        The file is not an SQLite file, has no table, or a column has values of several types.
    """
    known = {table: dict(columns) for table, columns in (about or {}).items()}
    with closing(_opened(path)) as connection:
        names = _table_names(path, connection)
        if unknown := sorted(set(known) - set(names)):
            raise MetadataError(f"{path.name}: there is no table {unknown[0]} to describe")
        tables, rows = [], {}
        taken: set[str] = set()
        for name in names:
            regular = distinct(regular_name(name), taken)
            taken.add(regular.lower())
            columns = tuple(_columns(path, connection, name, known.get(name, {})))
            tables.append(Table(name=regular, columns=_with_position(columns, position)))
            rows[regular] = _rows(path, name)
    if position and not any(table.position for table in tables):
        raise MetadataError(f"{path.name}: no table has the columns {' and '.join(position)}")
    return tables, rows


def _with_position(
    columns: tuple[TableColumn, ...], position: tuple[str, str] | None
) -> tuple[TableColumn, ...]:
    axes = dict(zip(map(str.lower, position or ()), POSITION, strict=False))
    if not axes.keys() <= {column.name.lower() for column in columns}:
        return columns
    return tuple(
        column.model_copy(update={"ucd": axes[column.name.lower()], "unit": "deg"})
        if column.name.lower() in axes
        else column
        for column in columns
    )


def _opened(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise MetadataError(f"{path}: there is no such file")
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def _table_names(path: Path, connection: sqlite3.Connection) -> list[str]:
    query = (
        "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') "
        "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    )
    try:
        names = [str(name) for (name,) in connection.execute(query)]
    except sqlite3.DatabaseError as error:
        raise MetadataError(f"{path}: this is not an SQLite file ({error})") from None
    if not names:
        raise MetadataError(f"{path}: this SQLite file contains no table")
    return names


def _columns(
    path: Path,
    connection: sqlite3.Connection,
    table: str,
    about: Mapping[str, Mapping[str, Any]],
) -> Iterator[TableColumn]:
    found = connection.execute(f"PRAGMA table_info({quoted(table)})").fetchall()
    if unknown := sorted(set(about) - {column[1] for column in found}):
        raise MetadataError(f"{path.name}, table {table}: there is no column {unknown[0]}")
    taken: set[str] = set()
    for _, name, declared, *_ in found:
        regular = distinct(regular_name(name), taken)
        taken.add(regular.lower())
        try:
            known = {**_type(connection, table, name, declared), **about.get(name, {})}
            yield TableColumn(name=regular, **known)
        except ValueError as error:
            raise MetadataError(f"{path.name}, table {table}, column {name}: {error}") from None


def _type(connection: sqlite3.Connection, table: str, name: str, declared: str) -> dict[str, Any]:
    word = declared.upper()
    for parts, found in _DECLARED:
        if any(part in word for part in parts):
            return found
    query = f"SELECT DISTINCT typeof({quoted(name)}) FROM {quoted(table)}"  # noqa: S608
    kinds = {str(kind) for (kind,) in connection.execute(query)} - {"null"}
    try:
        return _STORED[frozenset(kinds)]
    except KeyError:
        values = f"its values are {' and '.join(sorted(kinds))}" if kinds else "it has no values"
        raise ValueError(
            f"the type is not declared and {values}; publish a view that leaves the column out, "
            "or CASTs it to INTEGER, REAL or TEXT"
        ) from None


def _rows(path: Path, table: str) -> Iterator[Sequence[Any]]:
    with closing(_opened(path)) as connection:
        yield from connection.execute(f"SELECT * FROM {quoted(table)}")  # noqa: S608
