"""`make up` without a Docker Engine: warm, and from a fresh clone."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

from tests.bench.figures import Figure, spread
from tests.commands import run
from tests.e2e.platforms import PORTAL, ROOT
from tests.ports import free_ports

TITLE = "Embedded"
ROUNDS = 5


def measure() -> list[Figure]:
    """Clone, start, then stop and start again some times."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        began = time.perf_counter()
        run("git", "clone", "--quiet", ROOT, clone)
        port = free_ports(PORTAL + 1)
        up(clone, port)
        fresh = time.perf_counter() - began
        warm = []
        try:
            for _ in range(ROUNDS):
                make(clone, "down")
                began = time.perf_counter()
                up(clone, port)
                warm.append(time.perf_counter() - began)
        finally:
            make(clone, "down")
    return [
        Figure("fresh clone to login page (package cache as it was)", f"{fresh:.0f} s", "report"),
        Figure("warm `make up` to login page", spread(warm), "<= 5 s"),
    ]


def up(clone: Path, port: int) -> None:
    """Start; `make up` returns when the login page answers."""
    make(clone, "up", "MODE=embedded", f"PORT={port}")


def make(clone: Path, *arguments: str) -> None:
    """Run make in the clone, with nothing of this process' environment in the way."""
    dropped = ("VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL")
    environment = {k: v for k, v in os.environ.items() if k not in dropped}
    subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=clone,
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
