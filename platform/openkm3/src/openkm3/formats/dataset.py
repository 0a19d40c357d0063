"""What every reader returns and every writer takes: tables with units, and the metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..metadata import Annotation

if TYPE_CHECKING:
    import pandas as pd
    from astropy.table import Column, Table

#: Tables that describe a file instead of holding data.
DESCRIPTIVE = frozenset({"header", "raw_header", "group_info"})


@dataclass
class DataSet:
    """Named tables and their metadata.

    Attributes
    ----------
    tables : dict of str to astropy.table.Table
        In the file's order. Columns of text hold ``str``.
    annotation : openkm3.metadata.Annotation
        Header, origin, paraminfo, ktype.
    """

    tables: dict[str, Table]
    annotation: Annotation = field(default_factory=Annotation)

    @property
    def data_tables(self) -> dict[str, Table]:
        """The tables without those that merely describe the file."""
        return {name: t for name, t in self.tables.items() if name not in DESCRIPTIVE}

    def main_table(self) -> tuple[str, Table]:
        """Return name and content of the table that formats of a single table hold.

        It is the one named ``events``, else the first data table.
        """
        tables = self.data_tables or self.tables
        if not tables:
            raise ValueError("the data set has no table")
        name = "events" if "events" in tables else next(iter(tables))
        return name, tables[name]


def plain(table: Table) -> dict[str, list[Any]]:
    """Return a table as dict of column name to list of Python values."""
    return {name: np.asarray(table[name]).tolist() for name in table.colnames}


def frame(table: Table) -> pd.DataFrame:
    """Return a table as pandas DataFrame; columns of arrays become columns of lists."""
    import pandas as pd

    return pd.DataFrame(dict(_series(table)), copy=False)


def _series(table: Table) -> Iterator[tuple[str, Any]]:
    for name in table.colnames:
        values = np.asarray(table[name])
        if values.ndim > 1:
            yield name, list(values)
        elif values.dtype.kind == "U":
            yield name, values.astype(object)
        else:
            # Files are often big-endian, which pandas cannot compute with.
            yield name, values.astype(values.dtype.newbyteorder("="), copy=False)


def native(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return values in this machine's byte order, bytes as text."""
    if values.dtype.kind == "S":
        try:
            return values.astype("U")
        except UnicodeDecodeError:
            return np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "O":
        return np.array([_as_text(value) for value in values.ravel()], dtype="U").reshape(
            values.shape
        )
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _as_text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def column(values: np.ndarray[Any, Any], unit: str | None = None) -> Column:
    """Return a table column in native byte order; a unit that astropy does not know is dropped."""
    from astropy.table import Column

    from ..metadata.units import parse_unit

    return Column(native(values), unit=parse_unit(unit) if unit else None, copy=False)


def to_json(annotation: Annotation, **more: Any) -> str:
    """Return metadata as the JSON text that the writers put into files."""
    return json.dumps(annotation.plain() | more, ensure_ascii=False, separators=(",", ":"))


def parsed(texts: Mapping[str, Any]) -> tuple[Annotation, dict[str, Any]]:
    """Split what :func:`to_json` wrote into the metadata and the writer's own notes."""
    notes = {key: value for key, value in texts.items() if key.startswith("_")}
    rest = {key: value for key, value in texts.items() if key not in notes}
    return Annotation.parse(rest), notes
