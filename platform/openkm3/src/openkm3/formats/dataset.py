"""The data set that readers return and writers take: tables with units, and metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..metadata import Annotation
from .columns import ColumnData
from .tables import columns

if TYPE_CHECKING:
    import pandas as pd
    from astropy.table import Table

#: Tables that describe a file and do not hold data.
DESCRIPTIVE = frozenset({"header", "raw_header", "group_info"})


@dataclass
class DataSet:
    """Named tables and their metadata.

    Attributes
    ----------
    tables : dict of str to astropy.table.Table
        In the order of the file. A column with missing values is a ``MaskedColumn`` whose mask
        marks them (see :func:`openkm3.formats.missing`); NaN is missing too. Text columns hold
        ``str``, columns of times ``datetime64``. An empty text is not missing.
    annotation : openkm3.metadata.Annotation
        Header, origin, paraminfo, ktype.
    """

    tables: dict[str, Table]
    annotation: Annotation = field(default_factory=Annotation)

    @property
    def data_tables(self) -> dict[str, Table]:
        """The tables without those that only describe the file."""
        return {name: t for name, t in self.tables.items() if name not in DESCRIPTIVE}

    def main_table(self) -> tuple[str, Table]:
        """Return the name and content of the table for formats that hold a single table.

        It is the table named ``events``, otherwise the first data table.
        """
        tables = self.data_tables or self.tables
        if not tables:
            raise ValueError("the data set has no table")
        name = "events" if "events" in tables else next(iter(tables))
        return name, tables[name]


def plain(table: Table) -> dict[str, list[Any]]:
    """Return a table as a dict of column name to list of Python values.

    A missing value is None, among floating-point numbers NaN. Times are ISO 8601 texts.
    """
    return {name: _listed(data) for name, data in columns(table).items()}


def _listed(data: ColumnData) -> list[Any]:
    if data.kind in "fc":
        return list(data.filled(np.nan).tolist())
    values = data.values
    if data.kind == "M":
        values = np.datetime_as_string(values)
    elif data.kind == "O":
        values = _objects([each.tolist() for each in values])
    gone = data.missing
    if not gone.any():
        return list(values.tolist())
    result = values.astype(object)
    result[gone] = None
    return list(result.tolist())


def _objects(items: list[Any]) -> np.ndarray[Any, Any]:
    result = np.empty(len(items), dtype=object)
    for number, item in enumerate(items):
        result[number] = item
    return result


def frame(table: Table) -> pd.DataFrame:
    """Return a table as a pandas DataFrame; columns of arrays become columns of lists.

    A column of integers, booleans or text with missing values has one of pandas' nullable types
    (``Int64``, ``UInt8``, ``boolean``, ``string``); missing floats are NaN, missing times NaT.
    """
    import pandas as pd

    series = {name: _series(data) for name, data in columns(table).items()}
    # Without columns the number of rows would be lost.
    return pd.DataFrame(series, copy=False)


def _series(data: ColumnData) -> Any:
    import pandas as pd

    if data.values.ndim > 1 or data.kind == "O":
        return _objects(_listed(data)) if data.mask is not None else list(data.values)
    if data.mask is None:
        return data.values.astype(object) if data.kind == "U" else data.values
    if data.kind in "iu":
        return pd.arrays.IntegerArray(data.values.copy(), data.mask.copy())
    if data.kind == "b":
        return pd.arrays.BooleanArray(data.values.copy(), data.mask.copy())
    if data.kind == "U":
        result = data.values.astype(object)
        result[data.mask] = None
        return pd.array(result, dtype="string")
    return data.filled(np.datetime64("NaT") if data.kind == "M" else np.nan)


def to_json(annotation: Annotation, **more: Any) -> str:
    """Return metadata as the JSON text that writers store in files."""
    return json.dumps(annotation.plain() | more, separators=(",", ":"))


def parsed(texts: Mapping[str, Any]) -> tuple[Annotation, dict[str, Any]]:
    """Split the content of :func:`to_json` into the metadata and the writer's own notes."""
    notes = {key: value for key, value in texts.items() if key.startswith("_")}
    rest = {key: value for key, value in texts.items() if key not in notes}
    return Annotation.parse(rest), notes


def noted(notes: Mapping[str, Any], kind: str, table: str) -> Any:
    """Return a writer's notes of one kind about one table; an empty dict if there are none."""
    known = notes.get(kind)
    return known.get(table, {}) if isinstance(known, dict) else {}
