"""From a data set of openkm3 to a table of the VO services.

Names that ADQL would need in quotes get regular ones, positions are in degrees, and what a table of
the VO cannot hold (columns of arrays) is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from opendata.describing.cells import parameter_of
from opendata.describing.sky import position_columns
from opendata.vo.engine import antares
from opendata.vo.engine.metadata import Schema, Table, TableColumn
from opendata.vo.names import regular_name
from openkm3.formats import DataSet
from openkm3.metadata import Annotation

if TYPE_CHECKING:
    from astropy.table import Column as Values

_DATATYPES: dict[str, Any] = {
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
    "b1": "boolean",
}
_INDEXED = ("ra", "dec", "decl", "id", "mjd", "time", "energy", "nhit")
# In cone searches the events of ANTARES keep the names under which they were published.
_LABELS = {"ant20_01.main": {c.name: c.label for c in antares.SCHEMA.tables[0].columns}}


class NoTable(ValueError):
    """A data set that cannot be served as a table."""


def described(
    dataset: DataSet, full_name: str, title: str
) -> tuple[Schema, Iterator[tuple[Any, ...]]]:
    """Return the description and the rows of a data set's main table.

    Raises
    ------
    NoTable
        It has no table, no column that can be served, or two that would have the same name.
    """
    try:
        _, table = dataset.main_table()
    except ValueError as error:
        raise NoTable(str(error)) from None
    position = dict(zip(position_columns(table, dataset.annotation), ("ra", "dec"), strict=False))
    labels = _LABELS.get(full_name, {})
    columns: list[TableColumn] = []
    values: list[list[Any]] = []
    origin: dict[str, str] = {}
    for key in table.colnames:
        content = _content(table[key])
        if content is None:
            continue
        name = regular_name(key)
        if name.lower() in origin:
            raise NoTable(f"the columns {origin[name.lower()]!r} and {key!r} have the same name")
        origin[name.lower()] = key
        axis = position.get(key)
        if axis and str(table[key].unit) == "rad":
            content = np.degrees(np.asarray(content, dtype=float))
        if axis:
            content = _on_the_sky(content, axis)
        columns.append(
            _column(
                values=table[key],
                content=content,
                name=name,
                annotation=dataset.annotation,
                axis=axis,
                label=labels.get(name),
            )
        )
        values.append(_plain(content))
    if not columns:
        raise NoTable("it has no column of numbers or text")
    schema, _, name = full_name.partition(".")
    text = dataset.annotation.header.description or ""
    served = Table(name=name, title=title, description=text, columns=tuple(columns))
    whole = Schema(name=schema, title=title, description=text, tables=(served,))
    return whole, zip(*values, strict=True)


def _content(values: Values) -> Any:
    """Return what a column holds, None if it cannot be served."""
    if values.ndim != 1:
        return None
    if values.dtype.kind == "O":
        plain = [None if np.ma.is_masked(item) or item is None else item for item in values]
        texts = all(item is None or isinstance(item, (str, bytes)) for item in plain)
        return plain if texts else None
    small = values.dtype.kind in "iufb" and values.dtype.itemsize <= 8
    return values if small or values.dtype.kind in "US" else None


def _on_the_sky(content: Any, axis: str) -> Any:
    """Right ascensions between 0 and 360 degrees; a declination that is none is no value."""
    numbers: Any = np.ma.filled(np.ma.asarray(content, dtype=float), np.nan)
    if axis == "ra":
        return np.where(numbers == 360, 360.0, numbers % 360)
    return np.where(np.abs(numbers) <= 90, numbers, np.nan)


def _column(
    *,
    values: Values,
    content: Any,
    name: str,
    annotation: Annotation,
    axis: str | None,
    label: str | None,
) -> TableColumn:
    parameter = parameter_of(annotation, values.name)
    kind = getattr(content, "dtype", np.dtype(object))
    text = kind.kind in "OUS"
    ucd = parameter.ucd or str(values.meta.get("ucd", "")) or None
    if axis:
        ucd = f"pos.eq.{axis};meta.main"
    elif ucd and ucd.lower() in ("pos.eq.ra;meta.main", "pos.eq.dec;meta.main"):
        ucd = ucd.partition(";")[0]
    ascii_only = not text or all(str(item).isascii() for item in content)
    return TableColumn(
        name=name,
        label=label,
        datatype=("char" if ascii_only else "unicodeChar") if text else _DATATYPES[kind.str[1:]],
        arraysize="*" if text else None,
        unit="deg" if axis else _unit(values),
        ucd=ucd,
        description=parameter.description or str(values.description or "") or parameter.name or "",
        indexed=bool(axis) or name.lower() in _INDEXED,
    )


def _unit(values: Values) -> str | None:
    """Return the unit in the notation of the VO; one that it does not have is left out."""
    if values.unit is None:
        return None
    try:
        return str(values.unit.to_string("vounit")) or None
    except (AttributeError, ValueError):
        return None


def _plain(content: Any) -> list[Any]:
    """Return values as Python's own; None where there is none."""
    rows: list[Any] = content if isinstance(content, list) else content.tolist()
    if getattr(content, "dtype", np.dtype(object)).kind in "OS":
        return [
            item.decode("utf-8", "replace") if isinstance(item, bytes) else item for item in rows
        ]
    return rows
