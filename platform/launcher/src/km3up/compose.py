"""The project's compose file, run by whichever Compose this machine has."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from km3up.failure import Failure

__all__ = ["Compose", "compose_command"]

#: How much of a failing command's output people are shown.
LAST_LINES = 8
#: Seconds that an answer of the engine may take. Compose's own are 60, in which a busy machine may
#: not have made a container; who has set another number keeps it.
PATIENCE = {"COMPOSE_HTTP_TIMEOUT": "300"}


def compose_command() -> list[str]:
    """`docker compose` (version 2) or `docker-compose` (1.29 and later).

    Raises
    ------
    Failure
        Where there is neither.
    """
    for command in (["docker", "compose"], ["docker-compose"]):
        try:
            answer = subprocess.run([*command, "version"], capture_output=True, timeout=120)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if answer.returncode == 0:
            return command
    raise Failure(
        "A Docker Engine answers, but Docker Compose is missing. Install it (Debian and Ubuntu:"
        " apt-get install docker-compose, or make engine as root), or start without containers:"
        " make up MODE=embedded"
    )


@dataclass(frozen=True, kw_only=True)
class Compose:
    """One project of the compose file.

    Parameters
    ----------
    file
        `docker-compose.yml`.
    project
        The project's name.
    variables
        What the file's variables stand for.
    """

    file: Path
    project: str
    variables: Mapping[str, str]

    def run(self, *arguments: str, problem: str) -> None:
        """Run a compose command quietly.

        Raises
        ------
        Failure
            `problem` and the command's last lines, where it does not succeed.
        """
        command = [*compose_command(), "-p", self.project, "-f", str(self.file), *arguments]
        # The environment wins over an .env file, whichever Compose it is.
        environment = {**PATIENCE, **os.environ, **self.variables}
        result = subprocess.run(
            command, env=environment, capture_output=True, encoding="utf-8", errors="replace"
        )
        if result.returncode:
            lines = (result.stderr or result.stdout).strip().splitlines()[-LAST_LINES:]
            raise Failure("\n  ".join([problem, *lines]))
