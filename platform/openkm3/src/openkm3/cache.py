"""The cache: files of a server on the local disk.

Each file is stored under its sha256, and a small index entry per address says which one is
current. An index entry is replaced atomically after its file is complete. So readers never see
half a file, a failed download changes nothing, and several processes can share one cache.

A general cache such as pooch was considered. It has no conditional requests (ETag), no limit on
the size of a download, no check of a file before it replaces the old one, and no lock between
processes, and it needs a checksum to notice that a file on the server has changed.

::

    <cache>/<host>/index/<sha256 of the address>.json
    <cache>/<host>/files/<sha256 of the file>/<file name>
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

from .errors import DownloadError, OpenKM3Error, ServerError
from .hosts import Hosts
from .settings import MAX_DOWNLOAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

#: Most redirects that are followed.
_REDIRECTS = 5
#: Space in bytes that a download leaves free on the disk.
_LEFT_FREE = 256 * 2**20
#: Bytes between two checks of the free space.
_CHECKED = 64 * 2**20


@dataclass(frozen=True)
class Cached:
    """A file in the cache."""

    url: str
    path: str
    sha256: str
    size: int
    etag: str | None
    checked: str
    fresh: bool = False

    @property
    def file(self) -> Path:
        """Path of the file."""
        return Path(self.path)

    @property
    def age(self) -> float:
        """Seconds since the last request to the server."""
        return (datetime.now(UTC) - datetime.fromisoformat(self.checked)).total_seconds()


@dataclass(frozen=True)
class _Expected:
    """What is known about a file before the download."""

    sha256: str | None
    size: int | None
    name: str | None
    check: Callable[[Path], None] | None
    limit: int


class Cache:
    """The files of one server.

    Parameters
    ----------
    folder : pathlib.Path
        The cache, shared by all servers.
    server : str
        The server's address.
    timeout : float, optional
        Seconds to wait for the next bytes from the server.
    hosts : tuple of str, optional
        Hosts to which the server may redirect, besides the one that was asked.
    limit : int, optional
        Largest download in bytes.
    """

    def __init__(
        self,
        folder: Path,
        server: str,
        *,
        timeout: float = 30.0,
        hosts: tuple[str, ...] = (),
        limit: int = MAX_DOWNLOAD,
    ) -> None:
        self.server = server
        self.hosts = hosts
        self.limit = limit
        parts = urlsplit(server)
        host = re.sub(r"[^A-Za-z0-9.]+", "_", f"{parts.netloc}{parts.path}").strip("_.") or "server"
        self.folder = folder / host
        self.timeout = timeout

    def cached(self, url: str) -> Cached | None:
        """Return the cached file of an address, None if there is no complete one."""
        try:
            content = json.loads(self._index(url).read_text("utf-8"))
            found = Cached(**content)
            whole = found.file.stat().st_size == found.size
        except (OSError, ValueError, TypeError):
            return None
        inside = found.file.resolve().is_relative_to(self.folder.resolve())
        return found if whole and inside else None

    def fetch(
        self,
        url: str,
        *,
        sha256: str | None = None,
        size: int | None = None,
        name: str | None = None,
        check: Callable[[Path], None] | None = None,
        limit: int | None = None,
    ) -> Cached:
        """Return a file, from the cache unless the server has a newer one.

        Parameters
        ----------
        url : str
            Address of the file.
        sha256, size : optional
            What the catalogue says about the file. If the cache has a file with this sha256, no
            request is made. A download that differs is refused.
        name : str, optional
            Name to store the file under.
        check : callable, optional
            Called with a new file before it replaces the old one; its exceptions are passed on.
        limit : int, optional
            Largest download in bytes; by default the cache's.

        Raises
        ------
        DownloadError
            If the download is incomplete or too large, or is not the file in the catalogue.
        HostNotAllowed
            If the server redirects to another host.
        ServerError
            If the server cannot be reached, or answers with an error.
        """
        found = self.cached(url)
        if found and sha256 and found.sha256 == sha256:
            return found
        with self._lock(url):
            # Another process may have fetched it while this one waited.
            found = self.cached(url)
            if found and sha256 and found.sha256 == sha256:
                return found
            expected = _Expected(sha256, size, name, check, limit or self.limit)
            return self._ask(url, found, expected)

    def _ask(self, url: str, found: Cached | None, expected: _Expected) -> Cached:
        import httpx

        headers = {"Accept-Encoding": "identity", "User-Agent": "openkm3"}
        if found and found.etag and expected.sha256 is None:
            headers["If-None-Match"] = found.etag
        # Whoever works offline must not wait long for a network that drops all packets.
        timeout = httpx.Timeout(self.timeout, connect=min(self.timeout, 5.0))
        try:
            with (
                httpx.Client(timeout=timeout) as client,
                self._answer(client, url, headers) as response,
            ):
                if response.status_code == 304 and found:
                    checked = Cached(**{**asdict(found), "checked": _now(), "fresh": False})
                    # On a full disk the file is as good as before; only its age stays unknown.
                    with suppress(OpenKM3Error):
                        self._store_index(checked)
                    return checked
                if not response.is_success:
                    raise ServerError(
                        f"{url}: the server answers {response.status_code} {response.reason_phrase}"
                    )
                return self._receive(url, response, expected)
        except (httpx.RemoteProtocolError, httpx.ReadError) as error:
            raise DownloadError(f"{url}: the download was interrupted: {error}") from None
        except httpx.TimeoutException:
            raise ServerError(
                f"{url}: the server did not answer within {self.timeout:g} s"
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ServerError(f"{url}: the server cannot be reached: {error}") from None

    @contextmanager
    def _answer(
        self, client: httpx.Client, url: str, headers: dict[str, str]
    ) -> Iterator[httpx.Response]:
        """Yield the answer to a request, after redirects to allowed hosts."""
        hosts, target = Hosts(url, self.hosts), url
        for _ in range(_REDIRECTS + 1):
            with client.stream("GET", target, headers=headers) as response:
                if not response.has_redirect_location:
                    yield response
                    return
                target = urljoin(target, response.headers["location"])
                hosts.check(target, f"{url}: the server redirects to")
        raise ServerError(f"{url}: the server redirects more than {_REDIRECTS} times")

    def _receive(self, url: str, response: httpx.Response, expected: _Expected) -> Cached:
        if response.headers.get("content-encoding", "identity") not in ("", "identity"):
            raise DownloadError(
                f"{url}: the server compresses the file although the request forbids it"
            )
        declared = response.headers.get("content-length", "")
        announced = int(declared) if declared.isascii() and declared.isdigit() else 0
        _check_limit(url, max(announced, expected.size or 0), expected.limit)
        with self._temporary("files") as handle:
            digest, received, next_check = hashlib.sha256(), 0, 0
            self._check_space(url, max(announced, expected.size or 0))
            for chunk in response.iter_raw():
                received += len(chunk)
                _check_limit(url, received, expected.limit)
                if expected.size is not None and received > expected.size:
                    raise DownloadError(
                        f"{url}: the file is larger than the expected {expected.size} bytes"
                    )
                if received > next_check:
                    self._check_space(url, len(chunk))
                    next_check = received + _CHECKED
                digest.update(chunk)
                handle.write(chunk)
            # The HTTP library checks the length that the answer declares.
            if expected.size is not None and received != expected.size:
                raise DownloadError(f"{url}: {received} of {expected.size} bytes arrived")
            if expected.sha256 is not None and digest.hexdigest() != expected.sha256:
                raise DownloadError(
                    f"{url}: the file is not the one in the catalogue (its sha256 differs); "
                    "update the catalogue and try again"
                )
            handle.flush()
            os.fsync(handle.fileno())
            if expected.check:
                expected.check(Path(handle.name))
            target = self.folder / "files" / digest.hexdigest() / (expected.name or _name(url))
            target.parent.mkdir(parents=True, exist_ok=True)
            Path(handle.name).replace(target)
        return self._store_index(
            Cached(
                url=url,
                path=str(target),
                sha256=digest.hexdigest(),
                size=received,
                etag=response.headers.get("etag"),
                checked=_now(),
                fresh=True,
            )
        )

    def _check_space(self, url: str, size: int) -> None:
        free = shutil.disk_usage(self.folder).free
        # A small file may use what is left; only large ones could fill the disk.
        if size > free or (size > _CHECKED and size > free - _LEFT_FREE):
            raise DownloadError(
                f"{url}: the file needs {size / 1e6:.0f} MB, but the cache {self.folder} has "
                f"{free / 1e6:.0f} MB free: free some space, or set OPENKM3_CACHE to another folder"
            )

    def _store_index(self, entry: Cached) -> Cached:
        with self._temporary("index") as handle:
            content: dict[str, Any] = {**asdict(entry), "fresh": False}
            handle.write(json.dumps(content, indent=1).encode())
            handle.flush()
            Path(handle.name).replace(self._index(entry.url))
        return entry

    def _index(self, url: str) -> Path:
        return self.folder / "index" / f"{hashlib.sha256(url.encode()).hexdigest()}.json"

    @contextmanager
    def _temporary(self, part: str) -> Iterator[IO[bytes]]:
        folder = self.folder / part
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = NamedTemporaryFile(dir=folder, prefix=".part-", delete=False)  # noqa: SIM115
        except OSError as error:
            raise _unwritable(self.folder, error) from None
        try:
            with handle:
                yield handle
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        finally:
            Path(handle.name).unlink(missing_ok=True)

    @contextmanager
    def _lock(self, url: str) -> Iterator[None]:
        """Allow one download of an address at a time among all processes that share the cache."""
        from filelock import FileLock

        path = self._index(url).with_suffix(".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path)
            lock.acquire()
        except OSError as error:
            raise _unwritable(self.folder, error) from None
        try:
            yield
        finally:
            lock.release()


def _check_limit(url: str, size: int, limit: int) -> None:
    if size > limit:
        raise DownloadError(
            f"{url}: the file is larger than the limit of {limit / 1e6:.3g} MB; set "
            "OPENKM3_MAX_DOWNLOAD (for the catalogue OPENKM3_MAX_CATALOGUE) to raise it"
        )


def _unwritable(folder: Path, error: OSError) -> OpenKM3Error:
    return OpenKM3Error(
        f"Cannot write to the cache {folder} ({error.strerror}): free some space, or set "
        "OPENKM3_CACHE to another folder"
    )


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _name(url: str) -> str:
    """Return a safe file name for an address."""
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    name = re.sub(r"[^A-Za-z0-9_.+\-]", "_", name).lstrip(".")
    return name[-150:] or "file"
