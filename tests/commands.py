"""Running a program and reading what it printed."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

__all__ = ["run"]


def run(
    *command: str | Path, status: int | None = 0, timeout: float = 600, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return its exit status and what it printed.

    Parameters
    ----------
    *command
        The program and its arguments; no shell is involved.
    status
        The exit status it must have; None where the caller looks at it.
    timeout
        Seconds after which the command is killed and the test fails.
    **options
        Further arguments of `subprocess.run`: cwd, env, input, ...

    Raises
    ------
    AssertionError
        The exit status is another one; the message has the command and all that it printed.
    """
    words = [os.fspath(word) for word in command]
    done = subprocess.run(
        words, capture_output=True, encoding="utf-8", errors="replace", timeout=timeout, **options
    )
    if status is not None and done.returncode != status:
        raise AssertionError(
            f"{shlex.join(words)} ended with {done.returncode}, not {status}:\n"
            f"{done.stdout}{done.stderr}"
        )
    return done
