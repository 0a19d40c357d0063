"""Conversion between astropy's tables and the model of a column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .columns import ColumnData
from .references import referred, with_equinox

if TYPE_CHECKING:
    from astropy.table import Table


def columns(table: Table) -> dict[str, ColumnData]:
    """Return the model of each column of a table.

    Compound columns are split: a sky position ``pos`` becomes ``pos.ra`` and ``pos.dec``, a
    structured column one column for each of its fields.

    Raises
    ------
    TypeError
        If a column has a type that the model cannot hold; the message names the column.
    """
    result: dict[str, ColumnData] = {}
    for name in table.colnames:
        try:
            for key, data in _parts(str(name), table[name]):
                result[key if key not in result else f"{key}_"] = data
        except TypeError as error:
            raise TypeError(f"column {name!r}: {error}") from None
    return referred(result, {str(key).upper(): value for key, value in table.meta.items()})


def _parts(name: str, column: Any) -> Iterator[tuple[str, ColumnData]]:
    from astropy.table import Table as AstropyTable
    from astropy.table.serialize import represent_mixins_as_columns
    from astropy.time import Time

    fields = getattr(getattr(column, "dtype", None), "names", None)
    if fields:
        for key in fields:
            yield from _parts(f"{name}.{key}", column[key])
        return
    if hasattr(column, "dtype") or hasattr(column, "to_value") or isinstance(column, Time):
        yield name, ColumnData.of(column)
        return
    taken = represent_mixins_as_columns(AstropyTable({name: column}))
    if taken.colnames == [name]:
        raise TypeError(f"a column of type {type(column).__name__} cannot be stored")
    system = getattr(column, "frame", None)
    equinox = str(getattr(getattr(system, "equinox", None), "value", ""))
    frame = with_equinox(str(getattr(system, "name", "")), equinox)
    for key in taken.colnames:
        data = ColumnData.of(taken[key])
        yield str(key), replace(data, meaning=replace(data.meaning, frame=frame))


def to_table(content: dict[str, ColumnData]) -> Table:
    """Return the table of the given columns."""
    from astropy.table import Table as AstropyTable

    return AstropyTable({name: each.to_table() for name, each in content.items()}, copy=False)
