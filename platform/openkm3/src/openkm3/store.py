"""The store in the style of 2021: typed objects, Markdown lists, messages in the log.

>>> from openkm3.store import KM3Store
>>> store = KM3Store()
>>> store.list("ana20_01")
>>> store.get("ana20_01_bkg").evaluate(20)
7893.0656496
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .catalogue import Catalogue, Entry
from .dataclasses import KM3Object, SCSServiceVO, class_for
from .errors import OpenKM3Error
from .library import Library
from .messages import display_markdown, log, markdown_table, show_messages

#: Resources that are web pages to visit, not data to load.
_WEB_PAGES = ("km3.resource.paper", "km3.resource.software")


class KM3Store:
    """Access to all open data of KM3NeT.

    Parameters
    ----------
    server : str, optional
        Address of the Open Data Center. By default ``OPENKM3_SERVER``, a configuration file, or
        KM3NeT's public server.
    cache : str or pathlib.Path, optional
        Folder for the catalogue and downloaded files. By default ``OPENKM3_CACHE`` or the user's
        cache folder.
    hosts : iterable of str, optional
        Hosts other than the server's that the catalogue may lead to, such as ``vo.example.org``. By
        default ``OPENKM3_HOSTS`` or a configuration file, otherwise none.

    Raises
    ------
    ServerError
        If neither the server nor the cache has a catalogue.
    """

    def __init__(
        self,
        server: str | None = None,
        cache: str | Path | None = None,
        *,
        hosts: Iterable[str] | None = None,
    ) -> None:
        show_messages()
        self._library = Library(server, cache, hosts=hosts)
        if self._library.from_cache:
            log.info("Loaded catalog from cache.")
        else:
            log.info("Loaded catalog from %s.", self._library.server)

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue."""
        return self._library.catalogue

    def update_catalog(self) -> None:
        """Download the catalogue from the server again."""
        self._library.update()
        log.info("Updated catalog!")

    def list(self, identifier: str | None = None) -> None:
        """Display the collections, or the parts of one.

        Parameters
        ----------
        identifier : str, optional
            A collection or stream, whose parts are listed. By default all collections are listed.

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
            Its identifier or one of its aliases.

        Returns
        -------
        KM3Object or None
            An object of the class for its content. None, with a message, for entries that cannot
            be loaded, such as a paper.

        Raises
        ------
        UnknownIdentifier
            If there is no such entry.
        ServerError, DownloadError
            If its file is neither available nor in the cache.
        """
        entry = self.catalogue[identifier]
        if reason := self._why_not(entry):
            log.info("%s", reason)
            log.info("No data loaded for %s.", entry.identifier)
            return None
        cls = class_for(entry)
        if not (entry.url or entry.service):
            raise OpenKM3Error(f"{entry.identifier} has neither a file nor a service")
        # The table of a service is fetched on access, every other file now.
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
        for word in _WEB_PAGES:
            if entry.ktype.startswith(word):
                what = word.rpartition(".")[2]
                url = f"https://doi.org/{entry.doi}" if entry.doi else entry.url
                return f"Cannot load {what}. Please visit {url} ."
        return None
