"""A home as an XFS project with a quota (xfs_quota(8)): the files stay where they are."""

from __future__ import annotations

import fcntl
import os
import stat
import struct
from collections.abc import Callable
from pathlib import Path

from km3homes.place import Place, Usage, find_all
from km3homes.programs import HomesError, run
from km3settings.names import Names

__all__ = ["XfsBackend", "project_of"]

#: linux/fs.h: reads `struct fsxattr`, whose fourth number is the project.
_FS_IOC_FSGETXATTR = 0x801C581F
_FSXATTR = struct.Struct("5I8x")
#: The first project of the platform; smaller numbers are often used by administrators.
_FIRST = 1 << 20


def project_of(folder: Path) -> int:
    """Returns the number of the project of a folder; 0: none."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        answer = fcntl.ioctl(descriptor, _FS_IOC_FSGETXATTR, bytes(_FSXATTR.size))
    except OSError:  # a file system without projects
        return 0
    finally:
        os.close(descriptor)
    return int(_FSXATTR.unpack(answer)[3])


class XfsBackend:
    """Homes as projects.

    Parameters
    ----------
    root
        The folder with Docker's volumes, or a folder above it, on XFS with project quotas.
    names
        The names of this project.
    """

    name = "xfs"

    def __init__(self, root: Path, names: Names) -> None:
        self._root = root
        self._names = names

    def is_made(self, place: Place) -> bool:
        """Returns whether the home has a project of the platform."""
        return project_of(place.files) >= _FIRST

    def make(self, place: Place, limit: int, report: Callable[[int, int], None]) -> None:
        """Assign the files, and what is created among them, to a project of their own."""
        used = [project_of(other.files) for other in find_all(self._root, self._names)]
        number = max([*used, _FIRST - 1]) + 1
        self._quota(f"limit -p bhard={limit} {number}")
        self._quota(f"project -s -p {place.files} {number}")
        if project_of(place.files) != number:
            raise HomesError(f"XFS did not assign {place.files} to a project")

    def open(self, place: Place) -> None:
        """Do nothing: there is nothing to mount."""

    def usage(self, place: Place) -> Usage:
        """Returns what XFS counts, in its units of 1024 bytes."""
        number = project_of(place.files)
        for line in self._quota(f"report -p -n -N -b -L {number} -U {number}").splitlines():
            words = line.split()
            if words and words[0] == f"#{number}":
                limit = int(words[3]) * 1024
                return Usage(int(words[1]) * 1024, limit or None)
        return Usage(0, None)

    def limit(self, place: Place, limit: int | None) -> None:
        """Set the limit of the project."""
        self._quota(f"limit -p bhard={limit or 0} {project_of(place.files)}")

    def grow(self, place: Place, limit: int) -> None:
        """Do nothing: every limit can be set at any time."""

    def confine(self, place: Place) -> None:
        """Return files to the home's project: their owner may have assigned them to another."""
        self._quota(f"project -s -p {place.files} {project_of(place.files)}")

    def remove(self, place: Place) -> None:
        """Remove the limit."""
        if self.is_made(place):
            self.limit(place, None)

    def _quota(self, command: str) -> str:
        point = self._root
        while not point.is_mount():
            point = point.parent
        _provide_device(point)
        # Without /etc/projects and /etc/projid: the numbers are all that is needed.
        nowhere = ("-D", "/dev/null", "-P", "/dev/null")
        return run("xfs_quota", "-x", *nowhere, "-c", command, point)


def _provide_device(point: Path) -> None:
    """Create the node of the disk, which quotactl(2) asks for and a container does not have."""
    wanted = os.stat(point).st_dev
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        if before.split()[4] == str(point):
            device = Path(after.split()[1])
            if device.is_relative_to("/dev") and not device.exists():
                device.parent.mkdir(parents=True, exist_ok=True)
                os.mknod(device, stat.S_IFBLK | 0o600, wanted)
