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
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from .errors import DownloadError, OpenKM3Error, ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

#: Largest download in bytes if the catalogue gives no size.
LARGEST = 100 * 2**30
_CHUNK = 2**20


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
    """

    def __init__(self, folder: Path, server: str, *, timeout: float = 30.0) -> None:
        self.server = server
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
        return found if whole and found.file.is_relative_to(self.folder) else None

    def fetch(
        self,
        url: str,
        *,
        sha256: str | None = None,
        size: int | None = None,
        name: str | None = None,
        check: Callable[[Path], None] | None = None,
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

        Raises
        ------
        DownloadError
            If the download is incomplete, or is not the file in the catalogue.
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
            return self._ask(url, found, _Expected(sha256, size, name, check))

    def _ask(self, url: str, found: Cached | None, expected: _Expected) -> Cached:
        import httpx

        headers = {"Accept-Encoding": "identity", "User-Agent": "openkm3"}
        if found and found.etag and expected.sha256 is None:
            headers["If-None-Match"] = found.etag
        # Whoever works offline must not wait long for a network that drops all packets.
        timeout = httpx.Timeout(self.timeout, connect=min(self.timeout, 5.0))
        try:
            with (
                httpx.Client(timeout=timeout, follow_redirects=True) as client,
                client.stream("GET", url, headers=headers) as response,
            ):
                if response.status_code == 304 and found:
                    return self._store_index(
                        Cached(**{**asdict(found), "checked": _now(), "fresh": False})
                    )
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

    def _receive(self, url: str, response: httpx.Response, expected: _Expected) -> Cached:
        if response.headers.get("content-encoding", "identity") not in ("", "identity"):
            raise DownloadError(
                f"{url}: the server compresses the file although the request forbids it"
            )
        limit = LARGEST if expected.size is None else expected.size
        with self._temporary("files") as handle:
            digest, received = hashlib.sha256(), 0
            for chunk in response.iter_raw(_CHUNK):
                received += len(chunk)
                if received > limit:
                    raise DownloadError(
                        f"{url}: the file is larger than the expected {limit} bytes"
                    )
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
