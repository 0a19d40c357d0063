"""Tables of astropy as published tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from adqlite.errors import MetadataError
from adqlite.tables.metadata import Table, TableColumn
from adqlite.tables.names import distinct, regular_name

if TYPE_CHECKING:
    from astropy.table import Table as AstropyTable

# Types of numpy by kind and bytes. The only unsigned integer of VOTable is the byte: others widen.
_DATATYPES: dict[str, Any] = {
    "b1": "boolean",
    "i1": "short",
    "u1": "short",
    "i2": "short",
    "u2": "int",
    "i4": "int",
    "u4": "long",
    "i8": "long",
    "u8": "long",
    "f2": "float",
    "f4": "float",
    "f8": "double",
}


def described(
    name: str, table: AstropyTable, *, ucds: Mapping[str, str] | None = None
) -> tuple[Table, Iterator[list[Any]]]:
    """Returns the description and the rows of a table.

    Parameters
    ----------
    name : str
        Name of the published table, without its schema.
    table : astropy.table.Table
        Columns of numbers, booleans or text; numbers may be arrays of one shape. Units and
        descriptions are kept. `table.meta` may have a `description` and a `title`.
    ucds : mapping of str to str, optional
        UCDs by column. By default those in the columns' own `meta`.

    Returns
    -------
    tuple of Table and iterator of list
        Column names that ADQL does not accept without quotes are replaced by ones that it does.

    Raises
    ------
    MetadataError
        A column has another type.
    """
    from astropy.table import Table as AstropyTable

    table = AstropyTable(table, copy=False)  # quantities become columns with a unit
    given = dict(ucds or {})
    if unknown := sorted(set(given) - set(table.colnames)):
        raise MetadataError(f"table {name}: there is no column {unknown[0]} to give a UCD")
    taken: set[str] = set()
    columns = []
    for key in table.colnames:
        regular = distinct(regular_name(key), taken)
        taken.add(regular.lower())
        columns.append(_column(regular, table[key], given.get(key)))
    found = Table(
        name=name,
        title=str(table.meta.get("title", "")),
        description=str(table.meta.get("description", "")),
        columns=tuple(columns),
    )
    return found, ([row[key] for key in table.colnames] for row in table)


def _column(name: str, column: Any, ucd: str | None) -> TableColumn:
    dtype = getattr(column, "dtype", None)
    if dtype is None or not hasattr(column, "info"):
        raise MetadataError(
            f"column {name} is a {type(column).__name__}; publish its coordinates or times as "
            "columns of numbers or text"
        )
    described: dict[str, Any] = {
        "name": name,
        "unit": _unit(column),
        "ucd": ucd or (column.info.meta or {}).get("ucd"),
        "description": str(column.info.description or ""),
    }
    if dtype.kind in "US" and column.ndim == 1:
        return TableColumn(datatype=_letters(column), arraysize="*", **described)
    datatype = _DATATYPES.get(dtype.str[1:])
    if datatype is None:
        raise MetadataError(
            f"column {name} has the type {dtype}; publish numbers, booleans or text"
        )
    size = "x".join(str(length) for length in reversed(column.shape[1:])) or None
    return TableColumn(datatype=datatype, arraysize=size, **described)


def _letters(column: Any) -> Any:
    if column.dtype.kind == "S":
        return "char"
    texts = np.ma.asarray(column).compressed().tolist()
    return "char" if all(text.isascii() for text in texts) else "unicodeChar"


def _unit(column: Any) -> str | None:
    if not column.unit:
        return None
    try:
        return str(column.unit.to_string("vounit"))
    except (AttributeError, ValueError):  # not one of VOUnits
        return str(column.unit)
