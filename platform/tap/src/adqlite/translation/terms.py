"""Terms of the translation: typed values, sources in FROM, and scopes of names."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from adqlite.tables.metadata import Column, Table
from adqlite.translation.sql import Sql

#: Functions beyond the standard, as listed in the capabilities.
UDFS = {
    "ivo_nocasematch": "ivo_nocasematch(value VARCHAR, pattern VARCHAR) -> INTEGER",
}
DOUBLE = Column(name="", datatype="double")
LONG = Column(name="", datatype="long")
BOOLEAN = Column(name="", datatype="boolean")
ASCII = Column(name="", datatype="char", arraysize="*")
LETTERS = Column(name="", datatype="unicodeChar", arraysize="*")
POINT = Column(name="", datatype="char", arraysize="*", xtype="adql:POINT")
REGION = Column(name="", datatype="char", arraysize="*", xtype="adql:REGION")


class Kind(Enum):
    """Kinds of values, worded as in error messages."""

    NUMBER = "a number"
    TEXT = "text"
    GEOMETRY = "a geometry"
    BOOLEAN = "a boolean"
    ARRAY = "an array"
    CONDITION = "a condition"
    NULL = "NULL"


#: Kinds that can be selected, grouped and compared: all but conditions.
VALUES = tuple(kind for kind in Kind if kind is not Kind.CONDITION)


@dataclass(frozen=True)
class Source:
    """A table or subquery in FROM.

    Attributes
    ----------
    names : frozenset of str
        Its names in the query, in lower case.
    alias : str
        Its name in the SQL, which no other source of the query has.
    columns : tuple of Column
    keys : tuple of str
        The names of the columns in the SQL.
    table : Table, optional
        The published table, if it is one.
    """

    names: frozenset[str]
    alias: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...]
    table: Table | None = None


@dataclass(frozen=True)
class Typed:
    """An expression in SQL with what is known about it before the query runs.

    Attributes
    ----------
    sql : Sql
    kind : Kind
    column : Column
        Type, unit and UCD; without meaning for conditions and NULL.
    number : float, optional
        The value, if it is a literal.
    shape : tuple of str and values, optional
        The function and the numbers of a geometry.
    source : Source, optional
        The source, if the expression is a column.
    """

    sql: Sql
    kind: Kind
    column: Column
    number: float | None = None
    shape: Shape | None = None
    source: Source | None = None


@dataclass(frozen=True)
class Shape:
    """The function of a geometry (`point`, `circle`, `box`, `polygon`) and its numbers."""

    function: str
    values: tuple[Typed, ...]


@dataclass
class Scope:
    """The names that one SELECT can use."""

    sources: list[Source] = field(default_factory=list)
    merged: dict[str, Typed] = field(default_factory=dict)
    #: Expressions of GROUP BY, in SQL; columns neither grouped nor aggregated; whether there are
    #: aggregates, and whether one is being written.
    grouped: set[str] = field(default_factory=set)
    bare: list[str] = field(default_factory=list)
    aggregated: bool = False
    within_aggregate: bool = False


@dataclass
class Translation:
    """A query in SQL.

    Attributes
    ----------
    sql : str
    schemas : set of str
        Lower-case names of the schemas to attach.
    columns : list of Column
        The result columns.
    """

    sql: str
    schemas: set[str]
    columns: list[Column]


def kind_of(column: Column) -> Kind:
    """Returns the kind of the values of a column."""
    if (column.xtype or "").lower().startswith("adql:"):
        return Kind.GEOMETRY
    if column.is_text:
        return Kind.TEXT
    if column.arraysize is not None:
        return Kind.ARRAY
    return Kind.BOOLEAN if column.datatype == "boolean" else Kind.NUMBER


def value_of(sql: Sql, column: Column, *, source: Source | None = None) -> Typed:
    """Returns an expression of the type of a column."""
    return Typed(sql, kind_of(column), column, source=source)


def column_of(column: Column, **changes: str | None) -> Column:
    """Returns the type of a column with changes, without its name and description."""
    kept = {key: getattr(column, key) for key in ("datatype", "arraysize", "xtype", "unit", "ucd")}
    return Column.model_validate({"name": "", **kept, **changes})
