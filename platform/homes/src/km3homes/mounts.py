"""Mounting file systems that are in files: loop devices and mounts."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import time
from pathlib import Path

from km3homes.programs import HomesError, run

__all__ = ["device_of", "file_of", "mount", "unmount"]

_CONTROL = Path("/dev/loop-control")
#: linux/loop.h: returns the number of a free loop device, which is created if necessary.
_LOOP_CTL_GET_FREE = 0x4C82
#: Numbers of loop devices (linux/major.h).
_LOOP_MAJOR = 7
#: Another program may take a free device first.
_TRIES = 20
#: Users' files are neither devices nor programs of other users. What users delete is given back to
#: the disk (`discard`).
_OPTIONS = "nosuid,nodev,noatime,discard"
#: Seconds within which a busy kernel releases the device of an unmounted file system.
_RELEASE_SECONDS = 30.0

_OCTAL = re.compile(r"\\([0-7]{3})")


def device_of(folder: Path) -> str:
    """Returns the loop device that is mounted on a folder, such as `loop3`; empty: none."""
    found = ""
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        fields = line.split()
        point = _OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4])
        if point == str(folder):
            major, _, minor = fields[2].partition(":")
            found = f"loop{minor}" if major == str(_LOOP_MAJOR) else "other"
    return found


def mount(image: Path, folder: Path) -> None:
    """Mount the ext4 file system in `image` on `folder`.

    Raises
    ------
    HomesError
        If the kernel refuses it.
    """
    for attempt in range(_TRIES):
        _provide_device()
        try:
            run("mount", "--types", "ext4", "--options", f"loop,{_OPTIONS}", image, folder)
        except HomesError as error:
            lost = "failed to setup loop device" in str(error)
            if not lost or attempt == _TRIES - 1:
                raise HomesError(f"{image} could not be mounted: {error}") from None
        else:
            return


def _provide_device() -> None:
    """Create the node of a free loop device; a container has none of its own."""
    try:
        with _CONTROL.open("rb") as control:
            number = fcntl.ioctl(control, _LOOP_CTL_GET_FREE)
    except OSError as error:
        raise HomesError(f"no loop device is available: {error.strerror}") from None
    with contextlib.suppress(FileExistsError):
        os.mknod(f"/dev/loop{number}", stat.S_IFBLK | 0o600, os.makedev(_LOOP_MAJOR, number))


def file_of(device: str) -> str:
    """Returns the file that a loop device has open; empty: none."""
    try:
        return Path(f"/sys/block/{device}/loop/backing_file").read_text(encoding="utf-8")
    except OSError:
        return ""


def unmount(folder: Path) -> bool:
    """Unmount what is mounted on `folder`; return whether its file system is closed.

    It stays mounted where a program of the machine uses it. It is unmounted, but not closed, where
    a container has it mounted, too.
    """
    device = device_of(folder)
    if not device:
        return True
    file = file_of(device)
    try:
        run("umount", folder)
    except HomesError as error:
        if "busy" in str(error):
            return False
        raise
    deadline = time.monotonic() + _RELEASE_SECONDS
    # Another program may get the device at once, for another file.
    while file and file_of(device) == file:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
