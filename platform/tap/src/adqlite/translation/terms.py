"""What a query is translated with: typed values, sources of FROM, and scopes of names."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from adqlite.tables.metadata import Column, Table
from adqlite.translation.sql import Sql

#: Functions beyond the standard, as the capabilities list them.
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
    """What can be done with a value; each is worded as in messages."""

    NUMBER = "a number"
    TEXT = "text"
    GEOMETRY = "a geometry"
    BOOLEAN = "a boolean"
    ARRAY = "an array"
    CONDITION = "a condition"
    NULL = "NULL"


#: Kinds of what can be selected, grouped and compared; conditions are none.
VALUES = tuple(kind for kind in Kind if kind is not Kind.CONDITION)


@dataclass(frozen=True)
class Source:
    """A table or subquery of FROM.

    Attributes
    ----------
    names : frozenset of str
        What it is called in the query, in lower case.
    alias : str
        Its name in the SQL, which no other source of the query has.
    columns : tuple of Column
    keys : tuple of str
        The names of the columns in the SQL.
    table : Table, optional
        Where it is a published one.
    """

    names: frozenset[str]
    alias: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...]
    table: Table | None = None


@dataclass(frozen=True)
class Typed:
    """An expression in SQL with all that is known of it before the query runs.

    Attributes
    ----------
    sql : Sql
    kind : Kind
    column : Column
        Type, unit and meaning; the type of a condition or of NULL has none.
    number : float, optional
        The value, where the query itself says it.
    shape : tuple of str and values, optional
        A geometry as its function and numbers.
    source : Source, optional
        Where the expression is a column.
    """

    sql: Sql
    kind: Kind
    column: Column
    number: float | None = None
    shape: Shape | None = None
    source: Source | None = None


@dataclass(frozen=True)
class Shape:
    """A geometry as its function (`point`, `circle`, `box`, `polygon`) and the numbers for it."""

    function: str
    values: tuple[Typed, ...]


@dataclass
class Scope:
    """What the names of one SELECT may mean."""

    sources: list[Source] = field(default_factory=list)
    merged: dict[str, Typed] = field(default_factory=dict)
    #: What GROUP BY names, in SQL; columns that are neither among it nor in an aggregate; whether
    #: there are aggregates, and whether one is being written.
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
    """Returns what can be done with the values of a column."""
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
    """Returns the type of a column under another name or unit, without what is said of it alone."""
    kept = {key: getattr(column, key) for key in ("datatype", "arraysize", "xtype", "unit", "ucd")}
    return Column.model_validate({"name": "", **kept, **changes})
