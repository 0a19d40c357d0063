"""What is in a home, without following a link out of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from km3hub.membership.names import WorkshopError

__all__ = ["Entry", "HomeError", "entries", "reading"]

#: A sparse file may claim any size; reading and compressing one TB of zeros takes an hour.
LARGEST_FILE = 2**40
#: Folders within folders; each level keeps one file descriptor open.
DEEPEST = 200


class HomeError(WorkshopError):
    """A home cannot be archived as it is; the message names the file and says what to do."""


@dataclass(frozen=True)
class Entry:
    """A file, folder, link or something else in a home."""

    path: bytes
    """Relative to the home; any bytes but zero."""
    kind: Literal["file", "folder", "link", "other"]
    mode: int
    mtime: float
    size: int = 0
    target: bytes = b""
    """Where a link leads to."""

    @property
    def shown(self) -> str:
        """The path for messages."""
        return "".join(c if c.isprintable() else "?" for c in self.path.decode(errors="replace"))


def entries(home: Path) -> list[Entry]:
    """Returns everything in a home, in the order of the paths. Links are not followed.

    Raises
    ------
    HomeError
        Where something cannot be read.
    """
    root = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        return sorted(_below(root, b"", 0), key=lambda entry: entry.path)
    finally:
        os.close(root)


def _below(folder: int, prefix: bytes, depth: int) -> Iterator[Entry]:
    if depth > DEEPEST:
        raise HomeError(
            f"{_shown(prefix)}: has more than {DEEPEST} folders within each other; move or delete"
            " them"
        )
    with os.scandir(folder) as found:
        names = [os.fsencode(entry.name) for entry in found]
    for name in names:
        path = prefix + name
        try:
            info = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if not stat.S_ISDIR(info.st_mode):
                yield _entry(path, info, folder, name)
                continue
            yield Entry(path, "folder", info.st_mode & 0o7777, info.st_mtime)
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            below = os.open(name, flags, dir_fd=folder)
        except OSError as error:
            raise _unreadable(path, error) from None
        try:
            yield from _below(below, path + b"/", depth + 1)
        finally:
            os.close(below)


def _entry(path: bytes, info: os.stat_result, folder: int, name: bytes) -> Entry:
    mode = info.st_mode & 0o7777
    if stat.S_ISLNK(info.st_mode):
        target = os.readlink(name, dir_fd=folder)
        return Entry(path, "link", mode, info.st_mtime, len(target), target)
    if not stat.S_ISREG(info.st_mode):
        return Entry(path, "other", mode, info.st_mtime)
    if info.st_size > LARGEST_FILE:
        raise HomeError(
            f"{_shown(path)}: claims {info.st_size / 2**40:.0f} TB (it is sparse), which would"
            " take hours to archive; delete it or make it shorter: truncate --size"
        )
    return Entry(path, "file", mode, info.st_mtime, info.st_size)


@contextmanager
def reading(home: Path, entry: Entry) -> Iterator[int]:
    """Yields a descriptor of a file in a home. No part of its path may be a link.

    Raises
    ------
    HomeError
        Where it cannot be read, or is no file any more.
    """
    *folders, name = entry.path.split(b"/")
    opened = []
    try:
        where = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        opened.append(where)
        for folder in folders:
            where = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=where)
            opened.append(where)
        # NONBLOCK: a pipe in its place would be waited for.
        where = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=where)
        opened.append(where)
        if not stat.S_ISREG(os.fstat(where).st_mode):
            raise HomeError(f"{entry.shown}: changed while it was read; run the command again")
        yield where
    except OSError as error:
        if error.filename is None and not opened:
            raise
        raise _unreadable(entry.path, error) from None
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _shown(path: bytes) -> str:
    return Entry(path, "other", 0, 0).shown


def _unreadable(path: bytes, error: OSError) -> HomeError:
    advice = "; give its owner the right to read: chmod -R u+rX" if error.errno == 13 else ""
    return HomeError(f"{_shown(path)}: cannot be read: {error.strerror}{advice}")
