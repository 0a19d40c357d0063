"""The store as of 2021: typed objects, lists in Markdown, messages in the log.

>>> from openkm3.store import KM3Store
>>> store = KM3Store()
>>> store.list("ana20_01")
>>> store.get("ana20_01_bkg").evaluate(20)
7893.0656496
"""

from __future__ import annotations

from pathlib import Path

from .catalogue import Catalogue, Entry
from .dataclasses import KM3Object, SCSServiceVO, class_for
from .errors import OpenKM3Error
from .library import Library
from .messages import display_markdown, log, markdown_table, show_messages

#: Resources that are visited, not loaded.
_ELSEWHERE = ("km3.resource.paper", "km3.resource.software")


class KM3Store:
    """Access to all open data of KM3NeT.

    Parameters
    ----------
    server : str, optional
        Address of the Open Data Center; else ``OPENKM3_SERVER``, a configuration file, or
        KM3NeT's public server.
    cache : str or pathlib.Path, optional
        Folder for the catalogue and downloaded files; else ``OPENKM3_CACHE`` or the user's cache.

    Raises
    ------
    ServerError
        If there is no catalogue, neither on the server nor in the cache.
    """

    def __init__(self, server: str | None = None, cache: str | Path | None = None) -> None:
        show_messages()
        self._library = Library(server, cache)
        if self._library.from_cache:
            log.info("Loaded catalog from cache.")
        else:
            log.info("Loaded catalog from %s.", self._library.server)

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue."""
        return self._library.catalogue

    def update_catalog(self) -> None:
        """Load the catalogue from the server again."""
        self._library.update()
        log.info("Updated catalog!")

    def list(self, identifier: str | None = None) -> None:
        """Display what there is.

        Parameters
        ----------
        identifier : str, optional
            A collection or stream, of which the parts are listed; all collections by default.

        Raises
        ------
        UnknownIdentifier
            If there is no such entry.
        """
        if identifier is None:
            title, entries = "Collections from the Open Data Center", self.catalogue.collections()
        else:
            entry = self.catalogue[identifier]
            title, entries = entry.title, self.catalogue.children(identifier) or [entry]
        rows = [(entry.identifier, entry.title, entry.description) for entry in entries]
        table = markdown_table(("Identifier", "Title", "Description"), rows)
        display_markdown(f"## {title}\n{table}")

    def get(self, identifier: str) -> KM3Object | None:
        """Load a resource.

        Parameters
        ----------
        identifier : str
            Its identifier or one of its other names.

        Returns
        -------
        KM3Object or None
            An object of the class for its content; None, with a message, for what cannot be
            loaded, such as a paper.

        Raises
        ------
        UnknownIdentifier
            If there is no such entry.
        ServerError, DownloadError
            If its file is neither to be had nor in the cache.
        """
        entry = self.catalogue[identifier]
        if reason := self._why_not(entry):
            log.info("%s", reason)
            log.info("No data loaded for %s.", entry.identifier)
            return None
        cls = class_for(entry)
        if not (entry.url or entry.service):
            raise OpenKM3Error(f"{entry.identifier} has neither a file nor a service")
        # A service's table is fetched when it is asked for, everything else now.
        if entry.url and not issubclass(cls, SCSServiceVO):
            cached = self._library.file(entry)
            if not cached.fresh:
                log.info("Loading data from cache.")
        result = cls(entry, self._library)
        log.info("Loaded entry %s as %s.", entry.identifier, cls)
        return result

    def _why_not(self, entry: Entry) -> str | None:
        if entry.kind != "resource":
            return f"{entry.identifier} is a {entry.kind}. See its parts with list()."
        if entry.state == "withdrawn":
            return f"{entry.identifier} was withdrawn. {entry.description}".strip()
        for word in _ELSEWHERE:
            if entry.ktype.startswith(word):
                what = word.rpartition(".")[2]
                url = f"https://doi.org/{entry.doi}" if entry.doi else entry.url
                return f"Cannot load {what}. Please visit {url} ."
        return None
