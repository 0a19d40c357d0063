"""Records the files that the platform wrote to a home, to distinguish them from the user's."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from km3lab.folder import Folder

__all__ = ["Entry", "Manifest", "folder_of", "locked"]

_NAME = "tutorials.json"
_VERSION = 1
#: Another server of the same user holds the lock for milliseconds; a hanging one must not block
#: this start.
_LOCK_SECONDS = 10.0


@dataclass
class Entry:
    """The version of one tutorial file that the user got."""

    sha256: str = ""
    """Of the version that the user's file is based on; empty if unknown."""
    size: int = -1
    new_name: str = ""
    """The file that holds a newer version beside the user's own."""
    new_sha256: str = ""
    retired: bool = False
    """Whether the image no longer has the file."""


@dataclass
class Manifest:
    """Tutorial files, by path below the tutorials' folder."""

    files: dict[str, Entry] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    """Generated pages in the home: name to sha256."""

    @classmethod
    def load(cls, home: Path) -> Manifest:
        """Returns the manifest of a home; an empty one if none can be read.

        Without it every file counts as the user's own, which keeps everything.
        """
        try:
            data: Any = json.loads((folder_of(home) / _NAME).read_bytes())
            files = {str(name): _entry(entry) for name, entry in data["files"].items()}
            pages = {str(name): str(digest) for name, digest in data["pages"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return cls()
        return cls(files=files, pages=pages)

    def save(self, home: Path) -> None:
        """Write it, whole or not at all."""
        data = {"version": _VERSION, **asdict(self)}
        text = json.dumps(data, indent=1, sort_keys=True) + "\n"
        with Folder.at(folder_of(home), create=True) as folder:
            folder.replace(_NAME, text.encode())


def _entry(data: dict[str, Any]) -> Entry:
    entry = Entry(**data)
    for name, value in vars(entry).items():
        if type(value) is not type(getattr(Entry, name)):
            raise TypeError(f"{name} is a {type(value).__name__}")
    return entry


def folder_of(home: Path) -> Path:
    """Returns the folder for the platform's own records in a home."""
    return home / ".local" / "share" / "km3net"


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Lock the files that the manifest describes.

    Raises
    ------
    TimeoutError
        If another server of the user holds the lock for too long.
    """
    folder = folder_of(home)
    folder.mkdir(parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(folder / "tutorials.lock", flags, 0o600)
    try:
        until = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise TimeoutError(
                        "another server of yours is preparing the tutorials"
                    ) from None
                time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)
