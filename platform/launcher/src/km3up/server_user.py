"""The unprivileged user for users' servers, where root starts embedded mode."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess

from km3up.failure import Failure

__all__ = ["SERVER_USER", "provide_server_user"]

SERVER_USER = "km3net-servers"
_CREATE = (
    *("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"),
    *("--shell", "/usr/sbin/nologin", "--comment", "servers of the KM3NeT platform"),
)
_INSTEAD = "Start the platform as an ordinary user, or in containers: make up MODE=docker"


def provide_server_user(name: str = SERVER_USER) -> str:
    """Returns the user for servers, created where it is missing; empty if this is not root.

    Parameters
    ----------
    name
        The user's name.

    Raises
    ------
    Failure
        If servers could only be root: there is no such user and none can be created, or this
        system does not allow mount namespaces.
    """
    if os.geteuid() != 0:
        return ""
    if not _exists(name):
        _create(name)
    if not _namespaces():
        raise Failure(
            "Users' servers must not run as root, and this system does not allow root to hide the"
            f" state folder from them (mount namespaces). {_INSTEAD}"
        )
    return name


def _exists(name: str) -> bool:
    try:
        return pwd.getpwnam(name).pw_uid != 0
    except KeyError:
        return False


def _create(name: str) -> None:
    program = shutil.which(_CREATE[0], path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    reason = "there is no program useradd"
    if program:
        done = subprocess.run(
            [program, *_CREATE[1:], name], capture_output=True, text=True, check=False
        )
        reason = done.stderr.strip() or f"exit code {done.returncode}"
    # Another platform on this machine may have created it at the same time.
    if not _exists(name):
        raise Failure(
            f"Users' servers must not run as root, and the user {name} cannot be created:"
            f" {reason}. Create it, or: {_INSTEAD[0].lower()}{_INSTEAD[1:]}"
        )


def _namespaces() -> bool:
    try:
        done = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return done.returncode == 0
