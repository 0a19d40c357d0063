"""Temporary files and request bodies, limited per client and over all clients.

A result exists until its client has read it, however slowly, so the number of queries that run at
the same time does not limit the space that results take.
"""

from __future__ import annotations

import tempfile
import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from adqlite.disk import as_storage_full
from adqlite.errors import StorageFull

_MEMORY = 4_000_000  # bytes of a file that are kept in memory


class Spool:
    """The space for temporary data of one process.

    Parameters
    ----------
    total : int
        Bytes for all clients together.
    each : int
        Bytes for one client.
    folder : pathlib.Path, optional
        Where files are; by default where the system keeps temporary files, which in a container is
        often memory.
    """

    def __init__(self, total: int, each: int, folder: Path | None = None) -> None:
        self.total = total
        self.each = min(total, each)
        self._folder = folder
        self._lock = threading.Lock()
        self._used: Counter[str] = Counter()

    @property
    def used(self) -> int:
        """The bytes in use."""
        with self._lock:
            return self._used.total()

    def take(self, client: str, size: int) -> None:
        """Adds to what a client uses.

        Raises
        ------
        StorageFull
            The client, or all clients together, would use too much.
        """
        with self._lock:
            if self._used[client] + size > self.each:
                raise StorageFull(
                    f"your requests and results already occupy {_mb(self._used[client])} of "
                    f"the {_mb(self.each)} of temporary space for one client; wait until your "
                    "other queries have ended and their results are read, or select less"
                )
            if self._used.total() + size > self.total:
                raise StorageFull(
                    f"all clients together occupy the {_mb(self.total)} of temporary space of "
                    "this service; try again in a minute, or select less"
                )
            self._used[client] += size

    def give_back(self, client: str, size: int) -> None:
        """Subtracts from what a client uses."""
        with self._lock:
            self._used[client] -= size
            if self._used[client] <= 0:
                del self._used[client]

    def file(self, client: str) -> SpooledFile:
        """Returns an empty temporary file of a client."""
        # Without the folder, the disk was full when the service started.
        there = self._folder is not None and self._folder.is_dir()
        return SpooledFile(self, client, self._folder if there else None)


class SpooledFile:
    """A temporary binary file whose size counts for a client until it is closed."""

    def __init__(self, spool: Spool, client: str, folder: Path | None) -> None:
        self._spool = spool
        self._client = client
        self._size = 0
        self._folder = folder or Path(tempfile.gettempdir())
        self._file: Any = tempfile.SpooledTemporaryFile(  # noqa: SIM115
            max_size=_MEMORY, dir=str(self._folder)
        )

    def write(self, data: bytes) -> int:
        """Writes at the end.

        Raises
        ------
        StorageFull
            The client used up its space, or the disk is full.
        """
        self._spool.take(self._client, len(data))
        self._size += len(data)
        with as_storage_full(self._folder):
            return int(self._file.write(data))

    def read(self, size: int = -1) -> bytes:
        """Reads up to `size` bytes."""
        return bytes(self._file.read(size))

    def readline(self, size: int = -1) -> bytes:
        """Reads a line."""
        return bytes(self._file.readline(size))

    def readlines(self, hint: int = -1) -> Iterable[bytes]:
        """Reads lines."""
        return list(self._file.readlines(hint))

    def seek(self, offset: int, whence: int = 0) -> int:
        """Moves to a position, and returns it."""
        self._file.seek(offset, whence)
        return int(self._file.tell())

    def tell(self) -> int:
        """Returns the position."""
        return int(self._file.tell())

    def close(self) -> None:
        """Deletes the file; its space is free again."""
        self._file.close()
        size, self._size = self._size, 0
        if size:
            self._spool.give_back(self._client, size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # A response that is never sent is never closed.
        self.close()


def as_file(file: SpooledFile) -> IO[bytes]:
    """Returns the same object, for functions that are declared to take any binary file."""
    return file  # type: ignore[return-value]


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
