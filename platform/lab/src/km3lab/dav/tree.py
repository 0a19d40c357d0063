"""The files that WebDAV shows: those of the home and of the scratch folder, nothing outside."""

from __future__ import annotations

import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from km3lab.dav.errors import DavError

__all__ = ["Entry", "Segments", "Tree", "href", "segments"]

#: The names on the way from the home to a file; none: the home.
Segments = tuple[str, ...]

#: Files of uploads that are not complete, and what is moved away until a copy is complete.
PREFIX = ".km3-transfer-"
#: The name of the link to the scratch folder.
_SCRATCH = "scratch"


def segments(path: str) -> Segments:
    """Returns the names in the path of an address, which is still percent-encoded.

    Names that are not UTF-8 keep their bytes (`os.fsdecode`).

    Raises
    ------
    DavError
        400 for `..`, NUL and an encoded slash.
    """
    found = tuple(os.fsdecode(unquote_to_bytes(part)) for part in path.split("/") if part)
    if any(name in (".", "..") or "/" in name or "\0" in name for name in found):
        raise DavError(400, "The address of the file is not valid: it has a name that is no name.")
    return found


def href(base: str, where: Segments, *, folder: bool) -> str:
    """Returns the path of an address, percent-encoded."""
    path = "/".join(quote(os.fsencode(name)) for name in where)
    return f"{base}/{path}{'/' if folder and path else ''}"


@dataclass(frozen=True)
class Entry:
    """A file or folder."""

    where: Segments
    path: Path
    stat: os.stat_result

    @property
    def folder(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.stat.st_mode)

    @property
    def etag(self) -> str:
        """Changes with the content: file number, time in nanoseconds and size."""
        found = self.stat
        return f'"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"'


class Tree:
    """The home, and the scratch folder that it links to.

    A link leads on only to a place within these folders. That protects nobody from the user, who
    may read every such file in a terminal; it keeps a program that copies or deletes a folder from
    the rest of the machine.

    Parameters
    ----------
    home
        The home.
    scratch
        The scratch folder; None: there is none.
    """

    def __init__(self, home: Path, scratch: Path | None = None) -> None:
        self.home = Path(os.path.realpath(home))
        self._scratch = Path(os.path.realpath(scratch)) if scratch else None

    def path(self, where: Segments) -> Path:
        """Returns where a file is or would be; links on the way to its folder are followed.

        Raises
        ------
        DavError
            403 where a link leads out of the home.
        """
        if not where:
            return self.home
        return self._inside(self.home.joinpath(*where[:-1])) / where[-1]

    def _inside(self, path: Path) -> Path:
        real = Path(os.path.realpath(path))
        roots = (self.home, self._scratch)
        if not any(root and (real == root or root in real.parents) for root in roots):
            raise DavError(403, "A link leads to a place outside your home, which is not shared.")
        return real

    def entry(self, where: Segments) -> Entry:
        """Returns a file or folder; links are followed.

        Raises
        ------
        DavError
            403 for what is outside, and for what is neither a file nor a folder.
        OSError
            Where there is none.
        """
        path = self._inside(self.path(where))
        found = os.stat(path)
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            raise DavError(403, "This is neither a file nor a folder, and cannot be transferred.")
        return Entry(where, path, found)

    def find(self, where: Segments) -> Entry | None:
        """Returns a file or folder, None where there is nothing of that name."""
        try:
            return self.entry(where)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def children(self, parent: Entry) -> Iterator[Entry]:
        """Yields what is in a folder; pipes, devices and links that lead out are left out."""
        with os.scandir(parent.path) as found:
            for item in found:
                if item.name.startswith(PREFIX):
                    continue
                with suppress(DavError, OSError):
                    yield self.entry((*parent.where, item.name))

    def parent(self, where: Segments) -> Path:
        """Returns the folder that something is to be made in.

        Raises
        ------
        DavError
            409 where there is none, 403 for the home itself.
        """
        if not where:
            raise DavError(403, "Your home itself cannot be replaced, moved or deleted.")
        folder = self.path(where).parent
        if not folder.is_dir():
            raise DavError(409, "The folder does not exist; create it first.")
        return folder

    def make_folder(self, where: Segments) -> None:
        """Make a folder.

        Raises
        ------
        DavError
            405 where something of that name exists, 409 without a folder to make it in.
        """
        if where and os.path.lexists(self.path(where)):
            raise DavError(405, "Something of this name exists already.")
        self.parent(where)
        os.mkdir(self.path(where))

    def aside(self, where: Segments) -> Path:
        """Returns an unused path in the folder of a file."""
        return self.parent(where) / f"{PREFIX}{uuid.uuid4().hex}"

    def delete(self, where: Segments) -> None:
        """Delete a file, a link (not what it leads to) or a folder with all that is in it."""
        self._not_scratch(where)
        self.parent(where)
        _delete(self.path(where))

    def copy(self, source: Segments, target: Segments, *, deep: bool) -> None:
        """Copy a file or folder; what is at the target is replaced once the copy is complete.

        Links in a folder are copied as links.
        """
        entry = self.entry(source)
        self._apart(source, target)
        new = self.aside(target)
        try:
            if not entry.folder:
                shutil.copy2(entry.path, new)
            elif deep:
                shutil.copytree(entry.path, new, symlinks=True, ignore=_special)
            else:
                os.mkdir(new)
            self._put(new, target)
        except BaseException as error:
            _delete(new)
            if isinstance(error, shutil.Error):
                raise _first(error) from error
            raise

    def move(self, source: Segments, target: Segments) -> None:
        """Move a file, link or folder; what is at the target is replaced."""
        self._not_scratch(source)
        self.entry(source)
        self._apart(source, target)
        self.parent(source)
        old = self.path(source)
        try:
            self._put(old, target)
        except OSError as error:
            if error.errno != 18:  # EXDEV: the scratch folder is another file system
                raise
            self.copy(source, target, deep=True)
            _delete(old)

    def _put(self, new: Path, target: Segments) -> None:
        """Put what is at `new` to its place; what is there stays until that has worked."""
        self.parent(target)
        path = self.path(target)
        if not os.path.lexists(path):
            os.rename(new, path)
            return
        self._not_scratch(target)
        away = self.aside(target)
        os.rename(path, away)
        try:
            os.rename(new, path)
        except BaseException:
            os.rename(away, path)
            raise
        _delete(away)

    def _apart(self, source: Segments, target: Segments) -> None:
        one, other = self.path(source), self.path(target)
        real = Path(os.path.realpath(one))
        if one == other or real == Path(os.path.realpath(other)):
            raise DavError(403, "Source and destination are the same.")
        if one in other.parents or other in one.parents or real in other.parents:
            raise DavError(403, "A folder cannot be copied or moved into itself or its own folder.")

    def _not_scratch(self, where: Segments) -> None:
        if where == (_SCRATCH,) and self._scratch and self.path(where).is_symlink():
            raise DavError(403, "The scratch folder cannot be replaced, moved or deleted.")


def _special(folder: str, names: list[str]) -> list[str]:
    """Returns what a copy leaves out: pipes, sockets and devices, which would block it."""
    left = []
    for name in names:
        with suppress(OSError):
            mode = os.lstat(os.path.join(folder, name)).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
                left.append(name)
    return left


def _first(error: shutil.Error) -> Exception:
    """Returns the first of several failures, as an error that says what to do."""
    text = str(error)
    if "No space left" in text or "quota" in text:
        return DavError(507, "Your home is full; delete files that you do not need, and try again.")
    return DavError(500, "Some files of the folder could not be copied; nothing was changed.")


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
