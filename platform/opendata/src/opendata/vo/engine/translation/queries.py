"""SELECT, FROM and what combines queries."""

from __future__ import annotations

import re
from typing import Any

from antlr4 import TerminalNode

from opendata.vo.engine.errors import QueryError
from opendata.vo.engine.limits import Limits
from opendata.vo.engine.metadata import Column, Table
from opendata.vo.engine.rows import quoted
from opendata.vo.engine.syntax import parse
from opendata.vo.engine.translation.shapes import Shapes
from opendata.vo.engine.translation.terms import (
    DOUBLE,
    LONG,
    Computed,
    FindTable,
    Scope,
    Source,
    Translation,
    plain_name,
    qualifier_of,
    rule_of,
    star_of,
    unwrap,
    words_of,
)


def translate(query: str, find_table: FindTable, limits: Limits) -> Translation:
    """Translate an ADQL query.

    Parameters
    ----------
    query : str
    find_table : callable
        Gives, for the names of a schema ('' for none) and a table, the schema's name in the
        database and the table, or None.
    limits : Limits

    Raises
    ------
    QueryError
        The query is not ADQL, or asks for what does not exist.
    """
    writer = Queries(find_table)
    tree = parse(query, limits)
    try:
        sql, columns = writer.query_expression(tree.query_expression())
    except RecursionError:
        raise QueryError("the query is nested too deeply") from None
    return Translation(sql=sql, schemas=writer.schemas, columns=columns)


class Queries(Shapes):
    """Writes whole queries."""

    def query_expression(self, node: Any) -> tuple[str, list[Column] | None]:
        """Write a query, or queries combined by UNION and its like; give its columns too."""
        kind = rule_of(node)
        if kind == "Select_query":
            return self.select_query(node)
        if kind == "Query_specification":
            return self.query_specification(node)
        children = list(node.getChildren())
        texts = [c.getText().upper() if isinstance(c, TerminalNode) else "" for c in children]
        if texts[0] == "(":
            sql, columns = self.query_expression(children[1])
            return f"SELECT * FROM ({sql})", columns  # noqa: S608 - written by this class
        if len(children) == 1:
            return self.query_expression(children[0])
        if kind == "Joined_table" or not {"UNION", "EXCEPT", "INTERSECT"} & set(texts):
            raise QueryError("a join needs a SELECT before it")
        if "ALL" in texts and "UNION" not in texts:
            raise QueryError(f"{texts[1]} ALL is not supported; leave out ALL")
        left, columns = self.query_expression(children[0])
        right, others = self.query_expression(children[-1])
        if columns is not None and others is not None:
            if len(columns) != len(others):
                raise QueryError(f"{texts[1]} of {len(columns)} and {len(others)} columns")
            columns = [
                a if a.datatype == b.datatype else Computed(name=a.name)
                for a, b in zip(columns, others, strict=True)
            ]
        operator = " ".join(t for t in texts if t)
        return f"{self._member(children[0], left)} {operator} " + self._member(
            children[-1], right
        ), columns

    def _member(self, node: Any, sql: str) -> str:
        """Write a part of UNION; SQLite refuses LIMIT in it."""
        if " LIMIT " in sql or sql.startswith("WITH"):
            return f"SELECT * FROM ({sql})"  # noqa: S608 - written by this class
        return sql

    def query_specification(self, node: Any) -> tuple[str, list[Column] | None]:
        """Write a query with the named queries before it."""
        withs = []
        for child in node.getChildren():
            if rule_of(child) == "With_query":
                name = plain_name(child.query_name().getText())
                if child.query_specification() is None:
                    inner = next(
                        (
                            c
                            for c in child.getChildren()
                            if rule_of(c)
                            in {"Query_expression", "Select_query", "Query_specification"}
                        ),
                        None,
                    )
                else:
                    inner = child.query_specification()
                if inner is None:
                    raise QueryError(f"WITH {name} has no query")
                sql, columns = self.query_expression(inner)
                if columns is None:
                    raise QueryError(f"name the columns of WITH {name}")
                given = [plain_name(c.getText()) for c in child.column_name() or []]
                if given and len(given) != len(columns):
                    raise QueryError(f"WITH {name} names {len(given)} of {len(columns)} columns")
                named = columns
                if given:
                    named = [
                        c.model_copy(update={"name": n}) for c, n in zip(named, given, strict=True)
                    ]
                self.named[name.lower()] = named
                names = ", ".join(quoted(c.name) for c in named)
                withs.append(f"{quoted(name)}({names}) AS ({sql})")
        sql, out = self.query_expression(node.select_query())
        return (f"WITH {', '.join(withs)} {sql}" if withs else sql), out

    def select_query(self, node: Any) -> tuple[str, list[Column] | None]:
        """Write a SELECT."""
        scope = Scope()
        self.scopes.append(scope)
        try:
            body = node.table_expression()
            from_sql = self.from_clause(body.from_clause(), scope)
            quantifier = node.set_quantifier()
            select, columns = self.select_list(node.select_list(), scope)
            parts = ["SELECT", quantifier.getText().upper() if quantifier else "", select, from_sql]
            for clause in (
                body.where_clause(),
                body.group_by_clause(),
                body.having_clause(),
                body.order_by_clause(),
            ):
                if clause is not None:
                    parts.append(self.write(clause))
            top = node.set_limit()
            offset = body.offset_clause()
            if top is not None or offset is not None:
                count = int(top.unsigned_decimal().getText()) if top is not None else -1
                parts.append(f"LIMIT {min(count, 2**62)}")
            if offset is not None:
                parts.append(f"OFFSET {min(int(offset.unsigned_decimal().getText()), 2**62)}")
            return " ".join(p for p in parts if p), columns
        finally:
            self.scopes.pop()

    # FROM

    def from_clause(self, node: Any, scope: Scope) -> str:
        """Write FROM, and note its tables."""
        return "FROM " + ", ".join(
            self.table_reference(child, scope) for child in node.table_reference()
        )

    def table_reference(self, node: Any, scope: Scope) -> str:
        """Write a table, a subquery or a join."""
        parts: list[str] = []
        children = list(node.getChildren())
        alias = next(
            (
                plain_name(c.correlation_name().getText())
                for c in children
                if rule_of(c) == "Correlation_specification"
            ),
            None,
        )
        for child in children:
            kind = rule_of(child)
            if isinstance(child, TerminalNode):
                word = child.getText().upper()
                scope.merged |= word == "NATURAL"
                parts.append(word)
            elif kind == "Table_name":
                parts.append(self.table_name(child, alias, scope))
            elif kind == "Derived_table":
                parts.append(self.derived_table(child, alias, scope))
            elif kind in {"Table_reference", "Joined_table"}:
                parts.append(self.table_reference(child, scope))
            elif kind == "Join_type":
                parts.append(" ".join(words_of(child)).upper())
            elif kind == "Join_specification":
                scope.merged |= child.join_condition() is None
                parts.append(self.write(child))
        return " ".join(parts)

    def table_name(self, node: Any, alias: str | None, scope: Scope) -> str:
        """Write the name of a table, and note its columns."""
        schema_node = node.schema_name()
        schema = plain_name(schema_node.getText()) if schema_node is not None else ""
        name = plain_name(node.identifier().getText())
        names = {(alias or name).lower()}
        reference = quoted(alias or name)
        if not schema and name.lower() in self.named:
            source = Source(names, self.named[name.lower()], reference)
            sql = quoted(name)
        else:
            found = self.find_table(schema, name)
            if found is None:
                full = f"{schema}.{name}" if schema else name
                hint = "" if schema else "; write it with its schema, for example ant20_01.main"
                raise QueryError(f"there is no table {full}{hint}")
            database, table = found
            self.schemas.add(database.lower())
            real = table.name if isinstance(table, Table) else name
            sql = f"{quoted(database)}.{quoted(real)}"
            if alias is None:
                names.add(f"{schema}.{name}".lower())
                reference = sql
            columns = list(table.columns if isinstance(table, Table) else table)
            source = Source(names, columns, reference, table if isinstance(table, Table) else None)
        scope.sources.append(source)
        return f"{sql} AS {quoted(alias)}" if alias else sql

    def derived_table(self, node: Any, alias: str | None, scope: Scope) -> str:
        """Write a subquery in FROM."""
        outer, self.scopes = self.scopes, self.scopes[:-1]  # not LATERAL: siblings are not visible
        try:
            sql, columns = self.query_expression(
                node.table_subquery().subquery().query_expression()
            )
        finally:
            self.scopes = outer
        if columns is None:
            raise QueryError(
                f"name the columns of the subquery {alias}: * after a NATURAL or "
                "USING join is not supported there"
            )
        if alias is None:
            raise QueryError("a subquery in FROM needs a name: (SELECT ...) AS name")
        scope.sources.append(Source({alias.lower()}, columns, quoted(alias)))
        return f"({sql}) AS {quoted(alias)}"

    # SELECT

    def select_list(self, node: Any, scope: Scope) -> tuple[str, list[Column] | None]:
        """Write what is selected, with the columns where they are known."""
        parts: list[str] = []
        columns: list[Column] | None = []
        for child in node.getChildren():
            if isinstance(child, TerminalNode):
                if child.getText() != "*":
                    continue
                if scope.merged:
                    parts.append("*")
                    columns = None
                    continue
                expanded = list(star_of(scope.sources))
            elif child.derived_column() is not None:
                sql, column = self.derived_column(child.derived_column(), scope, len(parts) + 1)
                parts.append(sql)
                if columns is not None:
                    columns.append(column)
                continue
            else:
                expanded = list(star_of([self.source(qualifier_of(child.qualifier()))]))
            parts.extend(f"{sql} AS {quoted(column.name)}" for sql, column in expanded)
            if columns is not None:
                columns.extend(column for _, column in expanded)
        return ", ".join(parts), columns

    def derived_column(self, node: Any, scope: Scope, number: int) -> tuple[str, Column]:
        """Write one selected expression, with its column."""
        value = node.value_expression()
        sql = self.write(value)
        column = self.described(value) or Computed(name="")
        alias = node.as_clause()
        core = unwrap(value)
        if alias is not None:
            name = plain_name(alias.column_name().getText())
            scope.aliases[name.lower()] = column
        elif column.name:
            name = column.name
        else:
            first = re.match(r"\w+", core.getText())
            is_call = first and core.getText()[first.end() : first.end() + 1] == "("
            name = f"{first.group().lower()}_{number}" if first and is_call else f"col_{number}"
        if column.name != name:
            column = column.model_copy(update={"name": name})
        return f"{sql} AS {quoted(name)}", column

    def described(self, node: Any) -> Column | None:  # noqa: PLR0911 - one a rule
        """Tell type and unit of an expression where they follow from the query."""
        core = unwrap(node)
        kind = rule_of(core)
        if kind in {"Regular_identifier", "Delimited_identifier", "Column_reference"}:
            return self.value(core).column
        if kind == "Value_expression_primary" and core.getChildCount() == 3:
            return self.described(core.getChild(1))
        if kind == "Set_function_specification":
            return LONG
        if kind == "General_set_function":
            function = core.set_function_type().getText().upper()
            inner = self.described(core.value_expression())
            if function == "COUNT":
                return LONG
            if inner is None or function in {"MIN", "MAX"}:
                return inner.model_copy(update={"name": ""}) if inner else None
            kept = {"name": "", "datatype": "double", "arraysize": None}
            if function == "SUM" and inner.is_integer:
                kept["datatype"] = "long"
            return inner.model_copy(update=kept)
        if kind == "Distance":
            return DOUBLE.model_copy(update={"unit": "deg", "ucd": "pos.angDistance"})
        if kind in {"Point", "Circle", "Box", "Polygon", "Centroid"}:
            label = {"Point": "adql:POINT", "Centroid": "adql:POINT"}.get(kind, "adql:REGION")
            return Column(name="", datatype="char", arraysize="*", xtype=label)
        if kind == "Area":
            return DOUBLE.model_copy(update={"unit": "deg**2"})
        if kind in {"Trig_function"}:
            return DOUBLE
        return None
