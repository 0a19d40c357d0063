"""From the text of a query to its tree."""

from __future__ import annotations

import math
import time
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args

from adqlite.adql import tree
from adqlite.errors import QueryError, QueryTimeout
from adqlite.limits import Limits

_LARGEST = 2**63  # only after a minus sign may an integer be this large


def parse(query: str, limits: Limits) -> tree.Query:
    """Parses an ADQL query.

    Raises
    ------
    QueryError
        The query is too long, too deeply nested or not ADQL.
    QueryTimeout
        Parsing takes longer than `limits.parse_seconds`.
    """
    if len(query) > limits.query_characters:
        raise QueryError(
            f"the query has {len(query)} characters; at most {limits.query_characters} are "
            "allowed, so upload a table instead of a long list"
        )
    bad = next((c for c in query if ord(c) < 32 and c not in "\t\r\n\f"), None)
    if bad is not None:
        raise QueryError(f"the query contains the control character {bad!r}")
    if not query.strip():
        raise QueryError("the query is empty")
    deadline = time.monotonic() + limits.parse_seconds
    depth = 0
    try:
        parser = _grammar().parse_interactive(query)
        for number, token in enumerate(parser.iter_parse()):
            depth += (token.type == "LPAR") - (token.type == "RPAR")
            if depth > limits.nesting:
                raise QueryError(f"the query is nested deeper than {limits.nesting} parentheses")
            if number % 256 == 255 and time.monotonic() > deadline:
                raise QueryTimeout("parsing the query timed out; write a shorter one")
        result: tree.Query = parser.feed_eof()  # type: ignore[no-untyped-call]
    except UnexpectedCharacters as error:
        raise QueryError(_unknown_character(error, query)) from None
    except UnexpectedToken as error:
        raise QueryError(_unexpected(error, query)) from None
    return result


@lru_cache(1)
def _grammar() -> Lark:
    return Lark.open_from_package(
        __name__,
        "grammar.lark",
        parser="lalr",
        lexer="basic",
        transformer=_Tree(),
        maybe_placeholders=False,
    )


def _place(line: int, column: int) -> str:
    return f"line {line}, character {column}"


def _unknown_character(error: UnexpectedCharacters, query: str) -> str:
    place, character = _place(error.line, error.column), query[error.pos_in_stream or 0]
    if character in "'\"":
        return f"this is not valid ADQL: {place}: the quote {character} is not closed"
    hint = "; put a name with such characters in double quotes" if not character.isascii() else ""
    return f"this is not valid ADQL: {place} near {character!r}{hint}"


def _unexpected(error: UnexpectedToken, query: str) -> str:
    token: Token = error.token
    if error.expected == {"AS", "IDENTIFIER", "QUOTED"}:
        return "a query in FROM needs a name, as in FROM (SELECT ...) AS q"
    before = query[: token.start_pos].upper().split()
    if (token.type == "INTEGER" and before[-1:] == ["LIMIT"]) or str(token).upper() == "LIMIT":
        return "ADQL has no LIMIT; write SELECT TOP 10 ..., and OFFSET at the end"
    if token.type == "$END":
        return "this is not valid ADQL: the query is incomplete at its end"
    place = _place(token.line or 1, token.column or 1)
    if error.expected <= {"$END", "SEMICOLON"}:
        return f"the query should end before {str(token)!r} ({place})"
    hint = ""
    if "IDENTIFIER" in error.expected and str(token)[:1].isalpha():
        hint = "; this is a reserved word: to use it as a name, put it in double quotes"
    elif "QUOTED" in error.expected and token.type != "STRING":
        hint = "; a name is expected here"
    return f"this is not valid ADQL: {place} near {str(token)!r}{hint}"


def _without_quotes(token: Token) -> str:
    quote = token[0]
    return str(token[1:-1]).replace(quote * 2, quote)


def _integer(value: int) -> tree.Number:
    if value > _LARGEST:
        raise QueryError(f"{value} does not fit into 64 bits; write it with a point or an exponent")
    return tree.Number(value)


def _words(items: list[Any]) -> set[str]:
    return {item.type for item in items if isinstance(item, Token)}


def _nodes(items: list[Any]) -> list[Any]:
    return [item for item in items if not isinstance(item, Token)]


def _clauses(items: list[Any]) -> dict[str, Any]:
    return {key: value for item in items if isinstance(item, dict) for key, value in item.items()}


class _Tree(Transformer[Token, Any]):
    """Builds the tree; each rule of the grammar has a method of the same name."""

    # Names and literals

    def name(self, items: list[Token]) -> str:
        token = items[0]
        return _without_quotes(token) if token.type == "QUOTED" else str(token)

    def names(self, items: list[str]) -> tuple[str, ...]:
        return tuple(items)

    def dotted(self, items: list[Any]) -> tuple[str, ...]:
        return (*items[0], items[1]) if len(items) > 1 else (items[0],)

    def column(self, items: list[Any]) -> tree.Name:
        return tree.Name(items[0])

    def integer(self, items: list[Token]) -> tree.Number:
        return _integer(int(items[0]))

    def hexadecimal(self, items: list[Token]) -> tree.Number:
        return _integer(int(items[0], 16))

    def real(self, items: list[Token]) -> tree.Number:
        value = float(items[0])
        if math.isinf(value):
            raise QueryError(f"{items[0]} is larger than any number of double precision")
        return tree.Number(value)

    def string(self, items: list[Token]) -> tree.Text:
        return tree.Text("".join(map(_without_quotes, items)))

    def true(self, _: list[Any]) -> tree.Truth:
        return tree.Truth(True)

    def false(self, _: list[Any]) -> tree.Truth:
        return tree.Truth(False)

    def null(self, _: list[Any]) -> tree.Null:
        return tree.Null()

    # Values

    @v_args(inline=True)
    def binary(self, left: Any, operator: Token, right: Any) -> tree.Binary:
        return tree.Binary(str(operator), left, right)

    @v_args(inline=True)
    def unary(self, operator: Token, operand: Any) -> tree.Unary:
        return tree.Unary(str(operator), operand)

    def arguments(self, items: list[Any]) -> tuple[Any, ...]:
        return tuple(items)

    def quantifier(self, items: list[Token]) -> Token:
        return items[0]

    def call(self, items: list[Any]) -> tree.Call:
        name, *rest = _nodes(items)
        return tree.Call(".".join(name), rest[0] if rest else (), "DISTINCT" in _words(items))

    def call_of_rows(self, items: list[Any]) -> tree.Call:
        return tree.Call(".".join(items[0]), (), rows=True)

    def when(self, items: list[Any]) -> tuple[Any, Any]:
        return items[0], items[1]

    def case(self, items: list[Any]) -> tree.Case:
        branches = [item for item in items if isinstance(item, tuple)]
        first = items.index(branches[0])
        rest = items[first + len(branches) :]
        return tree.Case(
            operand=items[0] if first else None,
            branches=tuple(branches),
            otherwise=rest[0] if rest else None,
        )

    def type_name(self, items: list[Token]) -> tuple[str, int | None]:
        length = next((int(item) for item in items if item.type == "INTEGER"), None)
        return " ".join(str(i).upper() for i in items if i.type == "IDENTIFIER"), length

    @v_args(inline=True)
    def cast(self, value: Any, type_name: tuple[str, int | None]) -> tree.Cast:
        return tree.Cast(value, *type_name)

    @v_args(inline=True)
    def subquery(self, query: tree.Query) -> tree.Query:
        return query

    @v_args(inline=True)
    def scalar(self, query: tree.Query) -> tree.Scalar:
        return tree.Scalar(query)

    # Conditions

    @v_args(inline=True)
    def or_(self, left: Any, right: Any) -> tree.Logic:
        return tree.Logic("OR", left, right)

    @v_args(inline=True)
    def and_(self, left: Any, right: Any) -> tree.Logic:
        return tree.Logic("AND", left, right)

    def not_(self, items: list[Any]) -> tree.Not:
        return tree.Not(items[-1])

    @v_args(inline=True)
    def comparison(self, left: Any, operator: Token, right: Any) -> tree.Comparison:
        symbol = "<>" if operator == "!=" else str(operator)
        return tree.Comparison(symbol, left, right)

    def between(self, items: list[Any]) -> tree.Between:
        value, low, high = _nodes(items)
        return tree.Between(value, low, high, "NOT" in _words(items))

    def values(self, items: list[Any]) -> tuple[Any, ...]:
        return tuple(items)

    def in_values(self, items: list[Any]) -> tree.In:
        value, among = _nodes(items)
        return tree.In(value, among, "NOT" in _words(items))

    in_query = in_values

    def like(self, items: list[Any]) -> tree.Like:
        words = _words(items)
        value, pattern = _nodes(items)
        return tree.Like(value, pattern, "ILIKE" in words, "NOT" in words)

    def is_null(self, items: list[Any]) -> tree.IsNull:
        return tree.IsNull(items[0], negated="NOT" in _words(items))

    def exists(self, items: list[Any]) -> tree.Exists:
        return tree.Exists(items[0])

    # Tables

    @v_args(inline=True)
    def table_name(self, path: tuple[str, ...], alias: str | None = None) -> tree.TableName:
        return tree.TableName(path, alias)

    @v_args(inline=True)
    def derived_table(self, query: tree.Query, alias: str) -> tree.DerivedTable:
        return tree.DerivedTable(query, alias)

    def join_kind(self, items: list[Token]) -> Token:
        return items[0]

    def _join(self, items: list[Any], **more: Any) -> tree.Join:
        kind = next(iter(_words(items)), "INNER")
        left, right, *rest = _nodes(items)
        for key in ("condition", "using"):
            if key in more:
                more[key] = rest[0]
        return tree.Join(kind, left, right, **more)  # type: ignore[arg-type]

    def natural_join(self, items: list[Any]) -> tree.Join:
        return self._join(items, natural=True)

    def join_on(self, items: list[Any]) -> tree.Join:
        return self._join(items, condition=None)

    def join_using(self, items: list[Any]) -> tree.Join:
        return self._join(items, using=None)

    def cross_join(self, items: list[Any]) -> tree.Join:
        return tree.Join("CROSS", items[0], items[1])

    # Queries

    def star(self, _: list[Any]) -> tree.Item:
        return tree.Item(None)

    def star_of(self, items: list[Any]) -> tree.Item:
        return tree.Item(None, star_of=items[0])

    def item(self, items: list[Any]) -> tree.Item:
        return tree.Item(*items)

    def select(self, items: list[Any]) -> tree.Select:
        parts = _clauses(items)
        return tree.Select(distinct="DISTINCT" in _words(items), **parts)

    def top(self, items: list[Token]) -> dict[str, Any]:
        return {"top": int(items[0])}

    def items(self, items: list[tree.Item]) -> dict[str, Any]:
        return {"items": tuple(items)}

    def with_clause(self, items: list[tree.CommonTable]) -> dict[str, Any]:
        return {"with_": tuple(items)}

    def from_clause(self, items: list[Any]) -> dict[str, Any]:
        return {"tables": tuple(items)}

    def where(self, items: list[Any]) -> dict[str, Any]:
        return {"where": items[0]}

    def group_by(self, items: list[Any]) -> dict[str, Any]:
        return {"group_by": tuple(items)}

    def having(self, items: list[Any]) -> dict[str, Any]:
        return {"having": items[0]}

    def set_operation(self, items: list[Any]) -> tree.SetOperation:
        left, right = _nodes(items)
        operator = str(items[1]).upper()
        return tree.SetOperation(operator, "ALL" in _words(items), left, right)

    def sort_key(self, items: list[Any]) -> tree.SortKey:
        return tree.SortKey(items[0], "DESC" in _words(items))

    def order_by(self, items: list[Any]) -> dict[str, Any]:
        return {"order_by": tuple(items)}

    def offset(self, items: list[Token]) -> dict[str, Any]:
        return {"offset": int(items[0])}

    def common_table(self, items: list[Any]) -> tree.CommonTable:
        name, *columns, query = items
        return tree.CommonTable(name, columns[0] if columns else (), query)

    def query(self, items: list[Any]) -> tree.Query:
        parts = _clauses(items)
        body = next(item for item in items if not isinstance(item, dict))
        return tree.Query(body, **parts)

    @v_args(inline=True)
    def start(self, query: tree.Query) -> tree.Query:
        return query
