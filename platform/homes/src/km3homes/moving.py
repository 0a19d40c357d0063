"""Copying a home's files without losing one, even where the machine stops in the middle.

The steps are: copy to `draft`, compare, rename `draft` to `ready`, put `ready` in the place of the
files, which become `former`, compare unless that was just done, delete. A start finishes what an
earlier one began; nothing is deleted before it was found in the new place.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from km3homes.place import OWNER, Place
from km3homes.programs import HomesError, run

__all__ = ["copy", "delete", "difference", "fill", "is_empty", "reconcile", "size_of", "sync"]

#: Everything that a file has: links, owners, times, access lists, attributes, holes.
_ALL = ("--archive", "--hard-links", "--acls", "--xattrs", "--numeric-ids", "--sparse")
#: A folder of the file system itself.
_OWN = "--exclude=/lost+found"
#: Seconds between two reports.
_INTERVAL = 0.5

Progress = Callable[[int, int], None]


def is_empty(folder: Path) -> bool:
    """Returns whether a folder has no entry."""
    with os.scandir(folder) as entries:
        return next(entries, None) is None


def size_of(folder: Path) -> int:
    """Returns how many bytes the files of a folder take on the disk; hard links count once."""
    total, seen = 0, set()
    for top, folders, files in os.walk(folder):
        for name in (*folders, *files):
            try:
                found = os.lstat(os.path.join(top, name))
            except OSError:
                continue
            if (found.st_dev, found.st_ino) not in seen:
                if found.st_nlink > 1:
                    seen.add((found.st_dev, found.st_ino))
                total += found.st_blocks * 512
    return total


def copy(source: Path, target: Path) -> None:
    """Make `target` equal to `source`; files that are there already are not copied again."""
    run("rsync", *_ALL, "--delete", _OWN, f"{source}/", f"{target}/")


def difference(source: Path, target: Path, *, content: bool = True) -> list[str]:
    """Returns which entries of `source` are missing in `target` or differ there.

    Parameters
    ----------
    source, target
        Two folders.
    content
        Compare what files contain, not only their size and time.
    """
    how = ["--checksum"] if content else []
    options = ("--dry-run", "--itemize-changes", *how, _OWN)
    return run("rsync", *_ALL, *options, f"{source}/", f"{target}/").splitlines()


def fill(place: Place, target: Path, report: Progress, source: Path | None = None) -> None:
    """Copy a home's files to `target` and compare both.

    Parameters
    ----------
    place
        The home.
    target
        An empty folder, or one with the beginning of an earlier copy.
    report
        Called about twice a second with the bytes that are there and those of the whole.
    source
        The files; None: those of the home.

    Raises
    ------
    HomesError
        If they differ afterwards: somebody is writing to the home.
    """
    source = source or place.files
    if is_empty(source):
        delete_entries(target)
        shutil.copystat(source, target)
        owner = os.stat(source)
        os.chown(target, owner.st_uid, owner.st_gid)
        return
    whole, done = size_of(source), threading.Event()

    def watch() -> None:
        while not done.wait(_INTERVAL):
            disk = os.statvfs(target)
            there = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
            report(min(there, whole), whole)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        copy(source, target)
    finally:
        done.set()
        watcher.join()
    different = difference(source, target)
    if different:
        raise HomesError(
            f"the {place} changed while it was copied ({different[0]}); stop what writes to it,"
            " then start the server again"
        )
    sync(target)


def sync(folder: Path) -> None:
    """Write everything of a folder's file system to its disk (syncfs(2))."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        ctypes.CDLL(None, use_errno=True).syncfs(descriptor)
    finally:
        os.close(descriptor)


def reconcile(place: Place) -> None:
    """Delete the former files of a home after everything in them was found in the new place.

    What is not there is copied to a folder `recovered-TIME` of the home first.
    """
    delete(place.discard)
    if not os.path.lexists(place.former):
        return
    if difference(place.former, place.files, content=False):
        _rescue(place)
    os.rename(place.former, place.discard)
    delete(place.discard)


def _rescue(place: Place) -> None:
    """Copy the former files to a new folder of the home.

    The home may be in use, and its user may put a link in the place of any folder. So the new one
    stays open, and nobody else may enter it until everything is there.
    """
    rescue = place.files / time.strftime("recovered-%Y-%m-%d-%H%M%S")
    rescue.mkdir(mode=0o700)
    opened = os.open(rescue, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(opened).st_uid != os.geteuid():
            raise HomesError(f"{rescue} was replaced while the {place} was repaired")
        # Without a slash at the end: the folder itself is copied, and this one stays closed.
        run("rsync", *_ALL, place.former, ".", folder=opened)
        check = ("--dry-run", "--itemize-changes", "--checksum")
        if different := run("rsync", *_ALL, *check, place.former, ".", folder=opened):
            raise HomesError(f"{place.former} could not be saved to {rescue}: {different}")
        os.rename(place.former.name, "files", src_dir_fd=opened, dst_dir_fd=opened)
        os.fchown(opened, OWNER, OWNER)
    finally:
        os.close(opened)


def delete(path: Path) -> None:
    """Delete a folder with everything in it; no error where there is none."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def delete_entries(folder: Path) -> None:
    """Delete everything in a folder."""
    for entry in list(os.scandir(folder)):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)
