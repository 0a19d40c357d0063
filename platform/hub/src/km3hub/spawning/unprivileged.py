"""Embedded mode as root: users' servers run as an unprivileged user."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

__all__ = ["NOBODY", "adopt_home", "server_user"]

#: Taken where the launcher has not made a user.
NOBODY = "nobody"


def server_user(name: str) -> pwd.struct_passwd | None:
    """Returns the user for servers; None where the hub is not root and servers are its own.

    Parameters
    ----------
    name
        The name of the user that `make up` has made or taken; empty: `nobody`.

    Raises
    ------
    KeyError
        Where there is no such user.
    ValueError
        Where that user is root.
    """
    if os.geteuid() != 0:
        return None
    found = pwd.getpwnam(name or NOBODY)
    if found.pw_uid == 0:
        raise ValueError(f"{found.pw_name} is root")
    return found


def adopt_home(home: Path, user: pwd.struct_passwd) -> None:
    """Make a home the unprivileged user's, which earlier versions ran as root; mode 0700.

    Only a home that is root's is changed, and its own folder last, so that a start that is
    interrupted is repeated. No link is followed.

    Raises
    ------
    OSError
        Where that is not possible.
    """
    top = home.lstat()
    if not stat.S_ISDIR(top.st_mode):
        raise NotADirectoryError(f"{home} is not a folder")
    if top.st_uid != user.pw_uid:
        for _, folders, files, handle in os.fwalk(home, follow_symlinks=False):
            for name in (*folders, *files):
                os.chown(name, user.pw_uid, user.pw_gid, dir_fd=handle, follow_symlinks=False)
        os.chown(home, user.pw_uid, user.pw_gid, follow_symlinks=False)
    if stat.S_IMODE(top.st_mode) != 0o700:
        home.chmod(0o700)
