"""From ADQL to the SQL of SQLite.

The parse tree is written out again, each name in quotes, each function under a name of our own,
each table looked up first: what a query can reach is decided here, and once more by the authorizer
of the connection. Cones get a rectangle around them that an index answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from antlr4 import TerminalNode
from queryparser.adql.ADQLParser import ADQLParser as Grammar

from opendata.vo.engine import geometry
from opendata.vo.engine.errors import QueryError
from opendata.vo.engine.limits import Limits
from opendata.vo.engine.metadata import Column, Datatype, Table
from opendata.vo.engine.rows import quoted
from opendata.vo.engine.syntax import parse

FindTable = Callable[[str, str], tuple[str, Table | Sequence[Column]] | None]
UDFS = {
    "ivo_nocasematch": "ivo_nocasematch(value VARCHAR, pattern VARCHAR) -> INTEGER",
}
_PLAIN_FUNCTIONS = {"upper", "lower", "rand", "centroid", "coord1", "coord2", "area", *UDFS}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_MAKERS: dict[str, Callable[..., geometry.Shape]] = {
    "point": geometry.position,
    "circle": geometry.circle,
    "box": geometry.box,
    "polygon": geometry.polygon,
}
_MARGIN = 1e-9  # deg; rounding must not take a row out of the rectangle that is in the cone
_DOUBLE = Column(name="", datatype="double")
_LONG = Column(name="", datatype="long")


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
class _Source:
    names: set[str]
    columns: list[Column]
    sql: str
    table: Table | None = None


@dataclass
class _Scope:
    sources: list[_Source] = field(default_factory=list)
    aliases: dict[str, Column] = field(default_factory=dict)
    merged: bool = False  # NATURAL or USING: the columns of * are not simply all columns


@dataclass
class _Value:
    sql: str
    number: float | None = None
    column: Column | None = None
    source: _Source | None = None


@dataclass
class _Geometry:
    kind: str
    values: list[_Value]

    @property
    def sql(self) -> str:
        if self.kind == "text":
            return self.values[0].sql
        numbers = [v.number for v in self.values if v.number is not None]
        if len(numbers) == len(self.values):
            # Known now, so that it is not made again for each row.
            try:
                return f"'{_MAKERS[self.kind](*numbers)}'"
            except ValueError as error:
                raise QueryError(str(error)) from None
        return f"adql_{self.kind}({', '.join(v.sql for v in self.values)})"


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
    writer = _Writer(find_table)
    tree = parse(query, limits)
    try:
        sql, columns = writer.query_expression(tree.query_expression())
    except RecursionError:
        raise QueryError("the query is nested too deeply") from None
    return Translation(sql=sql, schemas=writer.schemas, columns=columns)


def _kind(node: Any) -> str:
    return type(node).__name__.removesuffix("Context")


def _unwrap(node: Any) -> Any:
    while node.getChildCount() == 1 and not isinstance(node.getChild(0), TerminalNode):
        node = node.getChild(0)
    return node


def _plain_name(text: str) -> str:
    return text[1:-1] if text.startswith('"') else text


class _Writer:
    def __init__(self, find_table: FindTable) -> None:
        self.find_table = find_table
        self.schemas: set[str] = set()
        self.scopes: list[_Scope] = []
        self.named: dict[str, list[Column]] = {}

    # Queries

    def query_expression(self, node: Any) -> tuple[str, list[Column] | None]:
        kind = _kind(node)
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
        withs = []
        for child in node.getChildren():
            if _kind(child) == "With_query":
                name = _plain_name(child.query_name().getText())
                if child.query_specification() is None:
                    inner = next(
                        (
                            c
                            for c in child.getChildren()
                            if _kind(c)
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
                given = [_plain_name(c.getText()) for c in child.column_name() or []]
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
        scope = _Scope()
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

    def from_clause(self, node: Any, scope: _Scope) -> str:
        return "FROM " + ", ".join(
            self.table_reference(child, scope) for child in node.table_reference()
        )

    def table_reference(self, node: Any, scope: _Scope) -> str:
        parts: list[str] = []
        children = list(node.getChildren())
        alias = next(
            (
                _plain_name(c.correlation_name().getText())
                for c in children
                if _kind(c) == "Correlation_specification"
            ),
            None,
        )
        for child in children:
            kind = _kind(child)
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
                parts.append(" ".join(_words(child)).upper())
            elif kind == "Join_specification":
                scope.merged |= child.join_condition() is None
                parts.append(self.write(child))
        return " ".join(parts)

    def table_name(self, node: Any, alias: str | None, scope: _Scope) -> str:
        schema_node = node.schema_name()
        schema = _plain_name(schema_node.getText()) if schema_node is not None else ""
        name = _plain_name(node.identifier().getText())
        names = {(alias or name).lower()}
        reference = quoted(alias or name)
        if not schema and name.lower() in self.named:
            source = _Source(names, self.named[name.lower()], reference)
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
            source = _Source(names, columns, reference, table if isinstance(table, Table) else None)
        scope.sources.append(source)
        return f"{sql} AS {quoted(alias)}" if alias else sql

    def derived_table(self, node: Any, alias: str | None, scope: _Scope) -> str:
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
        scope.sources.append(_Source({alias.lower()}, columns, quoted(alias)))
        return f"({sql}) AS {quoted(alias)}"

    # SELECT

    def select_list(self, node: Any, scope: _Scope) -> tuple[str, list[Column] | None]:
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
                expanded = list(_star(scope.sources))
            elif child.derived_column() is not None:
                sql, column = self.derived_column(child.derived_column(), scope, len(parts) + 1)
                parts.append(sql)
                if columns is not None:
                    columns.append(column)
                continue
            else:
                expanded = list(_star([self.source(_qualifier(child.qualifier()))]))
            parts.extend(f"{sql} AS {quoted(column.name)}" for sql, column in expanded)
            if columns is not None:
                columns.extend(column for _, column in expanded)
        return ", ".join(parts), columns

    def derived_column(self, node: Any, scope: _Scope, number: int) -> tuple[str, Column]:
        value = node.value_expression()
        sql = self.write(value)
        column = self.described(value) or Computed(name="")
        alias = node.as_clause()
        core = _unwrap(value)
        if alias is not None:
            name = _plain_name(alias.column_name().getText())
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
        core = _unwrap(node)
        kind = _kind(core)
        if kind in {"Regular_identifier", "Delimited_identifier", "Column_reference"}:
            return self.value(core).column
        if kind == "Value_expression_primary" and core.getChildCount() == 3:
            return self.described(core.getChild(1))
        if kind == "Set_function_specification":
            return _LONG
        if kind == "General_set_function":
            function = core.set_function_type().getText().upper()
            inner = self.described(core.value_expression())
            if function == "COUNT":
                return _LONG
            if inner is None or function in {"MIN", "MAX"}:
                return inner.model_copy(update={"name": ""}) if inner else None
            kept = {"name": "", "datatype": "double", "arraysize": None}
            if function == "SUM" and inner.is_integer:
                kept["datatype"] = "long"
            return inner.model_copy(update=kept)
        if kind == "Distance":
            return _DOUBLE.model_copy(update={"unit": "deg", "ucd": "pos.angDistance"})
        if kind in {"Point", "Circle", "Box", "Polygon", "Centroid"}:
            label = {"Point": "adql:POINT", "Centroid": "adql:POINT"}.get(kind, "adql:REGION")
            return Column(name="", datatype="char", arraysize="*", xtype=label)
        if kind == "Area":
            return _DOUBLE.model_copy(update={"unit": "deg**2"})
        if kind in {"Trig_function"}:
            return _DOUBLE
        return None

    # Names

    def source(self, qualifier: str) -> _Source:
        for scope in reversed(self.scopes):
            found = [s for s in scope.sources if qualifier.lower() in s.names]
            if len(found) > 1:
                raise QueryError(f"{qualifier} stands for two tables; name them with AS")
            if found:
                return found[0]
        raise QueryError(f"there is no table {qualifier} in FROM")

    def value(self, node: Any) -> _Value:
        """Look up a column, or take an expression as it is."""
        core = _unwrap(node)
        kind = _kind(core)
        if kind in {"Regular_identifier", "Delimited_identifier"}:
            return self._bare(_plain_name(core.getText()))
        if kind == "Column_reference" and core.qualifier() is not None:
            source = self.source(_qualifier(core.qualifier()))
            name = _plain_name(core.column_name().getText())
            column = _column(source.columns, name)
            if column is None:
                raise QueryError(f"there is no column {name} in {core.qualifier().getText()}")
            return _Value(f"{source.sql}.{quoted(column.name)}", column=column, source=source)
        text = core.getText()
        number = float(text) if _NUMBER.fullmatch(text) else None
        return _Value(self.write(core), number=number)

    def _bare(self, name: str) -> _Value:
        for scope in reversed(self.scopes):
            found = [(s, c) for s in scope.sources if (c := _column(s.columns, name)) is not None]
            if len(found) > 1 and not scope.merged:
                raise QueryError(
                    f"the column {name} is in two tables; write which one, as in "
                    f"{sorted(found[0][0].names)[0]}.{name}"
                )
            if found:
                source, column = found[0]
                sql = quoted(column.name)
                return _Value(
                    sql if scope.merged else f"{source.sql}.{sql}", column=column, source=source
                )
            if name.lower() in scope.aliases:
                return _Value(quoted(name), column=scope.aliases[name.lower()])
        raise QueryError(f"there is no column {name} in the tables of the query")

    # Everything below SELECT

    def write(self, node: Any) -> str:
        if isinstance(node, TerminalNode):
            return self._terminal(node)
        rule = getattr(self, f"_write_{_kind(node).lower()}", None)
        if rule is not None:
            return str(rule(node))
        return " ".join(self.write(child) for child in node.getChildren())

    def _terminal(self, node: Any) -> str:
        text = str(node.getText())
        kind = node.getSymbol().type
        if kind == Grammar.ID:
            return quoted(_plain_name(text))
        if text.startswith("'"):
            return "'" + text[1:-1].replace("''", "'").replace("'", "''") + "'"
        return text

    def _write_column_reference(self, node: Any) -> str:
        return self.value(node).sql

    def _write_sort_key(self, node: Any) -> str:
        core = _unwrap(node)
        if _kind(core) == "Unsigned_decimal":
            return str(int(core.getText()))
        if _kind(core) in {"Regular_identifier", "Delimited_identifier"}:
            name = _plain_name(core.getText())
            if name.lower() in self.scopes[-1].aliases:
                return quoted(name)
        return (
            self.value(core).sql
            if _kind(core) != "Column_name"
            else self._bare(_plain_name(core.getText())).sql
        )

    def _write_join_column_list(self, node: Any) -> str:
        return ", ".join(quoted(_plain_name(text)) for text in node.getText().split(","))

    def _write_subquery(self, node: Any) -> str:
        return f"({self.query_expression(node.query_expression())[0]})"

    def _write_user_defined_function(self, node: Any) -> str:
        name = node.user_defined_function_name().getText()
        if name.lower() not in _PLAIN_FUNCTIONS:
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

    # Geometry

    def geometry(self, node: Any) -> _Geometry:
        core = _unwrap(node)
        kind = _kind(core)
        if kind in {"Point", "Circle", "Box", "Polygon"}:
            needed = {"Point": 2, "Circle": 3, "Box": 4}.get(kind)
            values = list(self._coordinates(core))
            if needed is not None and len(values) != needed:
                raise QueryError(
                    f"{kind.upper()} needs {needed} numbers (and a point in place of "
                    f"the first two is allowed), not {len(values)}"
                )
            return _Geometry(kind.lower(), values)
        if kind == "Centroid":
            inner = self.geometry(core.getChild(2))
            return _Geometry("text", [_Value(f"adql_centroid({inner.sql})")])
        if kind == "Region":
            raise QueryError("REGION is not supported; use CIRCLE, BOX or POLYGON")
        return _Geometry("text", [self.value(core)])

    def _coordinates(self, node: Any) -> Iterator[_Value]:
        for child in node.getChildren():
            if isinstance(child, TerminalNode):
                continue
            core = _unwrap(child)
            if _kind(core) == "Coordinates":
                yield from self._coordinates(core)
            elif _kind(core) == "Point":
                yield from self.geometry(core).values
            elif _kind(child) == "Coord_sys" and core.getText().startswith("'"):
                if core.getText()[1:-1].strip().upper() not in {"", "ICRS", "J2000", "FK5"}:
                    raise QueryError(f"coordinates are ICRS here, {core.getText()} is not known")
            else:
                yield self.value(core)

    def _write_point(self, node: Any) -> str:
        return self.geometry(node).sql

    _write_circle = _write_point
    _write_box = _write_point
    _write_polygon = _write_point
    _write_centroid = _write_point
    _write_region = _write_point

    def _write_area(self, node: Any) -> str:
        return f"adql_area({self.geometry(node.getChild(2)).sql})"

    def _write_coord1(self, node: Any) -> str:
        return f"adql_coord1({self.geometry(node.getChild(2)).sql})"

    def _write_coord2(self, node: Any) -> str:
        return f"adql_coord2({self.geometry(node.getChild(2)).sql})"

    def _write_extract_coordsys(self, node: Any) -> str:
        return "'ICRS'"

    def _write_contains(self, node: Any) -> str:
        inner, outer = self.geometry(node.getChild(2)), self.geometry(node.getChild(4))
        if inner.kind == "point":
            return self._point_in(inner.values, outer)
        return f"adql_contains({inner.sql}, {outer.sql})"

    def _write_intersects(self, node: Any) -> str:
        first, second = self.geometry(node.getChild(2)), self.geometry(node.getChild(4))
        for one, other in ((first, second), (second, first)):
            if one.kind == "point":
                return self._point_in(one.values, other)
        return f"adql_intersects({first.sql}, {second.sql})"

    def _predicate(self, node: Any) -> str:
        sides = [node.getChild(0), node.getChild(2)]
        function = next(s for s in sides if _kind(_unwrap(s)) in {"Contains", "Intersects"})
        other = next(s for s in sides if s is not function).getText()
        sql = self.write(_unwrap(function))
        if other not in {"0", "1"}:
            return f"({sql}) = {self.write(next(s for s in sides if s is not function))}"
        # A condition by itself, not one that is compared with 1: only then an index can help.
        return f"({sql})" if other == "1" else f"(NOT ({sql}))"

    _write_contains_predicate = _predicate
    _write_intersects_predicate = _predicate

    def _write_comparison_predicate(self, node: Any) -> str:
        left, operator, right = (node.getChild(i) for i in range(3))
        symbol = operator.getText()
        if _kind(_unwrap(left)) in {"Contains", "Intersects"} or _kind(_unwrap(right)) in {
            "Contains",
            "Intersects",
        }:
            if symbol == "=":
                return self._predicate(node)
        elif _kind(_unwrap(left)) == "Distance" and symbol in {"<", "<="}:
            return self._within(_unwrap(left), symbol, right)
        elif _kind(_unwrap(right)) == "Distance" and symbol in {">", ">="}:
            return self._within(_unwrap(right), symbol.replace(">", "<"), left)
        return f"{self.write(left)} {symbol} {self.write(right)}"

    def _within(self, distance: Any, symbol: str, radius: Any) -> str:
        points = self._distance_points(distance)
        sql = self.write(distance)
        limit = self.value(radius)
        condition = f"{sql} {symbol} {limit.sql}"
        if points is None:
            return condition
        rectangle = self._rectangle(points[:2], points[2:], limit)
        return f"({' AND '.join([*rectangle, condition])})"

    def _distance_points(self, node: Any) -> list[_Value] | None:
        values: list[_Value] = []
        for child in node.getChildren():
            if isinstance(child, TerminalNode):
                continue
            if _kind(child) == "Coord_value":
                shape = self.geometry(child)
                if shape.kind != "point":
                    return None
                values.extend(shape.values)
            else:
                values.append(self.value(child))
        return values if len(values) == 4 else None

    def _write_distance(self, node: Any) -> str:
        values = self._distance_points(node)
        if values is not None:
            return f"adql_separation({', '.join(v.sql for v in values)})"
        shapes = [self.geometry(c).sql for c in node.getChildren() if _kind(c) == "Coord_value"]
        return f"adql_distance({', '.join(shapes)})"

    def _point_in(self, point: list[_Value], shape: _Geometry) -> str:
        if shape.kind == "circle":
            centre, radius = shape.values[:2], shape.values[2]
            test = f"adql_separation({', '.join(v.sql for v in [*point, *centre])}) <= {radius.sql}"
            return " AND ".join([*self._rectangle(point, centre, radius), test])
        if shape.kind == "point":
            pairs = ", ".join(v.sql for v in [*point, *shape.values])
            return f"adql_separation({pairs}) <= 1e-12"
        values = ", ".join(v.sql for v in [*point, *shape.values])
        if shape.kind == "box":
            test = f"adql_in_box({values})"
        else:
            test = f"adql_contains(adql_point({', '.join(v.sql for v in point)}), {shape.sql})"
        numbers = [v.number for v in shape.values]
        if shape.kind != "text" and None not in numbers:
            given = [n for n in numbers if n is not None]
            try:
                cap = _MAKERS[shape.kind](*given).cap()
            except ValueError as error:
                raise QueryError(str(error)) from None
            if cap is not None:
                values_of_cap = [_Value(repr(n), number=n) for n in cap]
                return " AND ".join(
                    [*self._rectangle(point, values_of_cap[:2], values_of_cap[2]), test]
                )
        return test

    def _rectangle(self, point: list[_Value], centre: list[_Value], radius: _Value) -> list[str]:
        """Write conditions that every direction in a cone fulfils, and that indexes answer."""
        conditions: list[str] = []
        # Which of the two is the table does not matter for the distance, but for the index.
        for (ra, dec), (ra0, dec0) in (
            ((point[0], point[1]), (centre[0], centre[1])),
            ((centre[0], centre[1]), (point[0], point[1])),
        ):
            if not _is_position(ra, dec):
                continue
            if radius.number is None or dec0.number is None:
                reach = f"({radius.sql} + {_MARGIN!r})"
                conditions.append(
                    f"{dec.sql} BETWEEN {dec0.sql} - {reach} AND {dec0.sql} + {reach}"
                )
                continue
            reach_dec = max(radius.number, 0.0) + _MARGIN
            low, high = dec0.number - reach_dec, dec0.number + reach_dec
            conditions.append(f"{dec.sql} BETWEEN {low!r} AND {high!r}")
            if ra0.number is None:
                continue
            reach_ra = geometry.ra_reach(dec0.number, radius.number)
            if reach_ra is not None:
                middle = ra0.number % 360
                low, high = middle - reach_ra - _MARGIN, middle + reach_ra + _MARGIN
                ranges = [(low, high)]
                if low <= 0:
                    ranges.append((low + 360, high + 360))
                if high >= 360:
                    ranges.append((low - 360, high - 360))
                conditions.append(
                    "(" + " OR ".join(f"{ra.sql} BETWEEN {a!r} AND {b!r}" for a, b in ranges) + ")"
                )
        return conditions


def _is_position(ra: _Value, dec: _Value) -> bool:
    """Whether two values are the position columns of a published table, whose range is known."""
    if ra.source is None or ra.source is not dec.source or ra.source.table is None:
        return False
    names = ra.source.table.position
    return bool(names and ra.column and dec.column and (ra.column.name, dec.column.name) == names)


def _words(node: Any) -> list[str]:
    if isinstance(node, TerminalNode):
        return [node.getText()]
    return [word for child in node.getChildren() for word in _words(child)]


def _qualifier(node: Any) -> str:
    return ".".join(_plain_name(w) for w in _words(node) if w != ".")


def _column(columns: Sequence[Column], name: str) -> Column | None:
    return next((c for c in columns if c.name.lower() == name.lower()), None)


def _star(sources: Sequence[_Source]) -> Iterator[tuple[str, Column]]:
    for source in sources:
        for column in source.columns:
            yield f"{source.sql}.{quoted(column.name)}", column
