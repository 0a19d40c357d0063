"""Running the programs of file systems."""

from __future__ import annotations

import subprocess
from collections.abc import Collection

__all__ = ["HomesError", "run"]


class HomesError(Exception):
    """A home cannot be prepared or limited; the message is for the administrator."""


def run(*command: object, accept: Collection[int] = (0,), folder: int | None = None) -> str:
    """Run a program and return what it printed.

    Parameters
    ----------
    command
        The program and its arguments.
    accept
        The exit codes that mean success.
    folder
        An open folder to run it in.

    Raises
    ------
    HomesError
        With the program's last line, if it fails or is not installed.
    """
    arguments = [str(argument) for argument in command]
    try:
        done = subprocess.run(
            arguments,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            cwd=None if folder is None else f"/proc/self/fd/{folder}",
            pass_fds=() if folder is None else (folder,),
        )
    except FileNotFoundError:
        raise HomesError(f"the program {arguments[0]} is not installed") from None
    if done.returncode not in accept:
        message = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise HomesError(f"{arguments[0]} failed ({done.returncode}): {message[-1]}")
    return done.stdout
