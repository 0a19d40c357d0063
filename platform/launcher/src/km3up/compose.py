"""The commands of Docker and Compose, whichever this machine has; the project's compose file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from km3up.command import attempt, run
from km3up.failure import Failure

__all__ = ["Compose", "compose_command", "engine_answers"]

#: Seconds to wait for an answer of the engine. Compose's default is 60, in which a busy machine may
#: not have created a container. A value that is set in the environment wins.
_TIMEOUT = {"COMPOSE_HTTP_TIMEOUT": "300"}


def engine_answers() -> bool:
    """Returns whether a Docker Engine answers."""
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    return attempt(command, seconds=15).returncode == 0


def compose_command() -> list[str]:
    """`docker compose` (version 2) or `docker-compose` (1.29 and later).

    Raises
    ------
    Failure
        If there is neither.
    """
    for command in (["docker", "compose"], ["docker-compose"]):
        if attempt([*command, "version"], seconds=120).returncode == 0:
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
        The values of the file's variables.
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
        environment = {**_TIMEOUT, **os.environ, **self.variables}
        run(command, environment=environment, problem=problem)
