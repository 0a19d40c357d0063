"""What both store classes share: the catalogue and the files of one server, through the cache."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urljoin

from .cache import Cache, Cached
from .catalogue import Catalogue, Entry
from .errors import CatalogueError, OpenKM3Error, ServerError
from .messages import log
from .settings import Settings

#: Seconds for which a cached catalogue is used without a request to the server.
MAX_AGE = 3600.0


class Library:
    """The catalogue and the files of one server.

    Parameters
    ----------
    server : str, optional
        The server's address; see :meth:`openkm3.settings.Settings.find`.
    cache : str or pathlib.Path, optional
        The cache's folder.
    max_age : float, optional
        Seconds for which a cached catalogue is used without a request to the server.

    Raises
    ------
    ServerError
        If neither the server nor the cache has a usable catalogue.
    """

    def __init__(
        self,
        server: str | None = None,
        cache: str | Path | None = None,
        *,
        max_age: float = MAX_AGE,
    ) -> None:
        settings = Settings.find(server, cache)
        self.server = settings.server
        self.cache = Cache(settings.cache, settings.server)
        self.url = f"{self.server}/catalog.json"
        self.from_cache = True
        self.catalogue = self._load(max_age)

    def _load(self, max_age: float) -> Catalogue:
        found = self.cache.cached(self.url)
        if found is not None:
            try:
                catalogue = Catalogue.parse(found.file.read_bytes())
            except (CatalogueError, OSError):
                found = None  # written by another version: download it again
            else:
                if found.age < max_age:
                    return catalogue
        if found is None:
            return self._fetch()
        try:
            return self._fetch()
        except OpenKM3Error as error:
            self.from_cache = True
            log.warning("Working offline with the catalog from the cache: %s", error)
            return catalogue

    def update(self) -> None:
        """Download the server's catalogue; on failure the present one stays."""
        self.catalogue = self._fetch()

    def _fetch(self) -> Catalogue:
        def check(path: Path) -> None:
            try:
                Catalogue.parse(path.read_bytes())
            except CatalogueError as error:
                raise ServerError(
                    f"{self.url} {error}. Check that {self.server} is an Open Data Center of this "
                    "platform; OPENKM3_SERVER selects another server"
                ) from None

        try:
            cached = self.cache.fetch(self.url, check=check, name="catalog.json")
        except ServerError as error:
            if "OPENKM3_SERVER" in str(error):
                raise
            raise ServerError(
                f"No catalogue from {error} (select another server with OPENKM3_SERVER or the "
                "argument 'server')"
            ) from None
        self.from_cache = not cached.fresh
        return Catalogue.parse(cached.file.read_bytes())

    def resource(self, identifier: str) -> Entry:
        """Return the entry of a resource.

        Raises
        ------
        UnknownIdentifier
            If there is no such entry.
        OpenKM3Error
            If it is a collection or stream; the message names its parts.
        """
        entry = self.catalogue[identifier]
        if entry.kind != "resource":
            parts = ", ".join(entry.children)
            raise OpenKM3Error(
                f"{entry.identifier} is a {entry.kind}; get one of its parts: {parts}"
            )
        return entry

    def address(self, reference: str) -> str:
        """Return the absolute form of an address, which may be relative to the catalogue."""
        return urljoin(self.url, reference)

    def local(self, entry: Entry) -> Path | None:
        """Return the path of an entry's file in the cache, None if it is not cached."""
        cached = self.cache.cached(self.address(entry.url)) if entry.url else None
        return cached.file if cached else None

    def file(self, entry: Entry) -> Cached:
        """Return an entry's file; it is downloaded unless the cache has the published one.

        Raises
        ------
        OpenKM3Error
            If the entry has no file, or the file is neither available nor in the cache.
        """
        if not entry.url:
            raise OpenKM3Error(f"{entry.identifier} has no file")
        url = self.address(entry.url)
        try:
            return self.cache.fetch(url, sha256=entry.sha256, size=entry.size, name=entry.filename)
        except ServerError as error:
            cached = self.cache.cached(url)
            if cached is None:
                raise
            log.warning("Working offline with the file from the cache: %s", error)
            return cached
