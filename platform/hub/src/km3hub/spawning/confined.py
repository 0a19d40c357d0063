"""Starts a program as an unprivileged user who sees nothing of the state folder but its home.

Embedded mode as root runs this file as a program of its own, with nothing but the standard library:
it enters a mount namespace, covers the state folder (and folders that the user could not pass) with
empty ones, puts what the program needs back at the same paths, gives up root, and becomes the
program. Secrets, the database and other users' homes are then out of reach.
"""

from __future__ import annotations

import ctypes
import json
import os
import stat
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = ["Confinement", "main", "names_of", "passable", "program_paths"]

# linux/mount.h and linux/prctl.h
_NEW_NAMESPACE = 0x00020000
_NOSUID, _NODEV, _BIND, _RECURSIVE, _PRIVATE = 2, 4, 4096, 16384, 1 << 18
_NO_NEW_PRIVILEGES = 38
#: Bytes of an empty folder, which only holds mount points.
_SIZE = "1m"


def passable(folder: Path) -> bool:
    """Returns whether everybody may pass a folder to what is below it."""
    return bool(folder.stat().st_mode & stat.S_IXOTH)


def program_paths(program: Path) -> list[Path]:
    """Returns the folders that a Python program needs: its environment's and its interpreter's."""
    found = [program.parents[1]]
    hop = program
    # `bin/python` of an environment is a link, often to a link.
    for _ in range(20):
        if not hop.is_symlink():
            break
        hop = Path(os.path.normpath(hop.parent / os.readlink(hop)))
        found.append(hop.parents[1])
    return [*found, *(folder.resolve() for folder in found)]


def names_of(folder: Path) -> list[Path]:
    """Returns a folder's path and all others by which links in it lead to the folder itself."""
    found = [folder]
    for _ in range(40):  # as many links as the kernel follows
        links = (part for part in (*reversed(folder.parents), folder) if part.is_symlink())
        link = next(links, None)
        if link is None:
            break
        target = Path(os.path.normpath(link.parent / os.readlink(link)))
        folder = target / folder.relative_to(link)
        found.append(folder)
    return found


class Confinement:
    """What a program sees and who it is.

    Parameters
    ----------
    user, group
        Numbers of the unprivileged user and group.
    hidden
        The folder that is covered.
    needed
        Folders that are there all the same, at the same paths.
    """

    def __init__(self, *, user: int, group: int, hidden: Path, needed: Iterable[Path]) -> None:
        self.user = user
        self.group = group
        hidden = hidden.resolve()
        # A link leads nowhere where what it points to is covered, so that is needed, too.
        folders = dict.fromkeys(
            name for folder in needed if folder.is_dir() for name in names_of(folder)
        )
        barred = {hidden, *(b.resolve() for folder in folders if (b := _barred(folder)))}
        #: Outermost only: what is below a covered folder is covered, too.
        self.covers = sorted(b for b in barred if not barred & set(b.parents))
        self.shown = sorted(
            f
            for f in folders
            # Never a folder around the hidden one, which would show it.
            if set(self.covers) & {f, *f.parents} and f not in {hidden, *hidden.parents}
        )

    def command(self, program: Sequence[str]) -> list[str]:
        """Returns the command that starts the program in this confinement."""
        what = {
            "user": self.user,
            "group": self.group,
            "covers": [str(folder) for folder in self.covers],
            "shown": [str(folder) for folder in self.shown],
        }
        return [sys.executable, "-I", "-S", __file__, json.dumps(what), *program]


def _barred(folder: Path) -> Path | None:
    """Returns the outermost folder on the way that not everybody may pass."""
    for above in reversed(folder.parents):
        if not passable(above):
            return above
    return None


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    _call(
        "mount",
        source.encode(),
        os.fsencode(target),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        data.encode() if data else None,
    )


def enter(covers: Sequence[str], shown: Sequence[str]) -> None:
    """Enter a mount namespace in which `covers` are empty except for `shown`.

    Raises
    ------
    OSError
        Where the kernel or a container does not allow it.
    """
    _call("unshare", _NEW_NAMESPACE)
    _mount("none", "/", None, _RECURSIVE | _PRIVATE)
    # Only folders of this namespace can be mounted, so not before.
    handles = {folder: os.open(folder, os.O_PATH | os.O_DIRECTORY) for folder in shown}
    for cover in covers:
        _mount("km3", cover, "tmpfs", _NOSUID | _NODEV, f"mode=755,size={_SIZE}")
    for folder, handle in handles.items():
        # A link that is visible already may point to a covered folder that is still empty.
        place = os.path.realpath(folder)
        os.makedirs(place, mode=0o755, exist_ok=True)
        # By its handle, because the path is covered now.
        _mount(f"/proc/self/fd/{handle}", place, None, _BIND | _RECURSIVE)
        os.close(handle)


def become(user: int, group: int) -> None:
    """Give up root for good, also for programs that would give it back."""
    _call("prctl", _NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)


def main(argv: Sequence[str]) -> None:
    """Run `CONFINEMENT PROGRAM [ARGUMENT]...`."""
    what, program = json.loads(argv[0]), list(argv[1:])
    try:
        os.umask(0o022)
        enter(what["covers"], what["shown"])
        become(what["user"], what["group"])
        os.chdir("/")
        os.execv(program[0], program)  # noqa: S606
    except OSError as error:
        sys.exit(f"The server could not be started as an unprivileged user: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
