"""Descriptions of tables, the source of TAP_SCHEMA, VOSI tables and result columns."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Datatype = Literal["boolean", "short", "int", "long", "float", "double", "char", "unicodeChar"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
#: UCDs of the columns with the main position of a row: right ascension, declination.
POSITION = ("pos.eq.ra;meta.main", "pos.eq.dec;meta.main")
#: Schemas that cannot be published: names of SQLite and of the services.
RESERVED_SCHEMAS = {"main", "temp", "tap_schema", "tap_upload"}


def _regular(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is not a regular ADQL name: use letters, digits and _, with a letter first"
        )
    return name


def _unit(text: str | None) -> str | None:
    """Returns a unit as written: people can use one that VOUnits does not have."""
    if text and not text.isprintable():
        raise ValueError(f"the unit {text!r} contains unprintable characters")
    return text or None


Name = Annotated[str, AfterValidator(_regular)]


class Column(BaseModel):
    """One column, in the terms of VOTable."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    datatype: Datatype
    arraysize: str | None = None
    xtype: str | None = None
    unit: str | None = None
    ucd: str | None = None
    utype: str | None = None
    description: str = ""
    principal: bool = True
    indexed: bool = False
    std: bool = False

    @property
    def is_text(self) -> bool:
        """Whether values are strings."""
        return self.datatype in {"char", "unicodeChar"}

    @property
    def is_integer(self) -> bool:
        """Whether values are integers."""
        return self.datatype in {"short", "int", "long"}

    @property
    def is_float(self) -> bool:
        """Whether values are real numbers."""
        return self.datatype in {"float", "double"}

    @property
    def is_array(self) -> bool:
        """Whether a cell holds several numbers."""
        return self.arraysize is not None and not self.is_text

    @model_validator(mode="after")
    def _text_has_length(self) -> Column:
        if self.is_text and self.arraysize is None:
            raise ValueError(f"column {self.name}: text needs an arraysize, for example '*'")
        return self


class TableColumn(Column):
    """A column of a published table; its name needs no quotes in ADQL."""

    name: Name
    unit: Annotated[str | None, AfterValidator(_unit)] = None
    label: str | None = Field(default=None, description="name in cone searches, if different")


class ForeignKey(BaseModel):
    """Columns of a table that point to a row of another table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: str = Field(description="schema.table")
    columns: dict[str, str] = Field(description="column here: column there")
    description: str = ""


class Table(BaseModel):
    """One published table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    title: str = ""
    description: str = ""
    utype: str | None = None
    columns: tuple[TableColumn, ...] = Field(min_length=1)
    foreign_keys: tuple[ForeignKey, ...] = ()
    examples: dict[str, str] = Field(default_factory=dict, description="title: ADQL")
    rows: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _columns_differ(self) -> Table:
        names = [column.name.lower() for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError(f"table {self.name}: two columns have the same name")
        return self

    def column(self, name: str) -> TableColumn | None:
        """Returns the column of this name, in any case, or None."""
        return next((c for c in self.columns if c.name.lower() == name.lower()), None)

    @property
    def position(self) -> tuple[str, str] | None:
        """Names of the columns with the main position (right ascension, declination)."""
        found = [[c.name for c in self.columns if _is_main(c.ucd, axis)] for axis in ("ra", "dec")]
        return (found[0][0], found[1][0]) if all(found) else None

    @property
    def identifier(self) -> str | None:
        """Name of the column with the main identifier."""
        return next(
            (c.name for c in self.columns if (c.ucd or "").lower() == "meta.id;meta.main"), None
        )


def _is_main(ucd: str | None, axis: str) -> bool:
    return (ucd or "").lower() in {f"pos.eq.{axis};meta.main", f"pos_eq_{axis}_main"}


class Schema(BaseModel):
    """Tables that are published together, in one file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    title: str = ""
    description: str = ""
    utype: str | None = None
    tables: tuple[Table, ...] = Field(min_length=1)
    file: str | None = Field(default=None, description="SQLite file beside the description")

    @model_validator(mode="after")
    def _names_are_free(self) -> Schema:
        if self.name.lower() in RESERVED_SCHEMAS:
            raise ValueError(f"the schema name {self.name} is reserved")
        names = [table.name.lower() for table in self.tables]
        if len(set(names)) != len(names):
            raise ValueError(f"schema {self.name}: two tables have the same name")
        return self

    def table(self, name: str) -> Table | None:
        """Returns the table of this name, in any case, or None."""
        return next((t for t in self.tables if t.name.lower() == name.lower()), None)
