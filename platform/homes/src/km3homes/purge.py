"""Deleting old files of scratch folders."""

from __future__ import annotations

import os
import time
from pathlib import Path

__all__ = ["purge"]

_DAY = 86400


def purge(folder: Path, days: int, *, now: float | None = None) -> int:
    """Delete files that nobody used for `days` days, and folders that are empty since.

    A file is used when it is read (the file system notes that once a day), written, created or
    renamed. Symbolic links are never followed: users can put some anywhere at any time.

    Returns
    -------
    int
        How many files were deleted.
    """
    before = (time.time() if now is None else now) - days * _DAY
    deleted = 0
    for _, folders, files, descriptor in os.fwalk(folder, topdown=False, follow_symlinks=False):
        for name in files:
            try:
                found = os.lstat(name, dir_fd=descriptor)
                if max(found.st_atime, found.st_mtime, found.st_ctime) < before:
                    os.unlink(name, dir_fd=descriptor)
                    deleted += 1
            except OSError:  # its owner deleted it first
                continue
        for name in folders:
            _remove_if_old_and_empty(name, descriptor, before)
    return deleted


def _remove_if_old_and_empty(name: str, above: int, before: float) -> None:
    try:
        found = os.lstat(name, dir_fd=above)
        # Deleting its files has just changed its time, so that it goes as many days later.
        if max(found.st_mtime, found.st_ctime) < before:
            os.rmdir(name, dir_fd=above)
    except OSError:  # a link, or not empty
        pass
