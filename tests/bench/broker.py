"""What the broker adds to the start of a user's server."""

from __future__ import annotations

import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

import docker

from km3settings.names import Names
from tests.bench.figures import Figure, spread
from tests.bench.spawn import spawn_until_lab
from tests.e2e.platforms import Person, Platform, start
from tests.waiting import wait_until

TITLE = "Start of a server with and without the broker"
ROUNDS = 15
_ENGINE = "/var/run/docker.sock"


def measure() -> list[Figure]:
    """Alternate starts on two platforms, one of whose hubs has the engine's own socket."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        platforms = []
        for project in ("km3bench", "km3direct"):
            place = Path(folder) / project
            place.mkdir(mode=0o755)
            platforms.append(start("docker", place, project=project))
            running.callback(platforms[-1].stop)
        brokered, direct = platforms
        give_engine(direct)
        people = [platform.api(platform.user, platform.password) for platform in platforms]
        rounds = [_round(number, people) for number in range(ROUNDS + 1)][1:]
        requests = starts_seen_by(brokered)
    growth = [100 * (with_broker / without - 1) for with_broker, without in rounds]
    assert requests, "the first platform's hub does not use the broker"
    return [
        Figure("with the broker", spread([one for one, _ in rounds])),
        Figure("with the engine's own socket", spread([other for _, other in rounds])),
        Figure("growth, median of rounds", f"{statistics.median(growth):+.1f} %", "< 3 %"),
        Figure("growth, round by round", spread(growth, " %")),
    ]


def _round(number: int, people: list[Person]) -> tuple[float, float]:
    """One start of each, in turns the one and the other first."""
    order = people if number % 2 else people[::-1]
    took = {id(person): spawn_until_lab(person) for person in order}
    return took[id(people[0])], took[id(people[1])]


def give_engine(platform: Platform) -> None:
    """Replace the hub's container by one with the engine's own socket, as before the broker."""
    engine = docker.from_env()
    name = Names(platform.project).hub
    hub = engine.containers.get(name)
    config, host = hub.attrs["Config"], hub.attrs["HostConfig"]
    environment = [line for line in config["Env"] if not line.startswith("DOCKER_HOST=")]
    config |= {"Env": [*environment, f"DOCKER_HOST=unix://{_ENGINE}"], "HostConfig": host}
    for key in ("Hostname", "ExposedPorts"):  # those of `net`
        config.pop(key, None)
    # So that Compose does not take it for its own.
    config["Labels"]["com.docker.compose.config-hash"] = "before the broker"
    host["Binds"].append(f"{_ENGINE}:{_ENGINE}")
    host["GroupAdd"] = [str(Path(_ENGINE).stat().st_gid)]
    hub.remove(force=True)
    engine.api.create_container_from_config(config, name=name)
    engine.containers.get(name).start()
    wait_until(
        lambda: engine.containers.get(name).attrs["State"]["Health"]["Status"] == "healthy",
        seconds=120,
        what="the hub with the engine's socket is healthy",
    )


def starts_seen_by(platform: Platform) -> bool:
    """Whether the broker of this platform has the socket that its hub uses."""
    hub = docker.from_env().containers.get(Names(platform.project).hub).attrs
    mounts = {mount["Destination"] for mount in hub["Mounts"]}
    return "/run/km3broker" in mounts and _ENGINE not in mounts
