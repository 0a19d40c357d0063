"""Running an installer's command and passing on its words where it fails."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from km3up.failure import Failure

__all__ = ["run"]

#: How much of a failing command's output people are shown.
LAST_LINES = 8


def run(command: Sequence[str], *, problem: str) -> None:
    """Run `command` quietly.

    Raises
    ------
    Failure
        `problem` and the command's last lines, where it does not succeed.
    """
    result = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    if result.returncode:
        lines = (result.stderr or result.stdout).strip().splitlines()[-LAST_LINES:]
        raise Failure("\n  ".join([problem, *lines]))
