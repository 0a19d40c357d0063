"""Contents of files: each is stored once, in a file named by its SHA-256, and never changes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings


class TooLarge(Exception):
    """More bytes arrived than the limit allows."""


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
    """
    digest, size = hashlib.sha256(), 0
    with NamedTemporaryFile(dir=folder(), prefix=".new-", delete=False) as file:
        temporary = Path(file.name)
        try:
            for piece in pieces:
                size += len(piece)
                if limit is not None and size > limit:
                    raise TooLarge(f"more than {limit} bytes")
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
