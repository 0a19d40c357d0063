"""Publishing tables: the short way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from adqlite.errors import MetadataError
from adqlite.tables import sqlite_files
from adqlite.tables.metadata import POSITION, Schema
from adqlite.tables.names import name_problem, regular_name
from adqlite.tables.sqlite_files import About
from adqlite.tables.storage import TableStore

if TYPE_CHECKING:
    from astropy.table import Table


def publish(
    folder: str | Path,
    name: str,
    table: Table,
    *,
    position: tuple[str, str] | None = None,
    ucds: Mapping[str, str] | None = None,
) -> Schema:
    """Publishes a table of astropy; one already published in the same schema is replaced.

    Parameters
    ----------
    folder : str or pathlib.Path
        Where published tables are kept. A running service sees the change at once.
    name : str
        SCHEMA.TABLE.
    table : astropy.table.Table
        Columns of numbers, booleans or text, with their units and descriptions.
    position : tuple of two str, optional
        Columns with right ascension and declination in degrees (ICRS). They get an index and a cone
        search.
    ucds : mapping of str to str, optional
        UCDs by column.

    Returns
    -------
    Schema
        What was published.

    Raises
    ------
    MetadataError
        The name is not accepted, a column has no place in a VOTable, or a value does not fit its
        column. What was published before stays.
    """
    if problem := name_problem(name):
        raise MetadataError(problem)
    schema, _, short = name.partition(".")
    # Here, since numpy takes memory that a server needs not spend.
    from adqlite.tables import astropy_tables

    main = dict(zip(position or (), POSITION, strict=False))
    described, rows = astropy_tables.described(short, table, ucds={**(ucds or {}), **main})
    return TableStore(Path(folder)).publish(Schema(name=schema, tables=(described,)), {short: rows})


def publish_sqlite(
    folder: str | Path,
    path: str | Path,
    *,
    schema: str = "",
    position: tuple[str, str] | None = None,
    about: About | None = None,
) -> Schema:
    """Publishes a copy of all tables and views of an SQLite file.

    Parameters
    ----------
    folder : str or pathlib.Path
        Where published tables are kept.
    path : str or pathlib.Path
        The SQLite file.
    schema : str, optional
        Name under which the tables are published; by default that of the file.
    position : tuple of two str, optional
        Columns with right ascension and declination in degrees (ICRS), in all tables with both.
    about : mapping, optional
        Attributes of columns that SQLite cannot express, for example
        `{"stars": {"ra": {"unit": "deg", "ucd": "pos.eq.ra;meta.main"}}}`.

    Raises
    ------
    MetadataError
        The file cannot be published; the message says why.
    """
    source = Path(path)
    name = schema or regular_name(source.stem)
    if problem := name_problem(f"{name}.t"):
        raise MetadataError(problem)
    tables, rows = sqlite_files.described(source, position=position, about=about)
    return TableStore(Path(folder)).publish(Schema(name=name, tables=tuple(tables)), rows)
