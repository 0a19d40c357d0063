"""What a query is translated with: columns, sources, values, and ways through the parse tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from antlr4 import TerminalNode

from opendata.vo.engine import geometry
from opendata.vo.engine.errors import QueryError
from opendata.vo.engine.metadata import Column, Datatype, Table
from opendata.vo.engine.rows import quoted

FindTable = Callable[[str, str], tuple[str, Table | Sequence[Column]] | None]
UDFS = {
    "ivo_nocasematch": "ivo_nocasematch(value VARCHAR, pattern VARCHAR) -> INTEGER",
}
PLAIN_FUNCTIONS = {"upper", "lower", "rand", "centroid", "coord1", "coord2", "area", *UDFS}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
MAKERS: dict[str, Callable[..., geometry.Shape]] = {
    "point": geometry.position,
    "circle": geometry.circle,
    "box": geometry.box,
    "polygon": geometry.polygon,
}
MARGIN = 1e-9  # deg; rounding must not take a row out of the rectangle that is in the cone
DOUBLE = Column(name="", datatype="double")
LONG = Column(name="", datatype="long")


class Computed(Column):
    """A column that a query computes, of a type that its values decide."""

    datatype: Datatype = "double"


@dataclass
class Translation:
    """A query in SQL.

    Attributes
    ----------
    sql : str
    schemas : set of str
        Lower-case names of the schemas to attach.
    columns : list of Column, or None
        The result columns; `Computed` ones get their type from the data. None where the number of
        columns is not known before the query runs.
    """

    sql: str
    schemas: set[str]
    columns: list[Column] | None


@dataclass
class Source:
    """A table or subquery of FROM."""

    names: set[str]
    columns: list[Column]
    sql: str
    table: Table | None = None


@dataclass
class Scope:
    """What the names of one SELECT may mean."""

    sources: list[Source] = field(default_factory=list)
    aliases: dict[str, Column] = field(default_factory=dict)
    merged: bool = False  # NATURAL or USING: the columns of * are not simply all columns


@dataclass
class Value:
    """An expression; what is known of it before the query runs."""

    sql: str
    number: float | None = None
    column: Column | None = None
    source: Source | None = None


@dataclass
class Geometry:
    """A shape of ADQL with its numbers."""

    kind: str
    values: list[Value]

    @property
    def sql(self) -> str:
        """The shape as text of SQL."""
        if self.kind == "text":
            return self.values[0].sql
        numbers = [v.number for v in self.values if v.number is not None]
        if len(numbers) == len(self.values):
            # Known now, so that it is not made again for each row.
            try:
                return f"'{MAKERS[self.kind](*numbers)}'"
            except ValueError as error:
                raise QueryError(str(error)) from None
        return f"adql_{self.kind}({', '.join(v.sql for v in self.values)})"


def rule_of(node: Any) -> str:
    """Return the name of the rule of the grammar that a node is."""
    return type(node).__name__.removesuffix("Context")


def unwrap(node: Any) -> Any:
    """Go down to the first node that is more than another node."""
    while node.getChildCount() == 1 and not isinstance(node.getChild(0), TerminalNode):
        node = node.getChild(0)
    return node


def plain_name(text: str) -> str:
    """Return a name without its quotes."""
    return text[1:-1] if text.startswith('"') else text


def is_position(ra: Value, dec: Value) -> bool:
    """Whether two values are the position columns of a published table, whose range is known."""
    if ra.source is None or ra.source is not dec.source or ra.source.table is None:
        return False
    names = ra.source.table.position
    return bool(names and ra.column and dec.column and (ra.column.name, dec.column.name) == names)


def words_of(node: Any) -> list[str]:
    """Return the words of a part of the query."""
    if isinstance(node, TerminalNode):
        return [node.getText()]
    return [word for child in node.getChildren() for word in words_of(child)]


def qualifier_of(node: Any) -> str:
    """Return what stands before the dot of a column, without quotes."""
    return ".".join(plain_name(w) for w in words_of(node) if w != ".")


def column_of(columns: Sequence[Column], name: str) -> Column | None:
    """Return the column of a name, in any case."""
    return next((c for c in columns if c.name.lower() == name.lower()), None)


def star_of(sources: Sequence[Source]) -> Iterator[tuple[str, Column]]:
    """Yield all columns of tables, as * means them."""
    for source in sources:
        for column in source.columns:
            yield f"{source.sql}.{quoted(column.name)}", column
