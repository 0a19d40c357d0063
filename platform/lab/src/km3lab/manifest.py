"""What the platform wrote into a home, so that it knows its own files from the user's."""

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
#: Another server of the same user holds the lock for milliseconds; one that hangs must not
#: prevent this start.
_LOCK_SECONDS = 10.0


@dataclass
class Entry:
    """What was given to the user of one tutorial file."""

    sha256: str = ""
    """Of the version that the user's file was made from; empty: not known."""
    size: int = -1
    new_name: str = ""
    """The file that holds a newer version beside the user's own."""
    new_sha256: str = ""
    retired: bool = False
    """Whether the image no longer has the file."""


@dataclass
class Manifest:
    """All that was written, by path below the tutorials' folder."""

    files: dict[str, Entry] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    """Generated pages in the home: name to sha256."""

    @classmethod
    def load(cls, home: Path) -> Manifest:
        """The manifest of a home; empty where there is none that can be read.

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
    """Where the platform keeps its own notes in a home."""
    return home / ".local" / "share" / "km3net"


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the only right to change what the manifest describes.

    Raises
    ------
    TimeoutError
        Where another server of the user keeps it for too long.
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
