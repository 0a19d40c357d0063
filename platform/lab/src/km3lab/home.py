"""The user's home: whether files can be written, how full it is, and what fills it."""

from __future__ import annotations

import errno
import os
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Usage", "amount", "left", "trouble", "usage"]

#: A start needs this much: settings, the tutorials' first copies, a saved notebook.
_ROOM = 256 * 1024

#: Free space below which to warn: bytes, and as a share of a small disk.
_FEW, _FEW_SHARE = 32 << 20, 0.02

_WORDS = {
    errno.ENOSPC: "it is full",
    errno.EDQUOT: "its quota is used up",
    errno.EROFS: "it is read-only",
    errno.EACCES: "it belongs to someone else",
    errno.EPERM: "it belongs to someone else",
    errno.ENOENT: "it does not exist",
    errno.ENOTDIR: "it is not a folder",
}


def trouble(home: Path) -> str:
    """Returns why files cannot be written to `home`, worded to follow "because"; empty if they can.

    A real write decides, because the free space that the system reports ignores quotas.
    """
    probe = home / f".km3net-probe-{os.getpid()}"
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            # Random bytes, because a compressing file system would accept any number of zeros.
            written = os.write(descriptor, os.urandom(_ROOM))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
            os.unlink(probe)
    except OSError as error:
        return _WORDS.get(error.errno or 0, f"of an error: {error.strerror}")
    return "" if written == _ROOM else _WORDS[errno.ENOSPC]


def left(home: Path) -> int | None:
    """Returns the free bytes of the disk of `home` if they are few; None if enough or unknown."""
    try:
        disk = os.statvfs(home)
    except OSError:
        return None
    free, size = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    return free if free < min(_FEW, size * _FEW_SHARE) else None


@dataclass
class Usage:
    """What a home holds."""

    total: int = 0
    """Bytes on the disk."""
    complete: bool = True
    """False: not everything was counted in time; the total is at least this much."""
    entries: list[tuple[int, str]] = field(default_factory=list)
    """Direct entries of the home: bytes and name, largest first."""
    files: list[tuple[int, str]] = field(default_factory=list)
    """The largest files: bytes and path below the home, largest first."""


def usage(home: Path, *, seconds: float, largest: int = 10) -> Usage:
    """Returns what fills `home`, measured for at most `seconds`."""
    until = time.monotonic() + seconds
    found = Usage()
    device = _device(home)
    for entry in _entries(home):
        size = _measure(entry, home, device, until, found)
        if size:
            found.entries.append((size, entry.name))
        # Kept short while measuring: a home may contain a million files.
        found.files = sorted(found.files, reverse=True)[:largest]
    found.total = sum(size for size, _ in found.entries)
    found.entries.sort(reverse=True)
    return found


def _measure(
    top: os.DirEntry[str], home: Path, device: int | None, until: float, found: Usage
) -> int:
    size = 0
    waiting = [top]
    while waiting:
        entry = waiting.pop()
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            continue
        if status.st_dev != device:
            # Data mounted into a home do not fill it.
            continue
        held = status.st_blocks * 512
        size += held
        if stat.S_ISDIR(status.st_mode):
            if time.monotonic() > until:
                found.complete = False
                break
            waiting.extend(_entries(Path(entry.path)))
        elif held >= 64 * 1024:
            found.files.append((held, os.path.relpath(entry.path, home)))
    return size


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _device(folder: Path) -> int | None:
    try:
        return folder.stat().st_dev
    except OSError:
        return None


def amount(size: float) -> str:
    """Returns bytes as people write them: 1.5 GB (of 1024³)."""
    units = ("bytes", "kB", "MB", "GB", "TB")
    power = 0
    while abs(size) >= 1024 and power < len(units) - 1:
        size /= 1024
        power += 1
    digits = 0 if size >= 10 or power == 0 or size == int(size) else 1
    return f"{size:.{digits}f} {units[power]}"
