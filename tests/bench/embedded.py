"""`make up` without a Docker Engine: on a bare machine, from a fresh clone, and warm."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import Figure, spread
from tests.commands import run
from tests.e2e.platforms import PORTAL, ROOT
from tests.ports import free_ports
from tests.waiting import wait_until

TITLE = "Embedded"
ROUNDS = 5
#: Variables with which pip, uv and npm are given a cache folder.
CACHES = ("PIP_CACHE_DIR", "UV_CACHE_DIR", "NPM_CONFIG_CACHE")


def measure() -> list[Figure]:
    """Start a fresh clone with empty package caches and with full ones, then start it warm."""
    with tempfile.TemporaryDirectory() as folder:
        caches = {name: str(Path(folder) / name.lower()) for name in CACHES}
        bare = first_start(Path(folder) / "bare", caches)
        # The caches that the first clone has filled.
        clone = Path(folder) / "clone"
        full = first_start(clone, caches)
        port = free_ports(PORTAL + 1)
        warm = []
        try:
            for _ in range(ROUNDS):
                began = time.perf_counter()
                warm.append(up(clone, port, caches) - began)
                make(clone, "down")
        finally:
            make(clone, "down")
    return [
        *figures("empty package caches", bare),
        *figures("full package caches", full),
        Figure("warm `make up` to login page", spread(warm), "<= 5 s"),
    ]


@dataclass(frozen=True)
class FirstStart:
    """Seconds since `make up` was typed in a fresh clone."""

    login: float
    installed: float
    compiled: float


def first_start(clone: Path, caches: dict[str, str]) -> FirstStart:
    """Clone, start, wait until everything is installed and compiled, and stop."""
    run("git", "clone", "--quiet", ROOT, clone)
    port = free_ports(PORTAL + 1)
    began = time.perf_counter()
    try:
        login = up(clone, port, caches) - began
        installed = time.perf_counter() - began
        wait_until(lambda: compiled(clone), seconds=600, what="all environments are compiled")
        complete = time.perf_counter() - began
    finally:
        make(clone, "down")
    return FirstStart(login, installed, complete)


def figures(caches: str, start: FirstStart) -> list[Figure]:
    """Return the figures of one first start."""
    what = f"fresh clone, {caches}"
    return [
        Figure(f"{what}: to login page", f"{start.login:.0f} s", "<= 40 s"),
        Figure(f"{what}: to all environments", f"{start.installed:.0f} s", "<= 90 s"),
        Figure(f"{what}: to all compiled", f"{start.compiled:.0f} s"),
    ]


def up(clone: Path, port: int, caches: dict[str, str]) -> float:
    """Start, and return the moment at which the login page's address was printed."""
    with subprocess.Popen(
        command("up", "MODE=embedded", f"PORT={port}"),
        cwd=clone, env=environment() | caches, stdout=subprocess.PIPE, text=True,
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
