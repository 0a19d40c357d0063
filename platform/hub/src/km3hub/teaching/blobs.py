"""Published and collected files, each stored once under its SHA-256."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Collection
from pathlib import Path

from km3hub.teaching.store import TeachingError

__all__ = ["LARGEST", "Blob", "Blobs", "FullError", "Incoming"]

#: Bytes of one file.
LARGEST = 20 << 20
#: Bytes that stay free on the disk: the hub's own database is on it.
_FREE = 1 << 30
_INCOMING = "incoming-"
#: Seconds for which a file is kept although nothing refers to it.
_NEW = 60.0


class FullError(TeachingError):
    """The disk has no room for more files."""


class Blob:
    """A stored file."""

    def __init__(self, sha256: str, size: int) -> None:
        self.sha256 = sha256
        self.bytes = size


class Incoming:
    """A file that is arriving in pieces.

    Parameters
    ----------
    folder
        The folder of all files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._digest = hashlib.sha256()
        self.bytes = 0
        descriptor, self._name = tempfile.mkstemp(dir=folder, prefix=_INCOMING)
        self._file = os.fdopen(descriptor, "wb")

    def write(self, piece: bytes) -> None:
        """Append a piece.

        Raises
        ------
        ValueError
            Where the file becomes too large.
        """
        self.bytes += len(piece)
        if self.bytes > LARGEST:
            raise ValueError("the file is too large")
        self._digest.update(piece)
        self._file.write(piece)

    def keep(self) -> Blob:
        """Store the file."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        sha256 = self._digest.hexdigest()
        os.replace(self._name, self._folder / sha256)
        return Blob(sha256, self.bytes)

    def discard(self) -> None:
        """Forget the file, where it was not stored."""
        self._file.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._name)


class Blobs:
    """The folder of all files, mode 0700.

    Parameters
    ----------
    folder
        Created at first use.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self) -> Incoming:
        """Begin to store a file.

        Raises
        ------
        FullError
            Where the disk has no room.
        TeachingError
            Where the folder cannot be used.
        """
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            if shutil.disk_usage(self._folder).free < _FREE:
                raise FullError("The disk of the hub is full. Ask the administrator for space.")
            return Incoming(self._folder)
        except OSError as error:
            raise TeachingError(f"{self._folder}: cannot be used: {error}") from error

    def add(self, content: bytes) -> Blob:
        """Store a file whose content is known.

        Raises
        ------
        TeachingError
            As `begin`.
        ValueError
            Where it is too large.
        """
        incoming = self.begin()
        try:
            incoming.write(content)
            return incoming.keep()
        except OSError as error:
            raise TeachingError(f"{self._folder}: cannot be used: {error}") from error
        finally:
            incoming.discard()

    def path(self, sha256: str) -> Path:
        """Returns where a file is."""
        return self._folder / sha256

    def delete_others(self, needed: Collection[str]) -> None:
        """Delete every stored file whose digest is not in `needed`."""
        if not self._folder.is_dir():
            return
        for file in self._folder.iterdir():
            if file.name in needed or file.name.startswith(_INCOMING):
                continue
            with contextlib.suppress(FileNotFoundError):
                # Another program may be about to enter it in the database.
                if time.time() - file.stat().st_mtime > _NEW:
                    file.unlink()
