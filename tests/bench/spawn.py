"""One warm user in containers against a bare `docker run` of the same image."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import httpx

from tests import commands
from tests.bench.figures import Figure, spread
from tests.e2e.platforms import Person, start
from tests.e2e.servers import stop_server
from tests.ports import free_ports
from tests.waiting import wait_until

TITLE = "One user, warm, containers"
ROUNDS = 7
IMAGE = "km3net/stack"


def measure() -> list[Figure]:
    """Alternate hub spawns and bare starts; the first round only warms up."""
    with tempfile.TemporaryDirectory() as folder:
        platform = start("docker", Path(folder), project="km3bench")
        try:
            person = platform.api(platform.user, platform.password)
            rounds = [(spawn_until_lab(person), bare_until_lab()) for _ in range(ROUNDS + 1)][1:]
        finally:
            platform.stop()
    ratios = [hub / bare for hub, bare in rounds]
    return [
        Figure("POST spawn until Lab page 200", spread([hub for hub, _ in rounds])),
        Figure("`docker run` until Lab page 200", spread([bare for _, bare in rounds])),
        Figure("ratio, round by round", spread(ratios, ""), "<= 1.3"),
    ]


def spawn_until_lab(person: Person) -> float:
    """Seconds from the request until JupyterLab's page answers through the proxy."""
    with person.client() as client:
        began = time.perf_counter()
        answer = client.post(f"/hub/api/users/{person.name}/server", json={"environment": "stack"})
        assert answer.status_code in (201, 202), answer.text
        await_page(client, f"/user/{person.name}/lab")
        took = time.perf_counter() - began
    stop_server(person)
    return took


def bare_until_lab() -> float:
    """Seconds from `docker run` until the image's JupyterLab answers."""
    port = free_ports(1)
    run = ["docker", "run", "--detach", "--rm", "--publish", f"127.0.0.1:{port}:8888"]
    run += ["--env", "JUPYTER_TOKEN=bench", "--memory", "2g", IMAGE]
    began = time.perf_counter()
    container = commands.run(*run).stdout.strip()
    try:
        headers = {"Authorization": "token bench"}
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60
        ) as client:
            await_page(client, "/lab")
        return time.perf_counter() - began
    finally:
        commands.run("docker", "rm", "--force", "--volumes", container)


def await_page(client: httpx.Client, path: str) -> None:
    """Ask for a page every 50 ms until it answers 200 itself, without a redirect to the hub."""
    wait_until(
        lambda: client.get(path, follow_redirects=False).status_code == 200,
        seconds=120,
        what=f"{path} answers 200",
        ignoring=httpx.HTTPError,
        interval=0.05,
    )
