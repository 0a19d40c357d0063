"""What both store classes share: the catalogue and the files of one server, through the cache."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urljoin

from .cache import Cache, Cached
from .catalogue import Catalogue, Entry
from .errors import CatalogueError, HostNotAllowed, OpenKM3Error, ServerError
from .hosts import Hosts
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
    hosts : iterable of str, optional
        Further hosts that the catalogue may lead to.

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
        hosts: Iterable[str] | None = None,
    ) -> None:
        settings = Settings.find(server, cache, hosts)
        self.server = settings.server
        self.hosts = Hosts(settings.server, settings.hosts)
        self.cache = Cache(
            settings.cache, settings.server, hosts=settings.hosts, limit=settings.max_download
        )
        self._largest = settings.max_catalogue
        self.url = f"{self.server}/catalog.json"
        self.from_cache = True
        self.catalogue = self._load(max_age)

    def _load(self, max_age: float) -> Catalogue:
        found = self.cache.cached(self.url)
        if found is not None:
            try:
                catalogue = self._read(found.file)
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

    def _read(self, path: Path) -> Catalogue:
        # Another program with a higher limit may share the cache.
        if path.stat().st_size > self._largest:
            raise CatalogueError(f"has more than {self._largest} bytes")
        return Catalogue.parse(path.read_bytes())

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
            cached = self.cache.fetch(
                self.url, check=check, name="catalog.json", limit=self._largest
            )
        except HostNotAllowed:
            raise
        except ServerError as error:
            if "OPENKM3_SERVER" in str(error):
                raise
            raise ServerError(
                f"No catalogue from {error} (select another server with OPENKM3_SERVER or the "
                "argument 'server')"
            ) from None
        self.from_cache = not cached.fresh
        return self._read(cached.file)

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

    def reachable(self, reference: str) -> str:
        """Return the absolute form of an address to which requests may be sent.

        Raises
        ------
        HostNotAllowed
            If it is on another host, which the user has not allowed.
        """
        url = self.address(reference)
        self.hosts.check(url, "The catalogue names the address")
        return url

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
        HostNotAllowed
            If it is on another host, which the user has not allowed.
        """
        if not entry.url:
            raise OpenKM3Error(f"{entry.identifier} has no file")
        url = self.reachable(entry.url)
        try:
            return self.cache.fetch(url, sha256=entry.sha256, size=entry.size, name=entry.filename)
        except ServerError as error:
            cached = self.cache.cached(url)
            if cached is None:
                raise
            log.warning("Working offline with the file from the cache: %s", error)
            return cached
