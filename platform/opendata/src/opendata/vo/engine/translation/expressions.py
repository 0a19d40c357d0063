"""Everything below SELECT: names, functions and conditions."""

from __future__ import annotations

from typing import Any

from antlr4 import TerminalNode
from queryparser.adql.ADQLParser import ADQLParser as Grammar

from opendata.vo.engine.errors import QueryError
from opendata.vo.engine.metadata import Column
from opendata.vo.engine.rows import quoted
from opendata.vo.engine.translation.terms import (
    NUMBER,
    PLAIN_FUNCTIONS,
    FindTable,
    Scope,
    Source,
    Value,
    column_of,
    plain_name,
    qualifier_of,
    rule_of,
    unwrap,
)


class Expressions:
    """Writes expressions; a rule of the grammar that needs more than its parts has a method."""

    def __init__(self, find_table: FindTable) -> None:
        self.find_table = find_table
        self.schemas: set[str] = set()
        self.scopes: list[Scope] = []
        self.named: dict[str, list[Column]] = {}

    def query_expression(self, node: Any) -> tuple[str, list[Column] | None]:
        """Write a query inside of an expression."""
        raise NotImplementedError

    # Names

    def source(self, qualifier: str) -> Source:
        """Find a table of FROM, the innermost query first."""
        for scope in reversed(self.scopes):
            found = [s for s in scope.sources if qualifier.lower() in s.names]
            if len(found) > 1:
                raise QueryError(f"{qualifier} stands for two tables; name them with AS")
            if found:
                return found[0]
        raise QueryError(f"there is no table {qualifier} in FROM")

    def value(self, node: Any) -> Value:
        """Look up a column, or take an expression as it is."""
        core = unwrap(node)
        kind = rule_of(core)
        if kind in {"Regular_identifier", "Delimited_identifier"}:
            return self._bare(plain_name(core.getText()))
        if kind == "Column_reference" and core.qualifier() is not None:
            source = self.source(qualifier_of(core.qualifier()))
            name = plain_name(core.column_name().getText())
            column = column_of(source.columns, name)
            if column is None:
                raise QueryError(f"there is no column {name} in {core.qualifier().getText()}")
            return Value(f"{source.sql}.{quoted(column.name)}", column=column, source=source)
        text = core.getText()
        number = float(text) if NUMBER.fullmatch(text) else None
        return Value(self.write(core), number=number)

    def _bare(self, name: str) -> Value:
        for scope in reversed(self.scopes):
            found = [(s, c) for s in scope.sources if (c := column_of(s.columns, name)) is not None]
            if len(found) > 1 and not scope.merged:
                raise QueryError(
                    f"the column {name} is in two tables; write which one, as in "
                    f"{sorted(found[0][0].names)[0]}.{name}"
                )
            if found:
                source, column = found[0]
                sql = quoted(column.name)
                return Value(
                    sql if scope.merged else f"{source.sql}.{sql}", column=column, source=source
                )
            if name.lower() in scope.aliases:
                return Value(quoted(name), column=scope.aliases[name.lower()])
        raise QueryError(f"there is no column {name} in the tables of the query")

    # Everything below SELECT

    def write(self, node: Any) -> str:
        """Write a part of the query by the rule that it has, else part by part."""
        if isinstance(node, TerminalNode):
            return self._terminal(node)
        rule = getattr(self, f"_write_{rule_of(node).lower()}", None)
        if rule is not None:
            return str(rule(node))
        return " ".join(self.write(child) for child in node.getChildren())

    def _terminal(self, node: Any) -> str:
        text = str(node.getText())
        kind = node.getSymbol().type
        if kind == Grammar.ID:
            return quoted(plain_name(text))
        if text.startswith("'"):
            return "'" + text[1:-1].replace("''", "'").replace("'", "''") + "'"
        return text

    def _write_column_reference(self, node: Any) -> str:
        return self.value(node).sql

    def _write_sort_key(self, node: Any) -> str:
        core = unwrap(node)
        if rule_of(core) == "Unsigned_decimal":
            return str(int(core.getText()))
        if rule_of(core) in {"Regular_identifier", "Delimited_identifier"}:
            name = plain_name(core.getText())
            if name.lower() in self.scopes[-1].aliases:
                return quoted(name)
        return (
            self.value(core).sql
            if rule_of(core) != "Column_name"
            else self._bare(plain_name(core.getText())).sql
        )

    def _write_join_column_list(self, node: Any) -> str:
        return ", ".join(quoted(plain_name(text)) for text in node.getText().split(","))

    def _write_subquery(self, node: Any) -> str:
        return f"({self.query_expression(node.query_expression())[0]})"

    def _write_user_defined_function(self, node: Any) -> str:
        name = node.user_defined_function_name().getText()
        if name.lower() not in PLAIN_FUNCTIONS:
            raise QueryError(f"there is no function {name}")
        values = ", ".join(self.write(p) for p in node.user_defined_function_param() or [])
        return f"adql_{name.lower()}({values})"

    def _call(self, node: Any) -> str:
        name = node.getChild(0).getText().lower()
        rest = " ".join(self.write(c) for c in list(node.getChildren())[1:])
        return f"adql_{name}{rest}"

    _write_math_function = _call
    _write_trig_function = _call

    def _write_char_function(self, node: Any) -> str:
        return self._call(node)

    def _write_numeric_value_expression(self, node: Any) -> str:
        parts = [self.write(child) for child in node.getChildren()]
        if len(parts) == 3 and parts[1] == "^":
            return f"(({parts[0]} | {parts[2]}) - ({parts[0]} & {parts[2]}))"
        return " ".join(parts)

    def _write_like_predicate(self, node: Any) -> str:
        words = [self.write(c) for c in node.getChildren()]
        if words[-2].upper() == "ILIKE":
            negation = "NOT " if words[1].upper() == "NOT" else ""
            return f"adql_lower({words[0]}) {negation}LIKE adql_lower({words[-1]})"
        return " ".join(words)
