"""A small file system of a test's own, which the test fills and empties."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


class SmallDisk:
    """A mounted file system.

    Attributes
    ----------
    path : pathlib.Path
        Where it is mounted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Take all space, to the last byte."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                with suppress(OSError):
                    while True:
                        file.write(b"x" * size)
        assert self.free_bytes() == 0

    def fills(self) -> bool:
        """Return whether nothing can be written, not even an empty file's first byte."""
        try:
            (self.path / "probe").write_bytes(b"x")
        except OSError as error:
            return error.errno == errno.ENOSPC
        finally:
            (self.path / "probe").unlink(missing_ok=True)
        return False

    def free_bytes(self) -> int:
        """Return the free space."""
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize

    def empty(self) -> None:
        """Give the space back."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount a file system in memory; skip the test where that is not allowed.

    Parameters
    ----------
    path : pathlib.Path
        A new folder.
    megabytes : int
    """
    path.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("needs the command mount: run it on Linux")
    if done.returncode:
        pytest.skip(f"needs to mount a file system, so run it as root ({done.stderr.strip()})")
    try:
        yield SmallDisk(path)
    finally:
        # Lazily: a process that a failed test left behind may still use it.
        subprocess.run(["umount", "--lazy", str(path)], check=True)
