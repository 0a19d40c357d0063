"""Files deleted in JupyterLab are kept for a while, as desktops keep them.

https://specifications.freedesktop.org/trash-spec/latest/
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote

__all__ = ["Deleted", "Trash", "TrashError"]

#: Days for which files are kept, and bytes above which the oldest are removed.
DAYS, LARGEST = 30, 1 << 30
_FOLDER = (".local", "share", "Trash")
_INFO = ".trashinfo"
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: Bytes of an information file; names have at most 255, paths 4096, each up to three times as long.
_LONGEST = 16_384
#: Seconds for measuring everything; what is not measured counts as empty.
_SECONDS = 3.0
_ATTEMPTS = 1000


class TrashError(Exception):
    """Something cannot be restored; the text is for the user."""


@dataclass(frozen=True)
class Deleted:
    """Something in the trash."""

    name: str
    """In the trash."""
    path: str
    """Below the home, where it was."""
    when: datetime
    """Local time, without zone, as the standard has it."""


class Trash:
    """The trash of a home. Nothing in it is followed if it is a link.

    Parameters
    ----------
    home
        The home.
    largest
        Bytes above which the oldest are removed.
    nearly_full
        Whether the home has so little space left that what is deleted must free it at once.
    """

    def __init__(
        self,
        home: Path,
        largest: int = LARGEST,
        nearly_full: Callable[[], bool] = lambda: False,
    ) -> None:
        self._home = Path(os.path.abspath(home))
        self.largest = largest
        self._nearly_full = nearly_full

    def take(self, file: Path) -> bool:
        """Move something here and remove what is too old or too much.

        Returns
        -------
        bool
            False: there is no room or no trash; it is still where it was.
        """
        if self._nearly_full():
            return False
        try:
            self.put(file)
        except OSError:
            return False
        self.tidy()
        return True

    def put(self, file: Path) -> None:
        """Move a file, folder or link to the trash.

        Raises
        ------
        OSError
            It is still where it was, for example because it is on another disk.
        """
        where = os.path.abspath(file)
        stamp = datetime.now().replace(microsecond=0).isoformat()
        lines = f"[Trash Info]\nPath={quote(os.fsencode(where))}\nDeletionDate={stamp}\n"
        with self._open(create=True) as (files, infos):
            name = self._reserve(file.name, lines, files, infos)
            try:
                os.rename(where, name, dst_dir_fd=files)
            except OSError:
                os.unlink(name + _INFO, dir_fd=infos)
                raise

    def _reserve(self, name: str, lines: str, files: int, infos: int) -> str:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        # Room for the number and the ending in a name of 255 bytes.
        stem = os.fsdecode(os.fsencode(name)[:230])
        for number in range(1, _ATTEMPTS):
            found = stem if number == 1 else f"{stem}.{number}"
            if _exists(found, files):
                continue
            try:
                descriptor = os.open(found + _INFO, flags, 0o600, dir_fd=infos)
            except FileExistsError:
                continue
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(lines)
            return found
        raise FileExistsError(f"the trash has {_ATTEMPTS} files of the name {name}")

    def listing(self) -> list[Deleted]:
        """Returns what can be restored, the newest first; damaged entries are left out."""
        try:
            with self._open() as (files, infos):
                found = [self._entry(name, files, infos) for name in os.listdir(infos)]
        except OSError:
            return []
        return sorted((one for one in found if one), key=lambda one: one.when, reverse=True)

    def _entry(self, info: str, files: int, infos: int) -> Deleted | None:
        name = info.removesuffix(_INFO)
        if name == info or not _exists(name, files):
            return None
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(info, flags, dir_fd=infos)
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return None
                text = file.read(_LONGEST).decode("utf-8", "replace")
            values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
            path = unquote(values["Path"], errors="surrogateescape")
            below = PurePosixPath(path).relative_to(self._home)
            when = datetime.fromisoformat(values["DeletionDate"]).replace(tzinfo=None)
        except (OSError, ValueError, KeyError):
            return None
        if not below.parts or ".." in below.parts or "\0" in path:
            return None
        return Deleted(name, str(below), when)

    def restore(self, name: str) -> str:
        """Move something back to its place, beside whatever is there now.

        Returns
        -------
        str
            Its path below the home.

        Raises
        ------
        TrashError
            It is not in the trash, or cannot be moved; then it stays there.
        """
        if not name or "/" in name or "\0" in name:
            raise TrashError("This is not in the trash any more.")
        try:
            with self._open() as (files, infos):
                entry = self._entry(name + _INFO, files, infos)
                if entry is None:
                    raise TrashError("This is not in the trash any more.")
                path = PurePosixPath(entry.path)
                parent = _folder(self._home, path.parent.parts, create=True)
                try:
                    given = _move_back(name, files, parent, path)
                finally:
                    os.close(parent)
                os.unlink(name + _INFO, dir_fd=infos)
        except OSError as error:
            raise TrashError(
                f"{name} could not be restored and is still in the trash: {error.strerror}."
            ) from None
        return str(path.with_name(given))

    def tidy(self, *, everything: bool = False) -> None:
        """Remove what is too old, and the oldest above the limit of size; or everything."""
        until = time.monotonic() + _SECONDS
        now = datetime.now()
        total = 0
        for one in self.listing():
            with contextlib.suppress(OSError), self._open() as (files, infos):
                total += _size(one.name, files, until)
                if everything or (now - one.when).days >= DAYS or total > self.largest:
                    _remove(one.name, files)
                    os.unlink(one.name + _INFO, dir_fd=infos)

    @contextmanager
    def _open(self, *, create: bool = False) -> Iterator[tuple[int, int]]:
        opened: list[int] = []
        try:
            for name in ("files", "info"):
                opened.append(_folder(self._home, (*_FOLDER, name), create=create))
            yield opened[0], opened[1]
        finally:
            for descriptor in opened:
                os.close(descriptor)


def _folder(home: Path, parts: tuple[str, ...], *, create: bool) -> int:
    current = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in parts:
        try:
            if create:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, 0o700, dir_fd=current)
            below = os.open(part, _OPEN, dir_fd=current)
        finally:
            os.close(current)
        current = below
    return current


def _exists(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return True


def _move_back(name: str, files: int, parent: int, path: PurePosixPath) -> str:
    folder = stat.S_ISDIR(os.stat(name, dir_fd=files, follow_symlinks=False).st_mode)
    for number in range(1, _ATTEMPTS):
        given = path.name if number == 1 else f"{path.stem}-restored-{number}{path.suffix}"
        if _exists(given, parent):
            continue
        if folder:
            os.rename(name, given, src_dir_fd=files, dst_dir_fd=parent)
            return given
        try:
            # Unlike a rename, a link never overwrites.
            os.link(name, given, src_dir_fd=files, dst_dir_fd=parent, follow_symlinks=False)
        except FileExistsError:
            continue
        os.unlink(name, dir_fd=files)
        return given
    raise FileExistsError(0, "too many files of this name")


def _remove(name: str, files: int) -> None:
    if stat.S_ISDIR(os.stat(name, dir_fd=files, follow_symlinks=False).st_mode):
        shutil.rmtree(name, dir_fd=files)
    else:
        os.unlink(name, dir_fd=files)


def _size(name: str, files: int, until: float) -> int:
    """Returns the bytes on the disk of a file or a folder."""
    status = os.stat(name, dir_fd=files, follow_symlinks=False)
    size = status.st_blocks * 512
    if stat.S_ISDIR(status.st_mode):
        for _, _, names, folder in os.fwalk(name, dir_fd=files):
            for one in names:
                with contextlib.suppress(OSError):
                    size += os.stat(one, dir_fd=folder, follow_symlinks=False).st_blocks * 512
            if time.monotonic() > until:
                break
    return size
