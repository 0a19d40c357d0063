"""A folder as a zip archive, made while it is sent: no copy on the disk, little memory."""

from __future__ import annotations

import os
import stat
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["NOTE", "FolderError", "open_folder", "write_zip"]

#: The file of an archive that lists what it does not contain.
NOTE = "NOT-INCLUDED.txt"
#: Bytes read at a time.
_BLOCK = 256 * 1024
#: Folders within folders; deeper ones are named in the note.
_DEEPEST = 100
#: Copies that JupyterLab makes by itself.
_CHECKPOINTS = ".ipynb_checkpoints"
#: Above this size an entry needs the zip64 format, which old programs do not read.
_LARGE = 1 << 30
#: Lines of the note.
_LINES = 10_000


class FolderError(Exception):
    """There is no such folder; the text is for the user."""


def open_folder(root: Path, path: str) -> int:
    """Returns a descriptor of a folder; the caller closes it.

    Parameters
    ----------
    root
        What the file browser shows.
    path
        Below it, with `/`. No part of it may be hidden or a link.

    Raises
    ------
    FolderError
        There is no such folder.
    """
    parts = path.strip("/").split("/")
    if any(part in ("", ".", "..") or part.startswith(".") or "\0" in part for part in parts):
        raise FolderError(f"{path or 'This'} is not a folder that can be downloaded.")
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    current = -1
    try:
        current = os.open(root, flags)
        for part in parts:
            below = os.open(part, flags | os.O_NOFOLLOW, dir_fd=current)
            os.close(current)
            current = below
    except OSError as error:
        if current >= 0:
            os.close(current)
        raise FolderError(f"{path} cannot be downloaded: {_reason(error)}.") from None
    return current


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "it does not exist"
    if isinstance(error, PermissionError):
        return "it cannot be read"
    return "it is a link or a file, not a folder"


class _Sink:
    """A file that is only written; zipfile must not seek in it."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send

    def write(self, content: bytes) -> int:
        if content:
            self._send(bytes(content))
        return len(content)

    def flush(self) -> None:
        """Do nothing: everything is sent at once."""

    def close(self) -> None:
        """Do nothing: the receiver knows when the archive ends."""


@dataclass
class _Missing:
    """What is not in the archive, and why."""

    lines: list[str] = field(default_factory=list)
    more: int = 0

    def add(self, name: str, why: str) -> None:
        if len(self.lines) < _LINES:
            self.lines.append(f"{name}: {why}")
        else:
            self.more += 1

    def text(self) -> str:
        end = [f"and {self.more} more"] if self.more else []
        return "\n".join(["These files are not in this archive:", "", *self.lines, *end, ""])


def write_zip(folder: int, name: str, send: Callable[[bytes], None]) -> None:
    """Send a folder as a zip archive.

    Links, pipes and devices are left out, and so is what cannot be read; a file `NOT-INCLUDED.txt`
    lists them. A file that grows meanwhile is cut where it ended at first.

    Parameters
    ----------
    folder
        Descriptor of the folder; it stays open.
    name
        The folder's name in the archive.
    send
        Takes the next bytes. An exception from it ends the work.
    """
    missing = _Missing()
    top = _portable(name)
    with zipfile.ZipFile(
        _Sink(send),
        "w",
        zipfile.ZIP_DEFLATED,
        compresslevel=1,
        strict_timestamps=False,
    ) as archive:
        for path, parent, entry in _walk(folder, top, missing, depth=0):
            if entry is None:
                archive.writestr(zipfile.ZipInfo(f"{path}/"), b"")
            else:
                _add(archive, path, parent, entry, missing)
        if missing.lines:
            archive.writestr(_free(archive, f"{top}/{NOTE}"), missing.text())


def _walk(
    folder: int, path: str, missing: _Missing, depth: int
) -> Iterator[tuple[str, int, str | None]]:
    """Yields path in the archive, descriptor of the parent, and name; None: a folder."""
    yield path, folder, None
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        missing.add(path, error.strerror or "cannot be read")
        return
    for name in names:
        if name == _CHECKPOINTS:
            continue
        inside = f"{path}/{_portable(name)}"
        try:
            mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
            if not stat.S_ISDIR(mode):
                yield inside, folder, name
                continue
            if depth >= _DEEPEST:
                missing.add(inside, "too many folders within folders")
                continue
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            below = os.open(name, flags, dir_fd=folder)
        except OSError as error:
            missing.add(inside, error.strerror or "cannot be read")
            continue
        try:
            yield from _walk(below, inside, missing, depth + 1)
        finally:
            os.close(below)


def _add(archive: zipfile.ZipFile, path: str, parent: int, name: str, missing: _Missing) -> None:
    try:
        # Not blocking: a pipe without a writer would wait for ever.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        if not stat.S_ISREG(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            missing.add(path, "a link, a pipe or a device")
            return
        descriptor = os.open(name, flags, dir_fd=parent)
    except OSError as error:
        missing.add(path, error.strerror or "cannot be read")
        return
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            missing.add(path, "a link, a pipe or a device")
            return
        # Zip knows the years 1980 to 2107.
        when = min(
            max(time.localtime(status.st_mtime)[:6], (1980, 1, 1, 0, 0, 0)),
            (2107, 12, 31, 23, 59, 58),
        )
        info = zipfile.ZipInfo(_free(archive, path), when)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = (stat.S_IFREG | stat.S_IMODE(status.st_mode) & 0o777) << 16
        left = status.st_size
        with archive.open(info, "w", force_zip64=left >= _LARGE) as entry:
            while left > 0:
                try:
                    block = file.read(min(_BLOCK, left))
                except OSError as error:
                    missing.add(path, f"incomplete: {error.strerror}")
                    return
                if not block:
                    missing.add(path, "incomplete: it became shorter while it was read")
                    return
                entry.write(block)
                left -= len(block)


def _portable(name: str) -> str:
    """Returns a name that no program that unpacks takes for a path, in valid Unicode."""
    readable = os.fsencode(name).decode("utf-8", "replace")
    return readable.replace("\\", "_")


def _free(archive: zipfile.ZipFile, path: str) -> str:
    """Returns `path`, with a number where the archive has it: two names may have become one."""
    stem, dot, ending = path.rpartition(".")
    if not stem or "/" in ending:
        stem, dot, ending = path, "", ""
    number, found = 1, path
    while found in archive.NameToInfo:
        number += 1
        found = f"{stem}-{number}{dot}{ending}"
    return found
