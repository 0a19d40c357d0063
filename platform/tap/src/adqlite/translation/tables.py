"""FROM: tables, subqueries and joins."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from adqlite.adql import tree
from adqlite.errors import QueryError
from adqlite.tables.metadata import Column, Table
from adqlite.translation import sql, types
from adqlite.translation.expressions import Expressions, columns_named
from adqlite.translation.sql import Sql
from adqlite.translation.terms import Scope, Source, Typed, column_of, value_of

FindTable = Callable[[str, str], tuple[str, Table | Sequence[Column]] | None]


class Tables(Expressions):
    """Writes FROM. Each table gets an alias that is unique in the query."""

    def __init__(self, find_table: FindTable) -> None:
        super().__init__()
        self.find_table = find_table
        self.schemas: set[str] = set()
        self.common: dict[str, tuple[str, list[Column]]] = {}
        self._numbers = itertools.count(1)

    def new_alias(self) -> str:
        """Returns a new alias for a table."""
        return f"t{next(self._numbers)}"

    def is_column(self, name: str) -> bool:
        """Returns whether a column of the innermost query has this name."""
        scope = self.scopes[-1]
        return name.lower() in scope.merged or any(
            list(columns_named(source, name)) for source in scope.sources
        )

    def columns_of(self, source: Source) -> list[Typed]:
        """Returns the columns of one table."""
        return [
            value_of(sql.name(source.alias, key), column, source=source)
            for column, key in zip(source.columns, source.keys, strict=True)
        ]

    def all_columns(self) -> list[Typed]:
        """Returns the columns of *: those merged by a join come first, and once."""
        scope = self.scopes[-1]
        rest = [value for source in scope.sources for value in self.columns_of(source)]
        return [
            *scope.merged.values(),
            *(value for value in rest if value.column.name.lower() not in scope.merged),
        ]

    def from_clause(self, tables: Sequence[tree.From], scope: Scope) -> str:
        """Writes FROM and adds its tables to the scope."""
        written = [self._table(table, scope) for table in tables]
        if len(tables) > 1:
            # In SQLite a comma is a join like any other; in ADQL JOIN has precedence.
            pairs = zip(tables, written, strict=True)
            written = [f"({text})" if isinstance(t, tree.Join) else text for t, text in pairs]
        return "FROM " + ", ".join(written)

    def _table(self, node: tree.From, scope: Scope) -> str:
        if isinstance(node, tree.Join):
            return self._join(node, scope)
        if isinstance(node, tree.DerivedTable):
            return self._derived_table(node, scope)
        return self._named_table(node, scope)

    def _named_table(self, node: tree.TableName, scope: Scope) -> str:
        *qualifier, name = node.path
        alias = self.new_alias()
        names = {(node.alias or name).lower()}
        if not qualifier and name.lower() in self.common:
            written, columns = self.common[name.lower()]
            scope.sources.append(_selected(names, alias, columns))
            return f"{sql.name(written)} AS {sql.name(alias)}"
        schema = qualifier[-1] if qualifier else ""
        found = self.find_table(schema, name) if len(qualifier) < 2 else None
        if found is None:
            hint = "" if qualifier else "; write it with its schema, for example tap_schema.tables"
            raise QueryError(f"there is no table {'.'.join(node.path)}{hint}")
        database, table = found
        self.schemas.add(database.lower())
        if node.alias is None:
            names.add(f"{schema}.{name}".lower())
        real = table.name if isinstance(table, Table) else name
        columns = list(table.columns if isinstance(table, Table) else table)
        scope.sources.append(
            Source(
                frozenset(names),
                alias,
                tuple(columns),
                tuple(column.name for column in columns),
                table if isinstance(table, Table) else None,
            )
        )
        return f"{sql.name(database, real)} AS {sql.name(alias)}"

    def _derived_table(self, node: tree.DerivedTable, scope: Scope) -> str:
        outer, self.scopes = (
            self.scopes,
            self.scopes[:-1],
        )  # not LATERAL: tables beside it are not visible
        try:
            written, selected = self.subquery(node.query)
        finally:
            self.scopes = outer
        alias = self.new_alias()
        columns = [value.column for value in selected]
        scope.sources.append(_selected({node.alias.lower()}, alias, columns))
        return f"({written}) AS {sql.name(alias)}"

    # Joins

    def _join(self, node: tree.Join, scope: Scope) -> str:
        first = len(scope.sources)
        merged, scope.merged = scope.merged, {}
        left = self._table(node.left, scope)
        left_merged, scope.merged = scope.merged, {}
        middle = len(scope.sources)
        right = self._table(node.right, scope)
        right_merged = scope.merged
        sides = (scope.sources[first:middle], left_merged), (scope.sources[middle:], right_merged)
        scope.merged = {**left_merged, **right_merged}
        condition = self._on(node, scope, sides)
        scope.merged = {**merged, **scope.merged}
        # Parentheses keep a join on the right together; its aliases stay visible.
        inner = f"({right})" if isinstance(node.right, tree.Join) else right
        kind = (
            "INNER" if node.kind == "CROSS" else node.kind
        )  # CROSS would fix the join order in SQLite
        return f"{left} {kind} JOIN {inner}{condition}"

    def _on(self, node: tree.Join, scope: Scope, sides: _Sides) -> str:
        if node.kind == "CROSS":
            return ""
        if node.condition is not None:
            return f" ON {self._within(node.condition, scope, sides)}"
        names = node.using if node.using is not None else _shared(sides)
        conditions = [self._merge(name, node, scope, sides) for name in names]
        return f" ON {sql.every(conditions)}" if conditions else " ON 1"

    def _within(self, condition: tree.Expression, scope: Scope, sides: _Sides) -> Sql:
        """Writes the condition of a join, which sees only the tables of the join."""
        everything, scope.sources = scope.sources, [*sides[0][0], *sides[1][0]]
        try:
            return self.filter(condition)
        finally:
            scope.sources = everything

    def _merge(self, name: str, node: tree.Join, scope: Scope, sides: _Sides) -> Sql:
        """Writes the equality of a column on both sides; adds the merged one to the scope."""
        left, right = (_column(name, *side) for side in sides)
        left, right = types.comparable(left, right, "USING")
        column = types.common([left.column, right.column], "USING")
        column = column.model_copy(update={"name": left.column.name})
        if node.kind == "FULL":
            both = [types.converted(value, column) for value in (left, right)]
            merged = value_of(sql.call("coalesce", *both), column)
        else:
            merged = right if node.kind == "RIGHT" else left
        scope.merged[name.lower()] = merged
        return sql.infix("=", left.sql, right.sql)


_Side = tuple[Sequence[Source], dict[str, Typed]]
_Sides = tuple[_Side, _Side]


def _selected(names: set[str], alias: str, columns: Sequence[Column]) -> Source:
    """Returns a query as a source; in SQL its columns are called c1, c2 and so on."""
    keys = tuple(f"c{number}" for number in range(1, len(columns) + 1))
    described = tuple(column_of(c, name=c.name, description=c.description) for c in columns)
    return Source(frozenset(names), alias, described, keys)


def _names(sources: Sequence[Source], merged: dict[str, Typed]) -> list[str]:
    names = [column.name.lower() for source in sources for column in source.columns]
    return list(dict.fromkeys([*merged, *names]))


def _shared(sides: _Sides) -> list[str]:
    """Returns the names of the columns that NATURAL JOIN compares."""
    left, right = (_names(*side) for side in sides)
    return [name for name in left if name in right]


def _column(name: str, sources: Sequence[Source], merged: dict[str, Typed]) -> Typed:
    if name.lower() in merged:
        return merged[name.lower()]
    found = [value for source in sources for value in columns_named(source, name)]
    if len(found) != 1:
        many = "in two tables" if found else "not"
        raise QueryError(f"USING: the column {name} is {many} on one side of the join")
    return found[0]
