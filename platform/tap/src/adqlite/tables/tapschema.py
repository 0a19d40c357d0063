"""TAP_SCHEMA: the tables that describe all tables, and themselves (TAP 1.1, section 4)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from adqlite.tables.metadata import Datatype, ForeignKey, Schema, Table, TableColumn
from adqlite.tables.rows import create, insert

#: Changes with the content, so that servers write it again.
VERSION = "3"


def _text(
    name: str, description: str, *, indexed: bool = False, letters: bool = False
) -> TableColumn:
    return TableColumn(
        name=name,
        datatype="unicodeChar" if letters else "char",
        arraysize="*",
        description=description,
        std=True,
        indexed=indexed,
    )


def _number(name: str, description: str, datatype: Datatype = "int") -> TableColumn:
    return TableColumn(name=name, datatype=datatype, description=description, std=True)


_SCHEMA_KEY = ForeignKey(target="tap_schema.schemas", columns={"schema_name": "schema_name"})

SCHEMA = Schema(
    name="reserved",  # the real name is reserved, so it is set below, without validation
    tables=(
        Table(
            name="schemas",
            description="Schemas of this service",
            columns=(
                _text("schema_name", "name of the schema", indexed=True),
                _text("utype", "data model term of the schema"),
                _text("description", "contents of the schema", letters=True),
                _number("schema_index", "recommended order of schemas"),
            ),
        ),
        Table(
            name="tables",
            description="Tables of this service",
            columns=(
                _text("schema_name", "schema of the table"),
                _text("table_name", "name of the table, with its schema", indexed=True),
                _text("table_type", "table or view"),
                _text("utype", "data model term of the table"),
                _text("description", "contents of the table", letters=True),
                _number("table_index", "recommended order of tables"),
            ),
            foreign_keys=(_SCHEMA_KEY,),
        ),
        Table(
            name="columns",
            description="Columns of the tables of this service",
            columns=(
                _text("table_name", "table of the column", indexed=True),
                _text("column_name", "name of the column"),
                _text("datatype", "type of values, a VOTable term"),
                _text("arraysize", "number of values in one cell, a VOTable term"),
                _text("xtype", "meaning of strings or arrays, a DALI term"),
                _number("size", "number of values in one cell; deprecated, see arraysize"),
                _text("description", "contents of the column", letters=True),
                _text("utype", "data model term of the column"),
                _text("unit", "unit of values, in VOUnits where possible", letters=True),
                _text("ucd", "kind of quantity, a Unified Content Descriptor"),
                _number("indexed", "1 if selection by this column uses an index"),
                _number("principal", "1 if most users want to see this column"),
                _number("std", "1 if a standard defines this column"),
                _number("column_index", "recommended order of columns"),
            ),
            foreign_keys=(
                ForeignKey(target="tap_schema.tables", columns={"table_name": "table_name"}),
            ),
        ),
        Table(
            name="keys",
            description="Foreign keys between tables of this service",
            columns=(
                _text("key_id", "name of the key", indexed=True),
                _text("from_table", "table that refers to another one"),
                _text("target_table", "table that is referred to"),
                _text("description", "meaning of the key", letters=True),
                _text("utype", "data model term of the key"),
            ),
            foreign_keys=(
                ForeignKey(target="tap_schema.tables", columns={"from_table": "table_name"}),
                ForeignKey(target="tap_schema.tables", columns={"target_table": "table_name"}),
            ),
        ),
        Table(
            name="key_columns",
            description="Columns of the foreign keys",
            columns=(
                _text("key_id", "name of the key", indexed=True),
                _text("from_column", "referring column"),
                _text("target_column", "column that is referred to"),
            ),
            foreign_keys=(ForeignKey(target="tap_schema.keys", columns={"key_id": "key_id"}),),
        ),
    ),
    description="Description of the tables of this service",
).model_copy(update={"name": "tap_schema"})


def fill(connection: sqlite3.Connection, schemas: Sequence[Schema]) -> None:
    """Writes the description of schemas into an empty database."""
    rows: dict[str, list[tuple[object, ...]]] = {table.name: [] for table in SCHEMA.tables}
    for schema_index, schema in enumerate(schemas):
        rows["schemas"].append((schema.name, schema.utype, schema.description, schema_index))
        for table_index, table in enumerate(schema.tables):
            name = f"{schema.name}.{table.name}"
            rows["tables"].append(
                (
                    schema.name,
                    name,
                    "table",
                    table.utype,
                    table.description or table.title,
                    table_index,
                )
            )
            rows["columns"].extend(
                _column_row(name, index, column, table)
                for index, column in enumerate(table.columns)
            )
            for number, key in enumerate(table.foreign_keys):
                key_id = f"{name}.{number}"
                rows["keys"].append((key_id, name, key.target, key.description or None, None))
                rows["key_columns"].extend((key_id, *pair) for pair in key.columns.items())
    for table in SCHEMA.tables:
        create(connection, "main", table.name, table.columns)
        insert(connection, "main", table.name, table.columns, rows[table.name])
    connection.commit()


def _column_row(name: str, index: int, column: TableColumn, table: Table) -> tuple[object, ...]:
    size = int(column.arraysize) if column.arraysize and column.arraysize.isdigit() else None
    indexed = column.indexed or column.name in (table.position or ())
    # `size` is a reserved word; the name listed is the one that a query has to contain.
    shown = '"size"' if column.name == "size" else column.name
    return (
        name,
        shown,
        column.datatype,
        column.arraysize,
        column.xtype,
        size,
        column.description,
        column.utype,
        column.unit,
        column.ucd,
        int(indexed),
        int(column.principal),
        int(column.std),
        index,
    )
