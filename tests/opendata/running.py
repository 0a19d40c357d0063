"""The command `opendata` as a user runs it, and a server of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import httpx

from tests import commands

from .postgresql import new_database


@dataclass
class Server:
    """A running server."""

    url: str
    pid: int
    variables: dict[str, str]
    log: list[str] = field(default_factory=list)

    def get(self, path: str, **options: object) -> httpx.Response:
        return httpx.get(self.url + path, timeout=120, **options)  # type: ignore[arg-type]

    def token(self, name: str, *roles: str) -> dict[str, str]:
        """Return the header of a new account."""
        options = [part for role in roles for part in ("--role", role)]
        return {"Authorization": f"Bearer {run(self.variables, 'token', name, *options).strip()}"}


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return the environment of an instance with its state in a folder."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("OPENDATA_", "DJANGO_", "DATABASE_URL"))
    }
    if url := os.environ.get("DATABASE_URL"):
        kept["DATABASE_URL"] = new_database(url)
    return kept | {"OPENDATA_STATE": str(folder / "state")} | more


def run(variables: dict[str, str], *arguments: str) -> str:
    """Run a command and return what it prints."""
    done = commands.run(sys.executable, "-m", "opendata", *arguments, env=variables)
    return done.stdout


@contextmanager
def serve(variables: dict[str, str], *options: str) -> Iterator[Server]:
    """Run a server on a free port until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "opendata", "serve", "--port", "0", *options],
        env=variables,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    server = Server("", process.pid, variables)
    try:
        for line in process.stderr:
            server.log.append(line)
            if "running on" in line:
                server.url = json.loads(line)["message"].split()[3]
                break
        assert server.url, "".join(server.log)
        follower = Thread(target=lambda: server.log.extend(process.stderr or ()), daemon=True)
        follower.start()
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)
