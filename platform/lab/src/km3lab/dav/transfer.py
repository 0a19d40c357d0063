"""Files on the way in and out, in pieces, so that their size does not matter for the memory."""

from __future__ import annotations

import asyncio
import os
import stat
from contextlib import suppress
from pathlib import Path

from km3lab.dav.errors import DavError

__all__ = ["Upload", "byte_range", "opened"]

#: Bytes that are read or written at a time.
PIECE = 1 << 20


def opened(path: Path) -> int:
    """Returns a descriptor of a regular file; never waits for a pipe.

    Raises
    ------
    DavError
        403 where it is something else.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise DavError(403, "This is neither a file nor a folder, and cannot be transferred.")
    return descriptor


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """Returns first byte and end of the part that is asked for; None: the whole file.

    Several parts at once, and units other than bytes, are answered with the whole file, which
    RFC 9110 allows.

    Raises
    ------
    DavError
        416 where the file has no such part.
    """
    unit, _, text = header.partition("=")
    first, dash, last = (part.strip() for part in text.partition("-"))
    valid = all(part.isascii() and (part.isdigit() or not part) for part in (first, last))
    if unit.strip().lower() != "bytes" or not dash or not valid or not first + last:
        return None
    if len(first) > 18 or len(last) > 18:
        raise DavError(416, "The file is shorter.")
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= end:
        raise DavError(416, "The file is shorter.")
    return start, end


class Upload:
    """A file that is being received, beside the one that it will replace.

    Parameters
    ----------
    path
        A new file in the same folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor: int | None = os.open(path, flags, 0o666)
        self._waiting = bytearray()
        self._writing = asyncio.Lock()
        self.error: OSError | None = None
        """What made it fail; the rest is not written."""

    async def add(self, piece: bytes) -> None:
        """Take the next piece."""
        if self.error is None:
            self._waiting += piece
            if len(self._waiting) >= PIECE:
                await self._flush()

    async def _flush(self) -> None:
        async with self._writing:
            data, self._waiting = bytes(self._waiting), bytearray()
            try:
                await asyncio.to_thread(self._write, data)
            except OSError as error:
                self.error = error
                self.discard()

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            if self._descriptor is None:
                return
            view = view[os.write(self._descriptor, view) :]

    async def finish(self, target: Path) -> None:
        """Put the complete file to its place; it keeps the permissions of the one before.

        Raises
        ------
        OSError
            Where it could not be written; the file that was there is unchanged.
        """
        await self._flush()
        if self.error is not None or self._descriptor is None:
            raise self.error or OSError("the upload was given up")
        try:
            with suppress(FileNotFoundError):
                os.fchmod(self._descriptor, stat.S_IMODE(os.lstat(target).st_mode))
            # A quota or a network disk may refuse only now.
            await asyncio.to_thread(os.fsync, self._descriptor)
            self._close()
            os.rename(self.path, target)
        except OSError:
            self.discard()
            raise

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def discard(self) -> None:
        """Remove what was received; after `finish` nothing happens."""
        if self._descriptor is not None:
            with suppress(OSError):
                self._close()
            self.path.unlink(missing_ok=True)
