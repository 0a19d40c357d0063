"""Running other programs quietly, and quoting their output where they fail."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence

from km3up.failure import Failure

__all__ = ["attempt", "last_lines", "run"]

#: Number of lines of a failed command's output to show.
_LAST_LINES = 8
#: Exit code for a program that is missing or did not end in time, as in shells.
_MISSING = 127


def attempt(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
    seconds: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `command` and return how it ended.

    Parameters
    ----------
    command
        The program and its arguments.
    environment
        Its environment; None: this process's own.
    stdin
        Its standard input, for example a password.
    seconds
        How long it may take; None: no limit. A program that takes longer, or does not exist,
        counts as failed with exit code 127.
    """
    try:
        return subprocess.run(
            command,
            env=None if environment is None else dict(environment),
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(list(command), _MISSING, "", str(error))


def run(
    command: Sequence[str], *, problem: str, environment: Mapping[str, str] | None = None
) -> str:
    """Run `command` and return what it printed.

    Raises
    ------
    Failure
        `problem` and the command's last lines, where it does not succeed.
    """
    done = attempt(command, environment=environment)
    if done.returncode:
        raise Failure("\n  ".join([problem, *last_lines(done.stderr or done.stdout)]))
    return done.stdout


def last_lines(text: str) -> list[str]:
    """Returns the last lines of a program's output."""
    return text.strip().splitlines()[-_LAST_LINES:]
