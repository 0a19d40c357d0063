"""What happens when the disk is full: how to recognise it, and how much is left."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adqlite.errors import StorageFull

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
# Without space SQLite can neither create nor enlarge the files beside a database.
_SQLITE_ALSO = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR_SHMOPEN,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_READONLY_CANTINIT,
}
_FRACTION = 0.05

#: What a client reads.
MESSAGE = (
    "the disk of this service is full, so it cannot store anything; small synchronous queries "
    "still work, and everything else works again once its administrators have made space"
)


def is_full(error: BaseException, folder: Path) -> bool:
    """Returns whether an error follows from a full disk.

    Parameters
    ----------
    error : exception
    folder : pathlib.Path
        On the disk in question; SQLite reports some failures without their reason.
    """
    if isinstance(error, OSError):
        return error.errno in _NO_SPACE
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_FULL:
        return True
    return code in _SQLITE_ALSO and _usable(folder) < 1 << 20


@contextmanager
def as_storage_full(folder: Path) -> Iterator[None]:
    """Turns errors that follow from a full disk into `StorageFull`."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        if not is_full(error, folder):
            raise
        raise StorageFull(MESSAGE) from error


def spare(folder: Path, kept_free: int) -> int:
    """Returns the bytes that may be written to a disk; negative if too few are free.

    Parameters
    ----------
    folder : pathlib.Path
    kept_free : int
        Bytes to leave free for others, but no more than a twentieth of the disk.
    """
    usage = shutil.disk_usage(folder)
    return usage.free - min(kept_free, int(usage.total * _FRACTION))


def _usable(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0
