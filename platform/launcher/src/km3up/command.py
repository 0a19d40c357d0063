"""Running other programs, quietly, and quoting them where they fail."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence

from km3up.failure import Failure

__all__ = ["attempt", "last_lines", "run"]

#: How much of a failing command's output people are shown.
_LAST_LINES = 8
#: Exit code of a program that is missing or did not end in time, as in shells.
_MISSING = 127


def attempt(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    words: str = "",
    seconds: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `command` and return how it ended, whatever that is.

    Parameters
    ----------
    command
        The program and its arguments.
    environment
        Its environment; None: this process's own.
    words
        Its standard input, the way to give it a password.
    seconds
        How long it may take; None: as long as it likes. A program that takes longer, or does not
        exist, has failed with the exit code 127.
    """
    try:
        return subprocess.run(
            command,
            env=None if environment is None else dict(environment),
            input=words,
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
    """Returns the end of a program's output, where it says why it failed."""
    return text.strip().splitlines()[-_LAST_LINES:]
