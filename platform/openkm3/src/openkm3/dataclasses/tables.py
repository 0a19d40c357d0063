"""Resources that are a file of tables."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import FormatError
from ..metadata import Annotation
from .resource import KM3Object

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from ..formats import DataSet


class TableObject(KM3Object):
    """A file of tables in any format that :mod:`openkm3.formats` reads."""

    @cached_property
    def dataset(self) -> DataSet:
        """All tables with units, and the metadata of the file."""
        from ..formats import read

        return read(self.path)

    @property
    def annotation(self) -> Annotation:
        """Header, origin and paraminfo; from the file if the catalogue has none."""
        known = self.entry.metadata
        return known if known.paraminfo or known.header.plain() else self._annotation_of_file

    @cached_property
    def _annotation_of_file(self) -> Annotation:
        from ..formats import detect, hdf5

        # In HDF5 the metadata can be read without the data.
        if detect(self.path) == "hdf5":
            return hdf5.annotation(self.path)
        return self.dataset.annotation

    @property
    def tables(self) -> list[str]:
        """Names of the tables."""
        return self.entry.tables or list(self.dataset.tables)

    @cached_property
    def data(self) -> Any:
        """The main table as pandas DataFrame."""
        return self.get_dataframe()

    def get_dataframe(self, table: str | None = None) -> pd.DataFrame:
        """Return a table as a pandas DataFrame.

        Parameters
        ----------
        table : str, optional
            Its name. By default the table of events, otherwise the first one.
        """
        from ..formats.dataset import frame

        return frame(self._table(table))

    def _table(self, name: str | None) -> Any:
        if name is None:
            return self.dataset.main_table()[1]
        if name not in self.dataset.tables:
            raise FormatError(
                self.path, f"has no table {name!r}; its tables are {', '.join(self.dataset.tables)}"
            )
        return self.dataset.tables[name]


class AnnotatedTable(TableObject):
    """A table with its metadata in the file (ECSV, VOTable, FITS)."""


class HDFTable(TableObject):
    """Tables in HDF5."""

    def chunks(self, table: str = "events", rows: int = 250_000) -> Iterator[Any]:
        """Yield a table in chunks of structured arrays, for files larger than memory."""
        from ..formats import hdf5

        return hdf5.stream(self.path, table, rows)
