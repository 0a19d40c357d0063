"""A home as a btrfs subvolume with a quota group (btrfs-qgroup(8))."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from km3homes.moving import delete, difference, is_empty, reconcile, sync
from km3homes.place import Place, Usage
from km3homes.programs import HomesError, run

__all__ = ["BtrfsBackend"]

#: The inode of the top folder of every subvolume (linux/btrfs_tree.h).
_TOP = 256

#: Bytes that deleting files may need for a moment.
_DELETING = 1 << 20


class BtrfsBackend:
    """Homes as subvolumes.

    Parameters
    ----------
    root
        The folder with Docker's volumes.
    """

    name = "btrfs"

    def __init__(self, root: Path) -> None:
        self._root = root
        self._counts = False

    def is_made(self, place: Place) -> bool:
        """Returns whether the home is a subvolume."""
        return _is_subvolume(place.files) or place.ready.exists()

    def make(self, place: Place, limit: int, report: Callable[[int, int], None]) -> None:
        """Copy the files to a subvolume, which shares their blocks, and put it in their place."""
        self._count()
        # A copy that shares its blocks takes seconds: an interrupted one starts again.
        self._drop(place.draft)
        run("btrfs", "subvolume", "create", place.draft)
        if is_empty(place.files):
            found = os.stat(place.files)
            os.chown(place.draft, found.st_uid, found.st_gid)
            os.chmod(place.draft, found.st_mode & 0o7777)
        else:
            run("cp", "--archive", "--reflink=auto", f"{place.files}/.", place.draft)
            different = difference(place.files, place.draft)
            if different:
                raise HomesError(
                    f"the {place} changed while it was copied ({different[0]}); stop what writes"
                    " to it, then start the server again"
                )
        run("btrfs", "filesystem", "sync", place.draft)
        os.rename(place.draft, place.ready)
        # From here on the subvolume is the home.
        self._count(place.ready)
        delete(place.discard)
        os.rename(place.files, place.discard)
        self.open(place)

    def open(self, place: Place) -> None:
        """Finish what a crash interrupted; a subvolume needs no mount."""
        if place.ready.exists():
            if place.files.exists():
                os.rename(place.files, place.former)
            os.rename(place.ready, place.files)
        reconcile(place)

    def _count(self, folder: Path | None = None) -> None:
        """Let the file system count what each subvolume contains."""
        if not self._counts:
            run("btrfs", "quota", "enable", self._root)
            self._counts = True
        if folder:
            run("btrfs", "quota", "rescan", "-w", self._root, accept=(0, 1))

    def usage(self, place: Place) -> Usage:
        """Returns what the quota group counts."""
        # Quota groups count what is on the disk only.
        sync(place.files)
        found = self._group(place.files)
        if found is None:
            raise HomesError(f"btrfs does not count what the {place} contains")
        return found

    @staticmethod
    def _group(folder: Path) -> Usage | None:
        shown = run("btrfs", "qgroup", "show", "-r", "-f", "--raw", folder)
        # qgroupid, referenced, exclusive, limit of referenced.
        rows = [line.split() for line in shown.splitlines() if line.startswith("0/")]
        if not rows:
            return None
        limit = rows[0][3]
        return Usage(int(rows[0][1]), None if limit == "none" else int(limit))

    def limit(self, place: Place, limit: int | None) -> None:
        """Set the limit of the quota group."""
        self._count()
        run("btrfs", "qgroup", "limit", "none" if limit is None else limit, place.files)

    def grow(self, place: Place, limit: int) -> None:
        """Do nothing: every limit can be set at any time."""

    def confine(self, place: Place) -> None:
        """Let subvolumes that the user created in the home grow no further.

        Every user of a btrfs may create some; they have a quota group of their own, without limit.
        """
        for folder in _subvolumes_below(place.files):
            sync(folder)
            found = self._group(folder)
            if found and found.limit is None:
                run("btrfs", "qgroup", "limit", found.used + _DELETING, folder)

    def remove(self, place: Place) -> None:
        """Delete the subvolume and its quota group."""
        for folder in (place.draft, place.ready, place.files):
            self._drop(folder)
        delete(place.former)
        place.files.mkdir()

    def _drop(self, folder: Path) -> None:
        if _is_subvolume(folder):
            # Those of the user in it, the deepest first.
            for below in reversed(_subvolumes_below(folder)):
                # Deleting writes, too, which a used-up limit forbids.
                for full in (below, below.parent):
                    run("btrfs", "qgroup", "limit", "none", full, accept=(0, 1))
                run("btrfs", "subvolume", "delete", below)
            shown = run("btrfs", "subvolume", "show", folder)
            number = next(line.split()[-1] for line in shown.splitlines() if "Subvolume ID" in line)
            run("btrfs", "subvolume", "delete", folder)
            run("btrfs", "qgroup", "destroy", f"0/{number}", self._root, accept=(0, 1))
        else:
            delete(folder)


def _is_subvolume(folder: Path) -> bool:
    try:
        return os.lstat(folder).st_ino == _TOP
    except OSError:
        return False


def _subvolumes_below(home: Path) -> list[Path]:
    # `-o` lists direct children of the home's subvolume; theirs are found one by one.
    found, waiting = [], [home]
    while waiting:
        above = waiting.pop()
        for line in run("btrfs", "subvolume", "list", "-o", above).splitlines():
            # The path is that from the top of the file system.
            inside = line.partition(f"{home.parent.name}/{home.name}/")[2]
            below = home / inside
            if inside and _is_subvolume(below):
                found.append(below)
                waiting.append(below)
    return found
