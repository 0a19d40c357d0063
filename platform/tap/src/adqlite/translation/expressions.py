"""Expressions: names, values and conditions, each with its type."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from adqlite.adql import tree
from adqlite.errors import QueryError
from adqlite.translation import functions, shapes, sql, types
from adqlite.translation.sql import Sql
from adqlite.translation.terms import (
    ASCII,
    BOOLEAN,
    DOUBLE,
    LETTERS,
    LONG,
    VALUES,
    Kind,
    Scope,
    Source,
    Typed,
    column_of,
    kind_of,
    value_of,
)

_LARGEST = 2**63 - 1
_CONDITION, _NUMBER, _TEXT = (Kind.CONDITION, Kind.BOOLEAN), (Kind.NUMBER,), (Kind.TEXT,)


class Expressions:
    """Writes expressions, with a method for each kind of node."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self._writers: dict[type, Callable[[Any], Typed]] = {
            tree.Number: self._number,
            tree.Text: self._literal_text,
            tree.Truth: lambda node: value_of(sql.number(int(node.value)), BOOLEAN),
            tree.Null: lambda _: Typed(sql.NULL, Kind.NULL, ASCII),
            tree.Name: self._name,
            tree.Call: self._call,
            tree.Unary: self._unary,
            tree.Binary: self._binary,
            tree.Case: self._case,
            tree.Cast: lambda node: functions.cast(self.value(node.value), node.type, node.length),
            tree.Scalar: self._scalar,
            tree.Comparison: lambda node: self._comparison(node, hinted=False),
            tree.Between: self._between,
            tree.In: self._in,
            tree.Like: self._like,
            tree.IsNull: self._is_null,
            tree.Exists: self._exists,
            tree.Logic: self._logic,
            tree.Not: lambda node: _condition(sql.prefix("NOT", self.condition(node.operand))),
        }

    def subquery(self, query: tree.Query) -> tuple[str, list[Typed]]:
        """Writes a query inside an expression; also returns its columns."""
        raise NotImplementedError

    def value(self, node: tree.Expression) -> Typed:
        """Writes a value or a condition."""
        scope = self.scopes[-1]
        before = len(scope.bare)
        outer = [(around, len(around.bare)) for around in self.scopes[:-1]]
        found = self._writers[type(node)](node)
        if found.sql.text in scope.grouped:
            del scope.bare[before:]
        for around, known in outer:
            if found.sql.text in around.grouped:
                del around.bare[known:]
        return found

    def condition(self, node: tree.Expression) -> Sql:
        """Writes an expression that has to be a condition."""
        found = self.value(node)
        types.need(found, _CONDITION, "a condition")
        return found.sql

    def filter(self, node: tree.Expression) -> Sql:
        """Writes a condition for which false and NULL are equivalent.

        Only there, and through AND and OR, may it be combined with hints for an index: where a hint
        is false, the condition is false or NULL.
        """
        if isinstance(node, tree.Logic):
            return sql.infix(node.operator, self.filter(node.left), self.filter(node.right))
        if isinstance(node, tree.Comparison):
            return self._comparison(node, hinted=True).sql
        return self.condition(node)

    # Names and literals

    def source(self, path: tuple[str, ...]) -> Source:
        """Finds a table in FROM, starting with the innermost query."""
        qualifier = ".".join(path).lower()
        for scope in reversed(self.scopes):
            found = [s for s in scope.sources if qualifier in s.names]
            if len(found) > 1:
                raise QueryError(
                    f"{'.'.join(path)} names two tables; give them different names with AS"
                )
            if found:
                return found[0]
        raise QueryError(f"there is no table {'.'.join(path)} in FROM")

    def _name(self, node: tree.Name) -> Typed:
        *qualifier, name = node.path
        found = self._qualified(tuple(qualifier), name) if qualifier else self._bare(name)
        for scope in self.scopes:
            if found.source in scope.sources and not scope.within_aggregate:
                scope.bare.append(str(node))
        return found

    def _qualified(self, qualifier: tuple[str, ...], name: str) -> Typed:
        source = self.source(qualifier)
        found = list(columns_named(source, name))
        if not found:
            raise QueryError(f"there is no column {name} in {'.'.join(qualifier)}")
        return self._only(found, name)

    def _bare(self, name: str) -> Typed:
        for scope in reversed(self.scopes):
            if name.lower() in scope.merged:
                return scope.merged[name.lower()]
            found = [value for source in scope.sources for value in columns_named(source, name)]
            if found:
                return self._only(found, name)
        raise QueryError(f"there is no column {name} in the tables of the query")

    def _only(self, found: list[Typed], name: str) -> Typed:
        if len(found) > 1:
            first = found[0].source
            where = sorted(first.names)[0] if first else ""
            if all(value.source is first for value in found):
                raise QueryError(f"{where} has two columns {name}; give them names with AS")
            raise QueryError(
                f"the column {name} is in two tables; write which one, as in {where}.{name}"
            )
        return found[0]

    def _number(self, node: tree.Number) -> Typed:
        if isinstance(node.value, int) and node.value > _LARGEST:
            raise QueryError(f"{node.value} does not fit into 64 bits")
        column = LONG if isinstance(node.value, int) else DOUBLE
        return Typed(sql.number(node.value), Kind.NUMBER, column, number=float(node.value))

    def _literal_text(self, node: tree.Text) -> Typed:
        return value_of(sql.text(node.value), ASCII if node.value.isascii() else LETTERS)

    # Values

    def _call(self, node: tree.Call) -> Typed:
        name = node.name.lower()
        if name in functions.AGGREGATES:
            return self._aggregate(node)
        if node.rows or node.distinct:
            raise QueryError(f"{node.name} takes neither * nor DISTINCT")
        if name == "in_unit":
            functions.check_count(name, len(node.arguments), 2, 2)
            unit = node.arguments[1]
            if not isinstance(unit, tree.Text):
                raise QueryError("IN_UNIT needs a unit in quotes, as in IN_UNIT(energy, 'TeV')")
            return functions.in_unit(self.value(node.arguments[0]), unit.value)
        values = [self.value(argument) for argument in node.arguments]
        if name in shapes.FUNCTIONS:
            return shapes.call(node.name, values)
        if name == "coalesce":
            return functions.coalesce(values)
        if name == "nullif":
            return functions.nullif(values)
        return functions.call(node.name, values)

    def _aggregate(self, node: tree.Call) -> Typed:
        scope = self.scopes[-1]
        if scope.within_aggregate:
            raise QueryError(f"{node.name.upper()} cannot be within another aggregate")
        scope.aggregated = True
        if node.rows:
            if node.name.lower() != "count":
                raise QueryError(f"{node.name.upper()} needs a column, not *")
            return value_of(sql.call("count", sql.ROWS), LONG)
        functions.check_count(node.name, len(node.arguments), 1, 1)
        scope.within_aggregate = True
        try:
            value = self.value(node.arguments[0])
        finally:
            scope.within_aggregate = False
        return functions.aggregate(node.name, value, distinct=node.distinct)

    def _unary(self, node: tree.Unary) -> Typed:
        operand = node.operand
        if node.operator == "-" and isinstance(operand, tree.Number):
            if isinstance(operand.value, int) and operand.value > _LARGEST:
                # SQLite cannot read the smallest integer as a negated literal.
                smallest = sql.infix("-", sql.number(-_LARGEST), sql.number(1))
                return Typed(smallest, Kind.NUMBER, LONG, number=float(-operand.value))
            found = self._number(operand)
            return Typed(
                sql.prefix("-", found.sql), Kind.NUMBER, found.column, number=-float(operand.value)
            )
        value = self.value(operand)
        types.need(value, _NUMBER, node.operator)
        if node.operator == "~":
            _whole(value, "~")
        column = column_of(LONG if value.column.is_integer else DOUBLE, unit=value.column.unit)
        if node.operator == "+":
            return value_of(value.sql, column_of(value.column))
        written = sql.prefix(node.operator, value.sql)
        if node.operator == "-":
            written = types.exact(written, [value])
        return value_of(written, column)

    def _binary(self, node: tree.Binary) -> Typed:
        left, right = self.value(node.left), self.value(node.right)
        if node.operator == "||":
            for side in (left, right):
                types.need(side, _TEXT, "||")
            wide = "unicodeChar" in {left.column.datatype, right.column.datatype}
            return value_of(sql.infix("||", left.sql, right.sql), LETTERS if wide else ASCII)
        for side in (left, right):
            types.need(side, _NUMBER, node.operator)
        if node.operator in {"|", "&", "^"}:
            for side in (left, right):
                _whole(side, node.operator)
            return value_of(_bits(node.operator, left.sql, right.sql), LONG)
        column = types.arithmetic(node.operator, _numeric(left), _numeric(right))
        written = sql.infix(node.operator, left.sql, right.sql)
        return value_of(types.exact(written, [left, right]), column)

    def _case(self, node: tree.Case) -> Typed:
        operand = self.value(node.operand) if node.operand is not None else None
        branches: list[tuple[Sql, Typed]] = []
        for when, then in node.branches:
            if operand is None:
                condition = self.condition(when)
            else:
                pair = types.comparable(operand, self.value(when), "CASE")
                condition = sql.infix("=", *(side.sql for side in pair))
            branches.append((condition, self.value(then)))
        values = [value for _, value in branches]
        otherwise = self.value(node.otherwise) if node.otherwise is not None else None
        column = functions.unified([*values, *([otherwise] if otherwise else [])], "CASE")
        written = sql.case(
            ((condition, types.converted(value, column)) for condition, value in branches),
            types.converted(otherwise, column) if otherwise else None,
        )
        return Typed(written, kind_of(column), column)

    def _scalar(self, node: tree.Scalar) -> Typed:
        query, columns = self.subquery(node.query)
        if len(columns) != 1:
            raise QueryError(f"a query in an expression gives one column, not {len(columns)}")
        column = columns[0].column
        if columns[0].kind is Kind.ARRAY:
            raise QueryError("a query in an expression cannot give an array")
        # SQLite would silently use the first of several rows.
        written = sql.scalar(
            f"SELECT adql_only(count(*), max(`c1`)) FROM (SELECT `c1` FROM ({query}) LIMIT 2)"  # noqa: S608
        )
        return Typed(written, columns[0].kind, column_of(column))

    # Conditions

    def _comparison(self, node: tree.Comparison, *, hinted: bool) -> Typed:
        left, right = types.comparable(self.value(node.left), self.value(node.right), node.operator)
        condition = sql.infix(node.operator, left.sql, right.sql)
        hints = shapes.hints(node.operator, left, right) if hinted else []
        return _condition(sql.every([*hints, condition]))

    def _between(self, node: tree.Between) -> Typed:
        value, low, high = (self.value(part) for part in (node.value, node.low, node.high))
        value, low = types.comparable(value, low, "BETWEEN")
        value, high = types.comparable(value, high, "BETWEEN")
        return _negatable(sql.between(value.sql, low.sql, high.sql), node)

    def _in(self, node: tree.In) -> Typed:
        value = self.value(node.value)
        if isinstance(node.among, tree.Query):
            query, columns = self.subquery(node.among)
            if len(columns) != 1:
                raise QueryError(f"IN needs a query of one column, not {len(columns)}")
            value, _ = types.comparable(value, columns[0], "IN")
            return _negatable(sql.among(value.sql, query), node)
        items = []
        for item in node.among:
            value, other = types.comparable(value, self.value(item), "IN")
            items.append(other.sql)
        return _negatable(sql.among(value.sql, items), node)

    def _like(self, node: tree.Like) -> Typed:
        value, pattern = self.value(node.value), self.value(node.pattern)
        for side in (value, pattern):
            types.need(side, _TEXT, "ILIKE" if node.any_case else "LIKE")
        fits = functions.any_case if node.any_case else sql.like
        return _negatable(fits(value.sql, pattern.sql), node)

    def _is_null(self, node: tree.IsNull) -> Typed:
        value = self.value(node.value)
        types.need(value, VALUES, "IS NULL")
        return _negatable(sql.is_null(value.sql), node)

    def _exists(self, node: tree.Exists) -> Typed:
        return _condition(sql.exists(self.subquery(node.query)[0]))

    def _logic(self, node: tree.Logic) -> Typed:
        return _condition(
            sql.infix(node.operator, self.condition(node.left), self.condition(node.right))
        )


def columns_named(source: Source, name: str) -> Iterable[Typed]:
    """Yields the columns with this name, ignoring case."""
    for column, key in zip(source.columns, source.keys, strict=True):
        if column.name.lower() == name.lower():
            yield value_of(sql.name(source.alias, key), column, source=source)


def _condition(written: Sql) -> Typed:
    return Typed(written, Kind.CONDITION, BOOLEAN)


def _negatable(written: Sql, node: tree.Between | tree.In | tree.Like | tree.IsNull) -> Typed:
    return _condition(sql.negated(written, when=node.negated))


def _numeric(value: Typed) -> Any:
    return LONG if value.kind is Kind.NULL else value.column


def _whole(value: Typed, symbol: str) -> None:
    if value.kind is not Kind.NULL and not value.column.is_integer:
        raise QueryError(f"{symbol} needs integers, not values of type {value.column.datatype}")


def _bits(symbol: str, left: Sql, right: Sql) -> Sql:
    if symbol != "^":
        return sql.infix(symbol, left, right)
    # SQLite has no exclusive or.
    return sql.infix("-", sql.infix("|", left, right), sql.infix("&", left, right))
