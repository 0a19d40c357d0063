"""A server of the services as its own process."""

from __future__ import annotations

import os
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.waiting import wait_until


class Server:
    """A server that can be killed and started again.

    Parameters
    ----------
    folder : pathlib.Path
        With the published tables; the log goes beside it.
    command : callable
        Gives the command for a port.
    base : str
        Path below which the services live.
    """

    def __init__(
        self,
        folder: Path,
        command: Callable[[int], Sequence[str]],
        base: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}{base}"
        self.log = folder.with_suffix(".log")
        self._command = command(self.port)
        self._variables = {**os.environ, **(variables or {})}

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, env=self._variables, stdout=log, stderr=log
            )
        wait_until(
            self._answers,
            seconds=60,
            what=lambda: f"the server answers\n{self.log.read_text()}",
            ignoring=OSError,
        )

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(self.log.read_text())
        urllib.request.urlopen(f"{self.url}/tap/availability", timeout=5).close()
        return True

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        self.process.kill()
        self.process.wait(20)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
