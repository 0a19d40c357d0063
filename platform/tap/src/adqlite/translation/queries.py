"""SELECT, set operations and WITH."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from adqlite.adql import parse, tree
from adqlite.errors import QueryError
from adqlite.limits import Limits
from adqlite.tables.metadata import Column
from adqlite.translation import sql, types
from adqlite.translation.tables import FindTable, Tables
from adqlite.translation.terms import (
    VALUES,
    Kind,
    Scope,
    Translation,
    Typed,
    kind_of,
)

_MOST_ROWS = 2**62


def translate(query: str, find_table: FindTable, limits: Limits) -> Translation:
    """Translates an ADQL query.

    Parameters
    ----------
    query : str
    find_table : callable
        Returns, for the names of a schema ('' for none) and a table, the schema's name in the
        database and the table, or None.
    limits : Limits

    Raises
    ------
    QueryError
        The query is not ADQL, or names something that does not exist.
    """
    writer = Queries(find_table)
    parsed = parse(query, limits)
    try:
        written, selected = writer.query(parsed)
    except RecursionError:
        raise QueryError("the query is nested too deeply") from None
    return Translation(written, writer.schemas, [value.column for value in selected])


@dataclass(frozen=True)
class _Written:
    """Queries in SQL.

    Attributes
    ----------
    text : str
    selected : tuple of Typed
        The columns.
    form : str
        `select`, `set` (several SELECT) or `limited` (with a clause that no part of a set has).
    """

    text: str
    selected: tuple[Typed, ...]
    form: str = "select"

    def part(self, *forms: str) -> str:
        """Returns the text as a part of a set; other forms than these become a subquery."""
        return self.text if self.form in forms else f"SELECT * FROM ({self.text})"  # noqa: S608


class Queries(Tables):
    """Writes whole queries; the columns of each are called c1, c2 and so on in the SQL."""

    def subquery(self, query: tree.Query) -> tuple[str, list[Typed]]:
        """Writes a query inside an expression."""
        return self.query(query)

    def query(self, node: tree.Query) -> tuple[str, list[Typed]]:
        """Writes a query with its WITH clause."""
        written = self._query(node)
        return written.text, list(written.selected)

    def _query(self, node: tree.Query) -> _Written:
        outer, self.common = self.common, dict(self.common)
        try:
            named = [self._common_table(table) for table in node.with_]
            written = self._sorted(node)
        finally:
            self.common = outer
        if not named:
            return written
        return replace(written, text=f"WITH {', '.join(named)} {written.text}", form="limited")

    def _common_table(self, node: tree.CommonTable) -> str:
        # Named queries see only the named queries before them, no tables of outer queries.
        outer, self.scopes = self.scopes, []
        try:
            written, selected = self.query(node.query)
        finally:
            self.scopes = outer
        columns = [value.column for value in selected]
        if node.columns:
            if len(node.columns) != len(columns):
                raise QueryError(
                    f"WITH {node.name} names {len(node.columns)} of {len(columns)} columns"
                )
            columns = [
                column.model_copy(update={"name": name})
                for column, name in zip(columns, node.columns, strict=True)
            ]
        alias = self.new_alias()
        self.common[node.name.lower()] = (alias, columns)
        return f"{sql.name(alias)} AS ({written})"

    def _sorted(self, node: tree.Query) -> _Written:
        """Writes a query with ORDER BY and OFFSET; TOP applies after sorting."""
        if isinstance(node.body, tree.Select):
            return self._select(node.body, node.order_by, node.offset)
        written = self._body(node.body)
        keys = [self._position(key, written.selected) for key in node.order_by]
        return _limited(written, keys, None, node.offset)

    def _body(self, node: tree.Body) -> _Written:
        if isinstance(node, tree.Select):
            return self._select(node, (), None)
        if isinstance(node, tree.Query):
            return self._query(node)
        if node.all and node.operator != "UNION":
            raise QueryError(f"{node.operator} ALL is not supported; leave out ALL")
        left, right = self._body(node.left), self._body(node.right)
        if len(left.selected) != len(right.selected):
            raise QueryError(
                f"{node.operator} of {len(left.selected)} and {len(right.selected)} columns"
            )
        columns = [
            self._together(pair, node.operator, number)
            for number, pair in enumerate(zip(left.selected, right.selected, strict=True), 1)
        ]
        operator = f"{node.operator} ALL" if node.all else node.operator
        # In SQLite all set operators have the same precedence.
        text = (
            f"{_converted(left, columns).part('select', 'set')} {operator} "
            f"{_converted(right, columns).part('select')}"
        )
        selected = tuple(
            Typed(
                sql.name(f"c{number}"),
                Kind.NULL if one.kind is Kind.NULL is other.kind else kind_of(column),
                column,
            )
            for number, (one, other, column) in enumerate(
                zip(left.selected, right.selected, columns, strict=True), 1
            )
        )
        return _Written(text, selected, "set")

    def _together(self, pair: tuple[Typed, Typed], operator: str, number: int) -> Column:
        where = f"column {number} of {operator}"
        found = types.common([types.type_of(value) for value in pair], where)
        return found.model_copy(update={"name": pair[0].column.name})

    def _select(
        self, node: tree.Select, order_by: Sequence[tree.SortKey], offset: int | None
    ) -> _Written:
        scope = Scope()
        self.scopes.append(scope)
        try:
            tables = self.from_clause(node.tables, scope)
            where = f" WHERE {self.filter(node.where)}" if node.where is not None else ""
            scope.bare.clear()
            if scope.aggregated:
                raise QueryError("an aggregate cannot be in WHERE or ON; use HAVING")
            groups = [self._group(key, node.items) for key in node.group_by]
            scope.bare.clear()
            scope.grouped = {str(group) for group in groups}
            selected: list[Typed] = []
            for item in node.items:
                selected += self._item(item, scope, len(selected) + 1)
            having = f" HAVING {self.filter(node.having)}" if node.having is not None else ""
            keys = [self._sort_key(key, selected) for key in order_by]
            if scope.bare and (groups or scope.aggregated or having):
                raise QueryError(
                    f"the column {scope.bare[0]} is neither in GROUP BY nor in an aggregate"
                )
        finally:
            self.scopes.pop()
        outputs = ", ".join(
            f"{value.sql} AS {sql.name(f'c{number}')}" for number, value in enumerate(selected, 1)
        )
        distinct = "DISTINCT " if node.distinct else ""
        grouped = f" GROUP BY {', '.join(map(_as_expression, groups))}" if groups else ""
        text = f"SELECT {distinct}{outputs} {tables}{where}{grouped}{having}"
        return _limited(_Written(text, tuple(selected)), keys, node.top, offset)

    def _group(self, key: tree.Expression, items: Sequence[tree.Item]) -> sql.Sql:
        """Writes a key of GROUP BY: an expression, or the alias of one."""
        if isinstance(key, tree.Name) and len(key.path) == 1 and not self.is_column(key.path[0]):
            name = key.path[0].lower()
            key = next(
                (i.expression for i in items if i.expression and (i.alias or "").lower() == name),
                key,
            )
        found = self.value(key)
        types.need(found, VALUES, "GROUP BY")
        return found.sql

    def _item(self, item: tree.Item, scope: Scope, number: int) -> list[Typed]:
        if item.expression is None:
            found = (
                self.columns_of(self.source(item.star_of)) if item.star_of else self.all_columns()
            )
            scope.bare.extend(value.column.name for value in found)
            return found
        value = self.value(item.expression)
        types.need(value, VALUES, "SELECT")
        name = item.alias or value.column.name
        if not name:
            node = item.expression
            name = f"{node.name.lower() if isinstance(node, tree.Call) else 'col'}_{number}"
        return [replace(value, column=value.column.model_copy(update={"name": name}))]

    # Sorting

    def _sort_key(self, key: tree.SortKey, selected: Sequence[Typed]) -> str:
        node = key.expression
        names = {value.column.name.lower() for value in selected}
        if isinstance(node, tree.Number) or (
            isinstance(node, tree.Name) and len(node.path) == 1 and node.path[0].lower() in names
        ):
            return self._position(key, selected)
        value = self.value(node)
        types.need(value, VALUES, "ORDER BY")
        return f"{_as_expression(value.sql)}{' DESC' if key.descending else ''}"

    def _position(self, key: tree.SortKey, selected: Sequence[Typed]) -> str:
        """Writes a key of ORDER BY that is a column of the result."""
        node = key.expression
        numbers: list[int] = []
        if isinstance(node, tree.Number) and isinstance(node.value, int):
            numbers = [node.value] if 1 <= node.value <= len(selected) else []
        elif isinstance(node, tree.Name) and len(node.path) == 1:
            numbers = [
                number
                for number, value in enumerate(selected, 1)
                if value.column.name.lower() == node.path[0].lower()
            ]
        else:
            raise QueryError("ORDER BY: use the name or the number of a selected column here")
        if not numbers:
            raise QueryError(f"ORDER BY: no column {_shown(node)} is selected")
        if len({selected[number - 1].sql for number in numbers}) > 1:
            raise QueryError(f"ORDER BY: two selected columns are called {_shown(node)}")
        return f"{numbers[0]}{' DESC' if key.descending else ''}"


def _shown(node: tree.Expression) -> str:
    return str(node.value if isinstance(node, tree.Number) else node)


def _as_expression(written: sql.Sql) -> str:
    """Returns SQL that ORDER BY and GROUP BY do not mistake for the number of a column."""
    return f"+{written}" if written.text.isdecimal() else str(written)


def _limited(
    written: _Written, keys: Sequence[str], top: int | None, offset: int | None
) -> _Written:
    text = written.text
    if keys:
        text += f" ORDER BY {', '.join(keys)}"
    if top is not None or offset is not None:
        text += f" LIMIT {-1 if top is None else min(top, _MOST_ROWS)}"
    if offset is not None:
        text += f" OFFSET {min(offset, _MOST_ROWS)}"
    return replace(written, text=text, form=written.form if text == written.text else "limited")


def _converted(written: _Written, columns: Sequence[Column]) -> _Written:
    """Returns the queries with their columns converted to common types."""
    cells = []
    for number, (value, column) in enumerate(zip(written.selected, columns, strict=True), 1):
        key = sql.name(f"c{number}")
        cells.append(types.converted(replace(value, sql=key), column))
    if all(cell == sql.name(f"c{number}") for number, cell in enumerate(cells, 1)):
        return written
    listed = ", ".join(f"{cell} AS {sql.name(f'c{n}')}" for n, cell in enumerate(cells, 1))
    return _Written(f"SELECT {listed} FROM ({written.text})", written.selected)  # noqa: S608
