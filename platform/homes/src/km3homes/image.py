"""A home as an ext4 file system in a file (`home.img`), for disks without quotas.

The file is sparse: it takes as much of the disk as the home contains. Its capacity is twice the
limit at its creation, and the limit is set by ext4's reserved blocks (tune2fs(8)), which can be
changed at any time. ext4 reserves at most half of its blocks; below that a file without a name
takes the rest. A limit beyond the capacity needs the file system to grow, which happens when the
user's next server starts (a mounted ext4 can only be extended with CAP_SYS_RESOURCE).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from km3homes.mounts import device_of, mount, unmount
from km3homes.moving import delete, fill, is_empty, reconcile, size_of
from km3homes.place import Place, Usage
from km3homes.programs import HomesError, run

__all__ = ["ImageBackend"]

#: Capacity per byte of the first limit, and the least of which ext4 can be made.
_HEADROOM, _LEAST = 2, 16 << 20
#: Bytes of the disk that a new, empty file system may take.
_RECORDS = 64 << 20
#: e2fsck(8): 0 clean, 1 errors were corrected.
_REPAIRED = (0, 1)


class ImageBackend:
    """Homes in images."""

    name = "image"

    def __init__(self) -> None:
        # By folder: the open file without a name that takes space from a home.
        self._ballast: dict[Path, int] = {}

    @staticmethod
    def image(place: Place) -> Path:
        """The file with the file system."""
        return place.folder / "home.img"

    @staticmethod
    def _unfinished(place: Place) -> Path:
        return place.folder / "home.img.new"

    def is_made(self, place: Place) -> bool:
        """Returns whether the home is in an image."""
        return self.image(place).exists()

    # -- making ------------------------------------------------------------------------------

    def make(self, place: Place, limit: int, report: Callable[[int, int], None]) -> None:
        """Copy the files into an image and mount it in their place.

        Raises
        ------
        HomesError
            If the disk is too full for a second copy, or somebody is writing to the home.
        """
        used = 0 if is_empty(place.files) else size_of(place.files)
        self._require_space(place, used)
        draft = self._unfinished(place)
        place.draft.mkdir(mode=0o700, exist_ok=True)
        if not self._resume(draft, place.draft):
            self._format(draft, _capacity(max(limit, used)))
            mount(draft, place.draft)
        lost = place.draft / "lost+found"
        if lost.exists() and is_empty(lost):
            # Docker fills only empty volumes from the image; e2fsck makes the folder if necessary.
            lost.rmdir()
        fill(place, place.draft, report)
        if not unmount(place.draft):
            raise HomesError(f"{draft} is still in use; try again")
        place.draft.rmdir()
        _commit(draft, self.image(place))
        # From here on the image is the home.
        delete(place.discard)
        os.rename(place.files, place.discard)
        self.open(place)

    def _resume(self, draft: Path, folder: Path) -> bool:
        """Continue with the copy that an earlier start began; return whether there is one."""
        if not draft.exists():
            return False
        if not unmount(folder):
            raise HomesError(f"{draft} is still in use; try again")
        try:
            run("e2fsck", "-p", draft, accept=_REPAIRED)
            mount(draft, folder)
        except HomesError:
            # It contains nothing but copies.
            draft.unlink()
            return False
        return True

    @staticmethod
    def _format(file: Path, size: int) -> None:
        with file.open("wb") as stream:
            os.fchmod(stream.fileno(), 0o600)
            stream.truncate(size)
        # All records now: the kernel would write them later, behind the user's back.
        options = "lazy_itable_init=0,lazy_journal_init=0"
        run("mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-E", options, file)

    @staticmethod
    def _require_space(place: Place, used: int) -> None:
        free = shutil.disk_usage(place.folder).free
        if used + _RECORDS > free:
            raise HomesError(
                f"the {place} contains {used >> 20} MB, but the disk has only {free >> 20} MB for"
                " the copy that a limit needs"
            )

    # -- use ---------------------------------------------------------------------------------

    def open(self, place: Place) -> None:
        """Mount the image in the place of the files."""
        if not device_of(place.files):
            if place.files.exists() and not is_empty(place.files):
                # A crash before the rename, or files that were written without the image.
                if place.former.exists():
                    raise HomesError(f"{place.former} and {place.files} both contain files")
                os.rename(place.files, place.former)
            place.files.mkdir(mode=0o755, exist_ok=True)
            # After a power failure; clean file systems take milliseconds.
            run("e2fsck", "-p", self.image(place), accept=_REPAIRED)
            mount(self.image(place), place.files)
        reconcile(place)

    def usage(self, place: Place) -> Usage:
        """Returns how full the file system is."""
        disk = os.statvfs(place.files)
        held = os.fstat(self._ballast[place.folder]).st_blocks * 512 if self._has(place) else 0
        used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize - held
        return Usage(used, used + disk.f_bavail * disk.f_frsize)

    def _has(self, place: Place) -> bool:
        return place.folder in self._ballast

    def limit(self, place: Place, limit: int | None) -> None:
        """Reserve what is beyond the limit; at most the capacity until the next start."""
        self._release(place)
        device = device_of(place.files)
        if not device.startswith("loop"):
            raise HomesError(f"the {place} is not mounted")
        disk = os.statvfs(place.files)
        beyond = 0 if limit is None else max(0, disk.f_blocks - limit // disk.f_frsize)
        # The kernel keeps some for itself beside ours.
        beyond = max(0, beyond - _kept_by_the_kernel(device))
        half = _blocks(self.image(place), disk.f_frsize) // 2
        run("tune2fs", "-r", min(beyond, half), f"/dev/{device}")
        if beyond > half:
            self._take(place, (beyond - half) * disk.f_frsize)

    def _take(self, place: Place, size: int) -> None:
        ballast = os.open(place.files, os.O_TMPFILE | os.O_RDWR, 0o600)
        self._ballast[place.folder] = ballast
        try:
            os.posix_fallocate(ballast, 0, size)
        except OSError as error:
            self._release(place)
            raise HomesError(
                f"the limit of the {place} could not be set: {error.strerror}"
            ) from None

    def _release(self, place: Place) -> None:
        ballast = self._ballast.pop(place.folder, None)
        if ballast is not None:
            os.close(ballast)

    def grow(self, place: Place, limit: int) -> None:
        """Extend the file system where the limit is beyond its capacity.

        Where a container still uses it, nothing is changed.
        """
        disk = os.statvfs(place.files)
        if limit <= disk.f_blocks * disk.f_frsize:
            return
        self._release(place)
        image = self.image(place)
        if unmount(place.files):
            os.truncate(image, max(_capacity(limit), image.stat().st_size))
            run("e2fsck", "-f", "-p", image, accept=_REPAIRED)
            run("resize2fs", image)
        self.open(place)

    def confine(self, place: Place) -> None:
        """Do nothing: nothing of a user's can leave a file system of its own."""

    def remove(self, place: Place) -> None:
        """Unmount the home and delete its image."""
        self._release(place)
        for folder in (place.draft, place.files):
            unmount(folder)
        for path in (self.image(place), self._unfinished(place), place.draft, place.former):
            delete(path)


def _capacity(limit: int) -> int:
    # Whole blocks of the largest size.
    return -(-max(_HEADROOM * limit, _LEAST) // 4096) * 4096


def _kept_by_the_kernel(device: str) -> int:
    try:
        return int(Path(f"/sys/fs/ext4/{device}/reserved_clusters").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def _blocks(image: Path, size: int) -> int:
    return image.stat().st_size // size


def _commit(draft: Path, final: Path) -> None:
    """Rename a complete file so that it survives a power failure."""
    with draft.open("rb") as stream:
        os.fsync(stream.fileno())
    os.rename(draft, final)
    folder = os.open(final.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
