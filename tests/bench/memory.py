"""Idle memory of the platform in containers, and the size of its images."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import docker

from tests.bench.crowd import server_container
from tests.bench.figures import Figure
from tests.e2e.platforms import start
from tests.e2e.servers import start_server

TITLE = "Idle memory and image sizes"
#: Long enough for the garbage of the start to be collected and for caches to settle.
SETTLE_SECONDS = 30
AIMS = {"joint": "<= 1500 MB", "hub": "<= 400 MB"}


def measure() -> list[Figure]:
    """Start a platform with one idle server and read what everything holds."""
    with tempfile.TemporaryDirectory() as folder:
        platform = start("docker", Path(folder), project="km3bench")
        try:
            person = platform.api(platform.user, platform.password)
            start_server(person, {"environment": "stack", "size": "small"})
            time.sleep(SETTLE_SECONDS)
            hub = memory(f"{platform.project}-hub")
            proxy = memory(f"{platform.project}-proxy")
            net = memory(f"{platform.project}-net")
            server = memory(server_container(platform, platform.user))
        finally:
            platform.stop()
    client = docker.from_env()
    sizes = {
        name: client.images.get(f"km3net/{name}").attrs["Size"] / 1e6
        for name in ("base", "stack", "joint", "hub", "proxy", "broker", "firewall")
    }
    return [
        Figure("hub + proxy", f"{hub + proxy:.0f} MB ({hub:.0f} + {proxy:.0f})", "<= 250 MB"),
        Figure("keeper of the network (`net`)", f"{net:.0f} MB"),
        Figure("user server, no kernel", f"{server:.0f} MB", "<= 120 MB"),
        *(
            Figure(f"image {name} on disk", f"{size:.0f} MB", AIMS.get(name, ""))
            for name, size in sizes.items()
        ),
    ]


def memory(container: str) -> float:
    """Megabytes in use, page cache not counted (as `docker stats` does)."""
    stats = docker.from_env().api.stats(container, stream=False)["memory_stats"]
    details = stats.get("stats", {})
    cache = details.get("total_inactive_file", details.get("inactive_file", 0))
    return float(stats["usage"] - cache) / 1e6
