"""The store in its first published style: a printed index; tables as lists, pandas or plots.

>>> from openkm3.openio import KM3Store
>>> ks = KM3Store()
>>> ks.print_index()
>>> ks.get("one_week_orca", ["events"], "pandas").data
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from .catalogue import Catalogue, Entry
from .dataclasses import KM3Object, TableObject, class_for
from .errors import FormatError, OpenKM3Error
from .formats.dataset import DataSet, frame, plain
from .library import Library
from .messages import show_messages

LoadOption = Literal["plain", "pandas", "plot"]


class KM3Store:
    """Access to all open data of KM3NeT; parameters as for :class:`openkm3.store.KM3Store`."""

    def __init__(
        self,
        server: str | None = None,
        cache: str | Path | None = None,
        *,
        hosts: Iterable[str] | None = None,
    ) -> None:
        show_messages()
        self._library = Library(server, cache, hosts=hosts)

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue."""
        return self._library.catalogue

    def print_index(self, include_technical: bool = False) -> None:
        """Print the name, tables and header of each resource.

        Parameters
        ----------
        include_technical : bool, optional
            Also print addresses, media types and paths in the cache.
        """
        for entry in self.catalogue.resources():
            if not (entry.url or entry.metadata.header.plain()):
                continue  # nothing to load, e.g. a paper
            print(_name(entry))
            print("=====")
            print(f"tables: {entry.tables}")
            print("header:")
            for key, value in entry.metadata.header.plain().items():
                print(f"  {key}: {value}")
            if include_technical:
                print(f"url: {self._library.address(entry.url) if entry.url else None}")
                print(f"type: {entry.media_type}")
                print(f"local: {self._library.local(entry)}")
            print()

    def get(
        self,
        identifier: str,
        tables: list[str] | str | None = None,
        loadoption: LoadOption = "plain",
    ) -> KM3Object:
        """Load a resource.

        Parameters
        ----------
        identifier : str
            Its identifier or one of its aliases, e.g. ``one_week_orca``.
        tables : list of str, optional
            The tables to load. By default all tables that hold data.
        loadoption : {"plain", "pandas", "plot"}, optional
            The type of :attr:`~openkm3.dataclasses.KM3Object.data`: a dict of column name to list,
            or a pandas DataFrame; for several tables a dict of these. ``plot`` is ``plain`` and
            also draws the table as its paraminfo describes it; the object's attribute ``axes`` has
            the axes.

        Raises
        ------
        UnknownIdentifier
            If there is no such entry.
        OpenKM3Error
            If it has no file, or the file is neither available nor in the cache.
        """
        if loadoption not in ("plain", "pandas", "plot"):
            raise OpenKM3Error(
                f"{loadoption!r} is not a loadoption; use 'plain', 'pandas' or 'plot'"
            )
        entry = self._library.resource(identifier)
        result = class_for(entry)(entry, self._library)
        if not isinstance(result, TableObject):
            return result
        wanted = [tables] if isinstance(tables, str) else tables
        dataset = _read(result, wanted)
        content: dict[str, Any] = {
            name: frame(table) if loadoption == "pandas" else plain(table)
            for name, table in dataset.tables.items()
        }
        result.__dict__["data"] = next(iter(content.values())) if len(content) == 1 else content
        if loadoption == "plot":
            from .plotting import plot

            result.__dict__["axes"] = plot(dataset, result.annotation, entry.title)
        return result


def _name(entry: Entry) -> str:
    """Return the name under which an entry was first shown, otherwise its identifier."""
    return entry.aliases[0] if entry.aliases else entry.identifier


def _read(result: TableObject, wanted: list[str] | None) -> DataSet:
    """Read only the wanted tables, if the format allows it."""
    from .formats import detect, hdf5

    if detect(result.path) == "hdf5":
        names = hdf5.names(result.path) if wanted is None else wanted
        if wanted is None:
            from .formats.dataset import DESCRIPTIVE

            names = [name for name in names if name not in DESCRIPTIVE] or names
        return hdf5.read(result.path, names)
    dataset = result.dataset
    names = list(dataset.data_tables) if wanted is None else wanted
    for name in names:
        if name not in dataset.tables:
            known = ", ".join(dataset.tables)
            raise FormatError(result.path, f"has no table {name!r}; its tables are {known}")
    return DataSet({name: dataset.tables[name] for name in names}, dataset.annotation)
