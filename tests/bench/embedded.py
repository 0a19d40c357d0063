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
from tests.waiting import wait_until

TITLE = "Embedded"
ROUNDS = 5


def measure() -> list[Figure]:
    """Clone, start, then stop and start again some times."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        began = time.perf_counter()
        run("git", "clone", "--quiet", ROOT, clone)
        port = free_ports(PORTAL + 1)
        login = up(clone, port) - began
        installed = time.perf_counter() - began
        wait_until(lambda: compiled(clone), seconds=600, what="all environments are compiled")
        complete = time.perf_counter() - began
        warm = []
        try:
            for _ in range(ROUNDS):
                make(clone, "down")
                began = time.perf_counter()
                warm.append(up(clone, port) - began)
        finally:
            make(clone, "down")
    return [
        Figure("fresh clone to login page (package cache as it was)", f"{login:.0f} s", "<= 40 s"),
        Figure("fresh clone to all environments", f"{installed:.0f} s", "report"),
        Figure("fresh clone to all environments compiled", f"{complete:.0f} s", "<= 90 s"),
        Figure("warm `make up` to login page", spread(warm), "<= 5 s"),
    ]


def up(clone: Path, port: int) -> float:
    """Start, and return the moment at which the login page's address was printed."""
    with subprocess.Popen(
        command("up", "MODE=embedded", f"PORT={port}"),
        cwd=clone, env=environment(), stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        moments = [time.perf_counter() for line in process.stdout if line.startswith("  Open ")]
    if process.returncode:
        raise RuntimeError(f"make up ended with {process.returncode}")
    return moments[0]


def compiled(clone: Path) -> bool:
    """Whether the bytecode of each environment is there."""
    environments = list((clone / ".platform" / "envs").iterdir())
    return all((folder / ".compiled").exists() for folder in environments)


def command(*arguments: str) -> list[str]:
    """Return a command of make."""
    return ["make", "--no-print-directory", *arguments]


def environment() -> dict[str, str]:
    """Return this process' environment without what would get in the way."""
    dropped = ("VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL")
    return {k: v for k, v in os.environ.items() if k not in dropped}


def make(clone: Path, *arguments: str) -> None:
    """Run make in the clone."""
    subprocess.run(
        command(*arguments), cwd=clone, check=True, env=environment(), stdout=subprocess.DEVNULL
    )
