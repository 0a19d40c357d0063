"""What an ADQL query says, as a tree; nothing here knows tables, types or SQLite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf


@dataclass(frozen=True)
class Number:
    """A number, written without sign: an `int` where it has neither point nor exponent."""

    value: int | float


@dataclass(frozen=True)
class Text:
    """A text in single quotes."""

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
    """A column, with what stands before it: `(column,)`, `(table, column)` and so on."""

    path: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True)
class Call:
    """A function; COUNT(*) has `rows` in place of arguments."""

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
    """Arithmetic, bits, or `||`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Comparison:
    """Two values compared."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Between:
    """A value within two others."""

    value: Expression
    low: Expression
    high: Expression
    negated: bool


@dataclass(frozen=True)
class In:
    """A value among others, or among the rows of a query."""

    value: Expression
    among: tuple[Expression, ...] | Query
    negated: bool


@dataclass(frozen=True)
class Like:
    """A text that fits a pattern."""

    value: Expression
    pattern: Expression
    any_case: bool
    negated: bool


@dataclass(frozen=True)
class IsNull:
    """A value that is missing."""

    value: Expression
    negated: bool


@dataclass(frozen=True)
class Exists:
    """A query that has rows."""

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
    """The one value of a query."""

    query: Query


@dataclass(frozen=True)
class Case:
    """CASE with conditions, or with an operand that is compared."""

    operand: Expression | None
    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None


@dataclass(frozen=True)
class Cast:
    """A value in another type; `length` is of CHAR and VARCHAR."""

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
    """A selected expression; without one, all columns (of a table where `star_of` is given)."""

    expression: Expression | None
    alias: str | None = None
    star_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableName:
    """A table of FROM."""

    path: tuple[str, ...]
    alias: str | None


@dataclass(frozen=True)
class DerivedTable:
    """A query in FROM."""

    query: Query
    alias: str


@dataclass(frozen=True)
class Join:
    """Two tables; `using` is None except where USING or NATURAL merge columns."""

    kind: OneOf["INNER", "LEFT", "RIGHT", "FULL", "CROSS"]
    left: From
    right: From
    condition: Expression | None = None
    using: tuple[str, ...] | None = None
    natural: bool = False


From = TableName | DerivedTable | Join


@dataclass(frozen=True)
class Select:
    """One SELECT, without what sorts its rows."""

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
    """What rows are sorted by."""

    expression: Expression
    descending: bool


@dataclass(frozen=True)
class CommonTable:
    """A named query of WITH."""

    name: str
    columns: tuple[str, ...]
    query: Query


@dataclass(frozen=True)
class Query:
    """A query with what comes before and after it."""

    body: Body
    with_: tuple[CommonTable, ...] = ()
    order_by: tuple[SortKey, ...] = ()
    offset: int | None = None


Body = Select | SetOperation | Query
