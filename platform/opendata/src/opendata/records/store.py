"""Contents of files: each is stored once, in a file named by its SHA-256, and never changes."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings

from adqlite.disk import spare
from adqlite.errors import StorageFull


class TooLarge(Exception):
    """More bytes arrived than the limit allows."""


#: Bytes between two checks of the free space.
_CHECKED = 32 * 2**20


@dataclass(frozen=True)
class Content:
    """Content in the store."""

    sha256: str
    size: int


def folder() -> Path:
    """Returns the folder of the contents."""
    return Path(settings.CONFIGURATION.folder("files"))


def path_of(sha256: str) -> Path:
    """Returns the file with a content."""
    return folder() / sha256[:2] / sha256


def put(pieces: Iterable[bytes], limit: int | None = None) -> Content:
    """Store a content; it appears only when it is complete and on disk.

    Raises
    ------
    TooLarge
        After `limit` bytes; nothing is stored.
    StorageFull
        The disk has too little free space; nothing is stored.
    """
    digest, size, next_check = hashlib.sha256(), 0, 0
    with NamedTemporaryFile(dir=folder(), prefix=".new-", delete=False) as file:
        temporary = Path(file.name)
        try:
            for piece in pieces:
                size += len(piece)
                if limit is not None and size > limit:
                    raise TooLarge(f"more than {limit} bytes")
                if size > next_check:
                    _check_space()
                    next_check = size + _CHECKED
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
            target = path_of(digest.hexdigest())
            target.parent.mkdir(mode=0o700, exist_ok=True)
            temporary.chmod(0o400)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    return Content(digest.hexdigest(), size)


def _check_space() -> None:
    kept_free = settings.CONFIGURATION.free_mb * 2**20
    if spare(folder(), kept_free) <= 0:
        raise StorageFull("the disk of the portal has too little free space for uploads")


def delete(sha256: str) -> None:
    """Deletes a content to which nothing refers."""
    path_of(sha256).unlink(missing_ok=True)


def delete_abandoned(seconds: float = 24 * 3600) -> int:
    """Deletes what processes left behind that ended during an upload; returns the number of files.

    Only incomplete files are deleted, so no mistake in the database can make this lose anything.

    Parameters
    ----------
    seconds : float
        Younger files may belong to an upload that goes on.
    """
    number = 0
    incoming = Path(settings.FILE_UPLOAD_TEMP_DIR)
    for path in [*folder().glob(".new-*"), *incoming.iterdir()]:
        with suppress(FileNotFoundError):
            if path.is_file() and path.stat().st_mtime < time.time() - seconds:
                path.unlink()
                number += 1
    return number
