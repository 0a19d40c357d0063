"""The syntax tree of an ADQL query, without knowledge of tables, types or SQLite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf


@dataclass(frozen=True)
class Number:
    """A number without sign; an `int` if it has neither a point nor an exponent."""

    value: int | float


@dataclass(frozen=True)
class Text:
    """Text in single quotes."""

    value: str


@dataclass(frozen=True)
class Truth:
    """TRUE or FALSE."""

    value: bool


@dataclass(frozen=True)
class Null:
    """NULL."""


@dataclass(frozen=True)
class Name:
    """A column with its qualifiers: `(column,)`, `(table, column)` and so on."""

    path: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True)
class Call:
    """A function call; COUNT(*) has `rows` instead of arguments."""

    name: str
    arguments: tuple[Expression, ...]
    distinct: bool = False
    rows: bool = False


@dataclass(frozen=True)
class Unary:
    """A sign, or `~`."""

    operator: str
    operand: Expression


@dataclass(frozen=True)
class Binary:
    """An operator of arithmetic or bits, or `||`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Comparison:
    """A comparison of two values."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Between:
    """BETWEEN."""

    value: Expression
    low: Expression
    high: Expression
    negated: bool


@dataclass(frozen=True)
class In:
    """IN, with a list of values or a query."""

    value: Expression
    among: tuple[Expression, ...] | Query
    negated: bool


@dataclass(frozen=True)
class Like:
    """LIKE or ILIKE."""

    value: Expression
    pattern: Expression
    any_case: bool
    negated: bool


@dataclass(frozen=True)
class IsNull:
    """IS NULL."""

    value: Expression
    negated: bool


@dataclass(frozen=True)
class Exists:
    """EXISTS."""

    query: Query


@dataclass(frozen=True)
class Logic:
    """AND or OR."""

    operator: OneOf["AND", "OR"]
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Not:
    """NOT."""

    operand: Expression


@dataclass(frozen=True)
class Scalar:
    """A query used as a value."""

    query: Query


@dataclass(frozen=True)
class Case:
    """CASE with conditions, or with an operand to compare."""

    operand: Expression | None
    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None


@dataclass(frozen=True)
class Cast:
    """CAST; `length` is that of CHAR and VARCHAR."""

    value: Expression
    type: str
    length: int | None


Expression = (
    Number
    | Text
    | Truth
    | Null
    | Name
    | Call
    | Unary
    | Binary
    | Comparison
    | Between
    | In
    | Like
    | IsNull
    | Exists
    | Logic
    | Not
    | Scalar
    | Case
    | Cast
)


@dataclass(frozen=True)
class Item:
    """A selected expression, or all columns if it is None (those of the table `star_of`)."""

    expression: Expression | None
    alias: str | None = None
    star_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableName:
    """A table in FROM."""

    path: tuple[str, ...]
    alias: str | None


@dataclass(frozen=True)
class DerivedTable:
    """A query in FROM."""

    query: Query
    alias: str


@dataclass(frozen=True)
class Join:
    """A join of two tables; `using` names the columns that USING merges."""

    kind: OneOf["INNER", "LEFT", "RIGHT", "FULL", "CROSS"]
    left: From
    right: From
    condition: Expression | None = None
    using: tuple[str, ...] | None = None
    natural: bool = False


From = TableName | DerivedTable | Join


@dataclass(frozen=True)
class Select:
    """One SELECT, without ORDER BY."""

    items: tuple[Item, ...]
    tables: tuple[From, ...]
    distinct: bool = False
    top: int | None = None
    where: Expression | None = None
    group_by: tuple[Expression, ...] = ()
    having: Expression | None = None


@dataclass(frozen=True)
class SetOperation:
    """UNION, EXCEPT or INTERSECT."""

    operator: str
    all: bool
    left: Body
    right: Body


@dataclass(frozen=True)
class SortKey:
    """A key of ORDER BY."""

    expression: Expression
    descending: bool


@dataclass(frozen=True)
class CommonTable:
    """A named query in WITH."""

    name: str
    columns: tuple[str, ...]
    query: Query


@dataclass(frozen=True)
class Query:
    """A query with WITH before it, and ORDER BY and OFFSET after it."""

    body: Body
    with_: tuple[CommonTable, ...] = ()
    order_by: tuple[SortKey, ...] = ()
    offset: int | None = None


Body = Select | SetOperation | Query
