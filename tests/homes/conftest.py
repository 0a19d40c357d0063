"""Small file systems in files, mounted for a test (as root)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from km3homes.backend import Backend
from km3homes.btrfs import BtrfsBackend
from km3homes.image import ImageBackend
from km3homes.limits import Limits
from km3homes.place import Place, find
from km3homes.service import Homes
from km3settings.names import Names

MB = 1 << 20
NAMES = Names("km3test")
USER = 1000

PROGRAMS = {
    "ext4": ("mke2fs", "tune2fs", "e2fsck", "resize2fs", "rsync"),
    "btrfs": ("mkfs.btrfs", "btrfs", "rsync"),
    "xfs": ("mkfs.xfs", "xfs_quota", "rsync"),
}
MAKE = {"ext4": ("mke2fs", "-q", "-F", "-t", "ext4"), "btrfs": ("mkfs.btrfs", "-q", "-f")}
MAKE["xfs"] = ("mkfs.xfs", "-q", "-f")
PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


def run(
    *words: object, check: bool = True, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    command = [str(word) for word in words]
    return subprocess.run(command, check=check, capture_output=True, text=True, cwd=folder)


def why_not(kind: str) -> str:
    if os.geteuid():
        return "mounting a file system needs root"
    if not Path("/dev/loop-control").exists():
        return "the kernel has no loop devices: modprobe loop"
    missing = [name for name in PROGRAMS[kind] if not shutil.which(name, path=PATH)]
    return f"missing programs: {', '.join(missing)}; install them with: make tools" * bool(missing)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mounts a new file system of a kind and a size; returns its folder."""
    with ExitStack() as stack:

        def mounted(kind: str, size: int = 600 * MB, *options: str) -> Path:
            if why := why_not(kind):
                pytest.skip(why)
            image, folder = tmp_path / f"disk.{kind}", tmp_path / f"on-{kind}"
            with image.open("wb") as file:
                file.truncate(size)
            folder.mkdir()
            run(*MAKE[kind], image)
            run("mount", "-o", ",".join(("loop", *options)), image, folder)
            stack.callback(_unmount_all, folder)
            return folder

        yield mounted


def _unmount_all(folder: Path) -> None:
    # Homes in it first.
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[4] for line in lines]
    for point in sorted((p for p in points if p.startswith(str(folder))), reverse=True):
        if run("umount", point, check=False).returncode:
            run("umount", "--lazy", point, check=False)


def settings(folder: Path, text: str) -> Path:
    file = folder / "platform.yaml"
    draft = folder / "platform.yaml.new"
    draft.write_text(text)
    draft.replace(file)
    return file


def volume(root: Path, user: str, kind: str = "home") -> Place:
    """A Docker volume as the engine makes it: owned by root, or with files of a user."""
    named = {"home": NAMES.home, "scratch": NAMES.scratch, "shared": NAMES.shared}
    name = named[kind](user)
    (root / name / "_data").mkdir(parents=True)
    return find(root, NAMES, kind, user)


def backends(root: Path, chosen: str) -> dict[str, Backend]:
    return {"image": ImageBackend(), **({"btrfs": BtrfsBackend(root)} if chosen == "btrfs" else {})}


def service(root: Path, chosen: str, file: Path) -> Homes:
    return Homes(
        root=root, names=NAMES, limits=Limits(file), backends=backends(root, chosen), chosen=chosen
    )


def as_user(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder as users' servers do: not root, without capabilities."""
    return run(
        "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--bounding-set=-all",
        *words, check=False, folder=folder,
    )  # fmt: skip


def fill(folder: Path, size: int) -> tuple[int, str]:
    """Write up to `size` bytes as a user; returns how many fitted, and what the last write said."""
    program = (
        "import os,sys\n"
        "n=0\n"
        "try:\n"
        "  f=os.open(sys.argv[1],os.O_WRONLY|os.O_CREAT|os.O_APPEND,0o600)\n"
        "  while n<int(sys.argv[2]): n+=os.write(f,os.urandom(1<<18))\n"
        "  os.fsync(f)\n"
        "except OSError as e: print(n,e.errno)\n"
        "else: print(n,0)\n"
    )
    done = as_user(folder, "/usr/bin/python3", "-c", program, "filler", size)
    assert done.returncode == 0, done.stderr
    written, error = map(int, done.stdout.split())
    return written, os.strerror(error) if error else ""
