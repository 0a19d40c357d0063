"""Write an uncompressed tar file whose parts are streamed and whose sizes are known afterwards."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

__all__ = ["BundleWriter", "Counted"]

_BLOCK = tarfile.BLOCKSIZE


class Counted(io.RawIOBase):
    """Passes on what is written, and keeps its size (bytes) and SHA-256."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        """Return that this can be written to."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Write all of `data`."""
        self._stream.write(data)
        self._digest.update(data)
        self.size += len(data)
        return len(data)

    @property
    def sha256(self) -> str:
        """The SHA-256 of what was written, as hexadecimal digits."""
        return self._digest.hexdigest()


class BundleWriter:
    """Writes parts one after the other, each once, without a temporary copy.

    The header of a part is written before its size is known, and again afterwards; `stream` must
    therefore be seekable.

    Parameters
    ----------
    stream
        An empty file, opened for writing bytes.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        #: For each part its size (bytes) and SHA-256.
        self.parts: dict[str, dict[str, str | int]] = {}

    @contextmanager
    def part(self, name: str, *, mode: int = 0o644) -> Iterator[IO[bytes]]:
        """Open a part for writing."""
        start = self._stream.tell()
        self._stream.write(bytes(_BLOCK))
        counted = Counted(self._stream)
        yield cast(IO[bytes], counted)
        self._stream.write(bytes(-counted.size % _BLOCK))
        end = self._stream.tell()
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = counted.size, mode, int(time.time())
        self._stream.seek(start)
        self._stream.write(info.tobuf(tarfile.GNU_FORMAT))
        self._stream.seek(end)
        self.parts[name] = {"size": counted.size, "sha256": counted.sha256}

    @contextmanager
    def compressed(self, name: str) -> Iterator[Counted]:
        """Open a part that is compressed with gzip; what is yielded counts before compression."""
        # Higher levels cost more time than they save on a USB stick.
        with (
            self.part(name) as raw,
            gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=1, mtime=0) as packed,
        ):
            yield Counted(cast(IO[bytes], packed))

    def close(self) -> None:
        """Write the end of the tar file."""
        self._stream.write(bytes(2 * _BLOCK))
