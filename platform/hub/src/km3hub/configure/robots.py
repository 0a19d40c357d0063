"""The robots' schedule."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

from km3hub.configure.extending import extend
from km3settings.robots import in_seconds
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["configure_robots"]

#: Seconds after the start of the hub before the first round: users' servers come first.
_FIRST = 600


def configure_robots(c: Any, settings: Settings, runtime: Runtime) -> None:
    """Let the hub run the robots in a process of its own, where the settings say how often."""
    if not settings.robots.every:
        return
    seconds = in_seconds(settings.robots.every)
    command = [sys.executable, "-m", "km3hub.configure.robots", str(seconds)]
    service = {"name": "robots", "command": command, "display": False}
    # `make down` finds the processes of a hub by these, even after it was killed.
    service["environment"] = {**runtime.environment(), "KM3_ROLE": "hub"}
    extend(c.JupyterHub, "services", [service])


def main(argv: list[str]) -> None:
    """Run the robots for ever: `SECONDS` between two rounds."""
    time.sleep(_FIRST)
    while True:
        # The results are in the file that the hub reads; a failed round is one of them.
        subprocess.run([sys.executable, "-m", "km3hub", "robots", "run"])
        time.sleep(float(argv[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
