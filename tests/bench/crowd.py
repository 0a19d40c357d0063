"""Many users at once: log in, spawn, run a first cell."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

import docker
from docker.errors import NotFound

from tests.bench.figures import Figure, percentile
from tests.commands import run
from tests.e2e.platforms import Person, Platform, start
from tests.e2e.servers import start_kernel, start_server

TITLE = "15 and 30 users at once, containers"
CROWDS = (15, 30)
#: The containers that work for every start; the broker is younger than the first release.
SERVICES = ("hub", "proxy", "broker", "keeper")


@dataclass(frozen=True)
class Visit:
    """One user's way from the login page to the first cell's answer, in seconds."""

    person: Person
    login: float
    ready: float
    cell: float
    cpu: float
    """CPU seconds of the user's container."""


@dataclass(frozen=True)
class Crowd:
    """Users who came at the same moment and all succeeded."""

    visits: Sequence[Visit]
    wall: float
    """Seconds until the last one's first cell was answered."""
    services: dict[str, float]
    """CPU seconds that each of the platform's containers used meanwhile."""

    @property
    def per_start(self) -> float:
        """CPU seconds of hub, proxy and broker per start."""
        found = [self.services.get(name, 0.0) for name in ("hub", "proxy", "broker")]
        return sum(found) / len(self.visits)


def measure() -> list[Figure]:
    """Send each crowd to a platform of its own."""
    figures: list[Figure] = []
    for size in CROWDS:
        with tempfile.TemporaryDirectory() as folder:
            platform = start("docker", Path(folder), project="km3bench")
            try:
                figures += _figures(crowd(platform, [f"guest{n:02d}" for n in range(size)]))
            finally:
                platform.stop()
    return figures


def _figures(found: Crowd) -> list[Figure]:
    visits = found.visits
    size = len(visits)
    ready, cells = [v.ready for v in visits], [v.cell for v in visits]
    cpu = sum(v.cpu for v in visits) / size
    parts = ", ".join(f"{name} {used:.1f}" for name, used in found.services.items())
    return [
        Figure(f"{size} users: succeeded", f"{size} of {size}", "all"),
        Figure(f"{size} users: wall time", f"{found.wall:.1f} s"),
        Figure(
            f"{size} users: server ready, p50 / p95",
            f"{percentile(ready, 50):.1f} / {percentile(ready, 95):.1f} s",
        ),
        Figure(
            f"{size} users: first cell answered, p50 / p95",
            f"{percentile(cells, 50):.1f} / {percentile(cells, 95):.1f} s",
        ),
        Figure(f"{size} users: CPU seconds a start", f"{cpu:.2f} s", "<= 2.5 s"),
        Figure(f"{size} users: CPU seconds of the services", parts),
    ]


def crowd(platform: Platform, names: Sequence[str]) -> Crowd:
    """Let new users start at the same moment; every one of them must succeed."""
    passwords = {name: add_account(platform, name) for name in names}
    together = Barrier(len(names))
    before = service_seconds(platform)
    began = time.perf_counter()
    with ThreadPoolExecutor(len(names)) as pool:
        visits = list(
            pool.map(lambda name: visit(platform, name, passwords[name], together), names)
        )
    wall = time.perf_counter() - began
    after = service_seconds(platform)
    return Crowd(visits, wall, {name: used - before[name] for name, used in after.items()})


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
    return Visit(person, login, ready, cell, cpu_seconds(server_container(platform, name)))


def add_account(platform: Platform, name: str) -> str:
    """Make an account with a random password."""
    password = secrets.token_urlsafe(12)
    command = ["accounts", "--state", platform.state, "add", name, "--password-stdin"]
    run(*platform.program, *command, input=password)
    return password


def server_container(platform: Platform, name: str) -> str:
    """The container of a user's server."""
    client = docker.from_env()
    labels = [f"org.km3net.project={platform.project}", f"org.km3net.user={name}"]
    found = client.containers.list(filters={"label": labels})
    assert len(found) == 1, f"{len(found)} containers of {name}"
    return str(found[0].id)


def service_seconds(platform: Platform) -> dict[str, float]:
    """CPU seconds that each of the platform's containers has used so far."""
    found = {}
    for name in SERVICES:
        try:
            found[name] = cpu_seconds(f"{platform.project}-{name}")
        except NotFound:
            continue
    return found


def cpu_seconds(container: str) -> float:
    """CPU seconds that a container has used, from the engine's own accounting."""
    stats = docker.from_env().api.stats(container, stream=False, one_shot=True)
    return float(stats["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9
