"""The full text engines of the databases: SQLite's FTS5 and PostgreSQL's tsvector.

Both get stems (:mod:`opendata.searching.words`) and analyse nothing themselves. Names (identifier,
aliases, DOI) and title count most, then the description, then all else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from .query import Phrase, Term

TABLE = "searching_index"
#: Texts of a record: title, names, description, rest.
Fields = tuple[list[str], list[str], list[str], list[str]]


class Engine(Protocol):
    """Full text engine of a database."""

    def make(self) -> None:
        """Create the index."""

    def clear(self) -> None:
        """Empty the index."""

    def write(self, record: int, fields: Fields) -> None:
        """Add a record, or replace it."""

    def remove(self, record: int) -> None:
        """Remove a record."""

    def query(self, terms: Sequence[Term], *, title_only: bool = False) -> str:
        """Returns a query in the engine's language; `title_only` restricts it to the title."""

    #: Conditions that join the index with records; one has the query as its parameter.
    where: tuple[str, str]
    #: Condition (one parameter) that a row matches a query, and its rank; the smallest is best.
    fits: str
    rank: str


def of(connection: Any) -> Engine:
    """Returns the engine of a database connection."""
    if connection.vendor == "postgresql":
        return PostgreSQL(connection)
    return SQLite(connection)


class SQLite:
    """FTS5 (https://www.sqlite.org/fts5.html), ranked by BM25."""

    where = (f"{TABLE} MATCH %s", f"{TABLE}.rowid = records_record.id")
    fits = f"{TABLE}.rowid IN (SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH %s)"  # noqa: S608
    rank = f"{TABLE}.rank"

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def _run(self, sql: str, parameters: Sequence[object] = ()) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters)

    def make(self) -> None:
        """Create the index."""
        self._run(
            f"CREATE VIRTUAL TABLE {TABLE} USING fts5(title, names, description, rest, "
            """tokenize = "unicode61 remove_diacritics 0")"""
        )
        self._run(f"INSERT INTO {TABLE}({TABLE}, rank) VALUES ('rank', 'bm25(6, 8, 2, 1)')")  # noqa: S608

    def clear(self) -> None:
        """Empty the index."""
        self._run(f"DELETE FROM {TABLE}")  # noqa: S608

    def write(self, record: int, fields: Fields) -> None:
        """Add a record, or replace it."""
        self.remove(record)
        self._run(
            f"INSERT INTO {TABLE}(rowid, title, names, description, rest) "  # noqa: S608
            "VALUES (%s, %s, %s, %s, %s)",
            [record, *(" ".join(field) for field in fields)],
        )

    def remove(self, record: int) -> None:
        """Remove a record."""
        self._run(f"DELETE FROM {TABLE} WHERE rowid = %s", [record])  # noqa: S608

    def query(self, terms: Sequence[Term], *, title_only: bool = False) -> str:
        """Returns a query of FTS5."""
        text = _all(terms, self._phrase, "AND", "OR")
        return f"title : ({text})" if title_only else text

    @staticmethod
    def _phrase(phrase: Phrase) -> str:
        return f'"{" ".join(phrase.stems)}"' + (" *" if phrase.prefix else "")


class PostgreSQL:
    """tsvector (https://www.postgresql.org/docs/current/textsearch.html), ranked by ts_rank."""

    where = (f"{TABLE}.words @@ %s::tsquery", f"{TABLE}.record = records_record.id")
    fits = f"{TABLE}.words @@ %s::tsquery"
    #: The weights are those of D, C, B and A: rest, description, names, title.
    rank = f"-ts_rank('{{0.05, 0.2, 1.0, 0.8}}', {TABLE}.words, %s::tsquery)"

    #: Largest position in a tsvector (documentation, 12.11); further words all get this one.
    _LAST = 16_383
    _MOST_WORDS = 30_000
    #: Gap between fields, so that no phrase spans two of them.
    _GAP = 100

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def _run(self, sql: str, parameters: Sequence[object] = ()) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters)

    def make(self) -> None:
        """Create the index."""
        self._run(
            f"CREATE TABLE {TABLE} (record bigint PRIMARY KEY, words tsvector NOT NULL)",
        )
        self._run(f"CREATE INDEX {TABLE}_words ON {TABLE} USING gin (words)")

    def clear(self) -> None:
        """Empty the index."""
        self._run(f"DELETE FROM {TABLE}")  # noqa: S608

    def write(self, record: int, fields: Fields) -> None:
        """Add a record, or replace it."""
        self._run(
            f"INSERT INTO {TABLE}(record, words) VALUES (%s, %s::tsvector) "  # noqa: S608
            "ON CONFLICT (record) DO UPDATE SET words = EXCLUDED.words",
            [record, self._vector(fields)],
        )

    def _vector(self, fields: Fields) -> str:
        start, parts = 1, []
        for weight, field in zip("ABCD", fields, strict=True):
            for number, word in enumerate(field[: self._MOST_WORDS], start):
                parts.append(f"'{word}':{min(number, self._LAST)}{weight}")
            start += len(field) + self._GAP
        return " ".join(parts)

    def remove(self, record: int) -> None:
        """Remove a record."""
        self._run(f"DELETE FROM {TABLE} WHERE record = %s", [record])  # noqa: S608

    def query(self, terms: Sequence[Term], *, title_only: bool = False) -> str:
        """Returns a tsquery."""
        weights = "A" if title_only else ""

        def phrase(item: Phrase) -> str:
            last = len(item.stems) - 1
            marks = [
                f"'{word}':{'*' if item.prefix and number == last else ''}{weights}".rstrip(":")
                for number, word in enumerate(item.stems)
            ]
            return "(" + " <-> ".join(marks) + ")"

        return _all(terms, phrase, "&", "|")


def _all(terms: Sequence[Term], phrase: Any, both: str, either: str) -> str:
    """Returns a query for all terms, with any reading of each and all phrases of a reading."""
    return f" {both} ".join(
        "("
        + f" {either} ".join(
            "(" + f" {both} ".join(phrase(item) for item in way) + ")" for way in term.ways
        )
        + ")"
        for term in terms
    )
