"""Many users at once: log in, spawn, run a first cell."""

from __future__ import annotations

import secrets
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

import docker

from tests.bench.figures import Figure, percentile
from tests.commands import run
from tests.e2e.platforms import KM3HUB, Person, Platform, start
from tests.e2e.servers import start_kernel, start_server

TITLE = "15 and 30 users at once, containers"
CROWDS = (15, 30)


@dataclass(frozen=True)
class Visit:
    """One user's way from the login page to the first cell's answer, in seconds."""

    login: float
    ready: float
    cell: float
    cpu: float


def measure() -> list[Figure]:
    """Send each crowd to a platform of its own."""
    figures: list[Figure] = []
    for size in CROWDS:
        with tempfile.TemporaryDirectory() as folder:
            # The pause after failed logins counts addresses, too; a crowd from one machine that
            # logs in rightly must not meet it.
            platform = start("docker", Path(folder), project="km3bench")
            try:
                figures += crowd(platform, size)
            finally:
                platform.stop()
    return figures


def crowd(platform: Platform, size: int) -> list[Figure]:
    """Let `size` users start at the same moment; every one of them must succeed."""
    names = [f"guest{number:02d}" for number in range(size)]
    passwords = {name: add_account(platform, name) for name in names}
    together = Barrier(size)
    began = time.perf_counter()
    with ThreadPoolExecutor(size) as pool:
        visits = list(
            pool.map(lambda name: visit(platform, name, passwords[name], together), names)
        )
    wall = time.perf_counter() - began
    hub = cpu_seconds(f"{platform.project}-hub") + cpu_seconds(f"{platform.project}-proxy")
    cells = [v.cell for v in visits]
    ready = [v.ready for v in visits]
    cpu = sum(v.cpu for v in visits) / size
    return [
        Figure(f"{size} users: succeeded", f"{len(visits)} of {size}", "all"),
        Figure(f"{size} users: wall time", f"{wall:.1f} s"),
        Figure(
            f"{size} users: server ready, p50 / p95",
            f"{percentile(ready, 50):.1f} / {percentile(ready, 95):.1f} s",
        ),
        Figure(
            f"{size} users: first cell answered, p50 / p95",
            f"{percentile(cells, 50):.1f} / {percentile(cells, 95):.1f} s",
        ),
        Figure(f"{size} users: CPU seconds a start", f"{cpu:.2f} s", "<= 2.5 s"),
        Figure(f"{size} users: CPU seconds of hub and proxy", f"{hub:.1f} s"),
    ]


def visit(platform: Platform, name: str, password: str, together: Barrier) -> Visit:
    """Log in, spawn, run a cell."""
    together.wait(timeout=60)
    began = time.perf_counter()
    person = Person.log_in(platform.address, name, password)
    login = time.perf_counter() - began
    start_server(person, {"environment": "stack", "size": "small"})
    ready = time.perf_counter() - began
    assert start_kernel(person).run("print(6 * 7)").strip() == "42"
    cell = time.perf_counter() - began
    return Visit(login, ready, cell, cpu_seconds(server_container(platform, name)))


def add_account(platform: Platform, name: str) -> str:
    """Make an account with a random password."""
    password = secrets.token_urlsafe(12)
    command = [KM3HUB, "accounts", "--state", platform.state, "add", name, "--password-stdin"]
    run(*command, input=password)
    return password


def server_container(platform: Platform, name: str) -> str:
    """The container of a user's server."""
    client = docker.from_env()
    labels = [f"org.km3net.project={platform.project}", f"org.km3net.user={name}"]
    found = client.containers.list(filters={"label": labels})
    assert len(found) == 1, f"{len(found)} containers of {name}"
    return str(found[0].id)


def cpu_seconds(container: str) -> float:
    """CPU seconds that a container has used, from the engine's own accounting."""
    stats = docker.from_env().api.stats(container, stream=False)
    return float(stats["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9
