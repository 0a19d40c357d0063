"""Running other programs, among them Docker."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

from km3host.errors import ProgramError

__all__ = ["Result", "docker", "one_line", "run"]

Result = subprocess.CompletedProcess[str]


def run(
    *command: str,
    text: str | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> Result:
    """Run a program and return its exit code and output.

    Parameters
    ----------
    command
        The program and its arguments.
    text
        What the program reads from standard input; none by default.
    environment
        Variables that the program gets in addition to those of this process.
    timeout
        The longest run time, in seconds; unlimited by default.

    Raises
    ------
    ProgramError
        If the program is not installed or exceeds `timeout`.
    """
    try:
        return subprocess.run(
            command, input=text, capture_output=True, encoding="utf-8", errors="replace",
            env=os.environ | dict(environment or {}), timeout=timeout,
            stdin=subprocess.DEVNULL if text is None else None,
        )  # fmt: skip
    except FileNotFoundError:
        raise ProgramError(f"{command[0]} is not installed; run the playbook site") from None
    except subprocess.TimeoutExpired:
        raise ProgramError(f"{' '.join(command[:2])} did not end within {timeout:.0f} s") from None


def docker(*arguments: str) -> str:
    """Return the output of a docker command.

    Raises
    ------
    ProgramError
        If the command fails.
    """
    done = run("docker", *arguments)
    if done.returncode:
        raise ProgramError(f"docker {arguments[0]}: {one_line(done.stderr)}")
    return done.stdout


def one_line(text: str) -> str:
    """Return a text with all white space replaced by single spaces.

    The journal keeps a message of one line together.
    """
    return " ".join(text.split())
