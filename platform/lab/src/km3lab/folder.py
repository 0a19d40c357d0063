"""A user's folder, accessed without ever following a symbolic link.

A user may replace any file or folder that the platform wrote, for example by a link to another
place; the platform must not read or write there.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal

__all__ = ["NO_SPACE", "Folder", "Found", "Kind"]

#: Errors of a write to a full disk, beyond a quota, and to a read-only home.
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})

#: Unfinished files that a killed process left behind.
_PARTIAL = ".km3net-partial-"

Kind = Literal["missing", "file", "folder", "link", "unreadable", "other"]

_KINDS: dict[int, Kind] = {stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}


@dataclass(frozen=True)
class Found:
    """What was found at a name."""

    kind: Kind
    sha256: str = ""
    mode: int = 0o644


class Folder:
    """An open folder; its methods take the names of direct entries."""

    def __init__(self, descriptor: int) -> None:
        self._fd = descriptor

    @classmethod
    def at(cls, path: Path, *, create: bool = False) -> Folder:
        """The folder at `path`, whose last part must not be a link.

        Raises
        ------
        NotADirectoryError
            If it is a file or a link.
        """
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                os.mkdir(path)
        return cls(_open_folder(str(path)))

    def __enter__(self) -> Folder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._fd)

    def inside(self, parts: tuple[str, ...], *, create: bool = False) -> Folder:
        """A folder below this one; raises as `at` does."""
        current = Folder(os.dup(self._fd))
        for part in parts:
            with current:
                if create:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, dir_fd=current._fd)
                current = Folder(_open_folder(part, current._fd))
        return current

    def look(self, name: str, *, sizes: frozenset[int] | None = None) -> Found:
        """Returns what is at `name`.

        With `sizes`, a file of any other length is not read, and its `sha256` is `other`: a user
        may have put gigabytes there.
        """
        try:
            found = os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return Found("missing")
        if not stat.S_ISREG(found.st_mode):
            return Found(_KINDS.get(stat.S_IFMT(found.st_mode), "other"))
        mode = stat.S_IMODE(found.st_mode)
        if sizes is not None and found.st_size not in sizes:
            return Found("file", "other", mode)
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self._fd)
        except PermissionError:
            return Found("unreadable", mode=mode)
        with os.fdopen(descriptor, "rb") as file:
            return Found("file", hashlib.file_digest(file, "sha256").hexdigest(), mode)

    def read(self, name: str, largest: int) -> bytes:
        """Returns the content of a file.

        Raises
        ------
        FileNotFoundError
            If there is none.
        ValueError
            If it has more than `largest` bytes.
        OSError
            If it is no file but a link, a pipe or a folder, or cannot be read.
        """
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=self._fd)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "is not a file", name)
            # The file may be growing.
            content = file.read(largest + 1)
        if len(content) > largest:
            raise ValueError(f"{name} is larger than {largest} bytes")
        return content

    def add(self, name: str, content: bytes, mode: int = 0o644) -> None:
        """Write a new file, whole or not at all; raises FileExistsError if the name is taken."""
        partial = self._write_partial(content, mode)
        try:
            self._give_name(partial, name)
        finally:
            self._drop(partial)

    def replace(self, name: str, content: bytes, mode: int = 0o644) -> None:
        """Replace the content of a file, whole or not at all."""
        partial = self._write_partial(content, mode)
        try:
            os.replace(partial, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        except OSError:
            self._drop(partial)
            raise

    def swap(self, name: str, aside: str, content: bytes) -> None:
        """Rename what is at `name` to the free name `aside` and write `content` to `name`.

        The new content is on the disk before anything moves, so that a full home changes nothing.
        """
        partial = self._write_partial(content, 0o644)
        try:
            os.rename(name, aside, src_dir_fd=self._fd, dst_dir_fd=self._fd)
            self._give_name(partial, name)
        finally:
            self._drop(partial)

    def remove(self, name: str) -> None:
        """Remove a file."""
        os.unlink(name, dir_fd=self._fd)

    def remove_partial_files(self) -> None:
        """Remove unfinished files of killed processes."""
        for name in os.listdir(self._fd):
            if name.startswith(_PARTIAL):
                self._drop(name)

    def _give_name(self, partial: str, name: str) -> None:
        # Unlike a rename, a link never overwrites.
        try:
            os.link(partial, name, src_dir_fd=self._fd, dst_dir_fd=self._fd, follow_symlinks=False)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
                raise
            # A file system without hard links.
            if self.look(name).kind != "missing":
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name) from None
            os.rename(partial, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)

    def _write_partial(self, content: bytes, mode: int) -> str:
        name = _PARTIAL + secrets.token_hex(6)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        try:
            descriptor = os.open(name, flags, mode, dir_fd=self._fd)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, mode)
                file.write(content)
                file.flush()
                # Some file systems do not report a full disk before.
                os.fsync(descriptor)
        except OSError:
            self._drop(name)
            raise
        return name

    def _drop(self, name: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=self._fd)


def _open_folder(name: str, base: int | None = None) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(name, flags, dir_fd=base)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotADirectoryError(errno.ENOTDIR, "is a symbolic link", name) from None
        raise
