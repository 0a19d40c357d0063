"""Containers of the platform that are killed start again; those that are stopped do not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from km3hub.spawning.keeper import Keeper, keeper_of
from km3settings.names import Names
from tests.waiting import wait_until

NAMES = Names("km3killed")
#: Ends at once when it is asked to, or does not listen.
OBEDIENT = "trap 'exit 0' TERM INT HUP USR1; while :; do sleep 0.1; done"
DEAF = "trap '' TERM; while :; do sleep 0.1; done"


@pytest.fixture(scope="module")
def engine() -> Any:
    docker = pytest.importorskip("docker")
    try:
        engine = docker.from_env()
        engine.ping()
    except docker.errors.DockerException as error:
        pytest.skip(f"needs a Docker Engine: {error}")
    if not engine.images.list("km3net/proxy"):
        pytest.skip("needs the image km3net/proxy: make images IMAGES=proxy")
    return engine


@pytest.fixture
def keeper(engine: Any) -> Iterator[Keeper]:
    yield keeper_of(engine.api, project=NAMES.project, services=[], swarm=False)
    for container in engine.containers.list(all=True, filters={"name": f"^/{NAMES.project}-"}):
        container.remove(force=True)


def run(engine: Any, name: str, script: str) -> Any:
    image = engine.images.list("km3net/proxy")[0]
    return engine.containers.run(
        image.id, ["sh", "-c", script], entrypoint=[], name=name, detach=True,
        restart_policy={"Name": "unless-stopped"}, healthcheck={"test": ["NONE"]},
    )  # fmt: skip


def since_end(container: Any) -> float:
    """Seconds since it ended, by the engine's clock, which is this machine's."""
    end = datetime.fromisoformat(container.attrs["State"]["FinishedAt"][:19]).replace(tzinfo=UTC)
    return (datetime.now(UTC) - end).total_seconds()


def ended(container: Any) -> bool:
    container.reload()
    return bool(container.status == "exited")


def traps(container: Any) -> bool:
    """Whether its first process handles signals already (proc(5))."""
    status = container.exec_run(["cat", "/proc/1/status"]).output.decode()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) & 1 << (15 - 1))


def starts_again(container: Any, keeper: Keeper) -> bool:
    keeper._start_killed()
    return not ended(container)


SERVICES = [NAMES.hub, NAMES.proxy, NAMES.net, NAMES.firewall, NAMES.homes, NAMES.opendata]


@pytest.mark.parametrize("name", SERVICES)
def test_a_killed_container_starts_again(engine: Any, keeper: Keeper, name: str) -> None:
    container = run(engine, name, OBEDIENT)
    container.kill()
    wait_until(lambda: ended(container), seconds=30, what="it ended, and the engine lets it be")
    wait_until(lambda: starts_again(container, keeper), seconds=30, what="it starts again")


@pytest.mark.parametrize("signal", ["TERM", "INT", "HUP", "USR1"])
def test_so_does_one_that_another_signal_ended(engine: Any, keeper: Keeper, signal: str) -> None:
    container = run(engine, NAMES.proxy, OBEDIENT)
    wait_until(lambda: traps(container), seconds=30, what="its shell waits for signals")
    container.kill(signal)
    wait_until(lambda: ended(container), seconds=30, what="it ended, and the engine lets it be")
    wait_until(lambda: starts_again(container, keeper), seconds=30, what="it starts again")


@pytest.mark.parametrize(("script", "patience"), [(OBEDIENT, 10), (DEAF, 1)])
def test_a_stopped_container_stays_stopped(
    engine: Any, keeper: Keeper, script: str, patience: int
) -> None:
    container = run(engine, NAMES.hub, script)
    container.stop(timeout=patience)
    wait_until(lambda: ended(container), seconds=30, what="it ended")
    # At once, while the engine may not have recorded the stop, and later.
    for _ in range(30):
        assert not starts_again(container, keeper)
        if since_end(container) > 5:
            return
        time.sleep(0.5)  # what is looked for is that nothing happens
    raise AssertionError("the container's end is not recorded")


def test_a_container_of_somebody_else_stays_dead(engine: Any, keeper: Keeper) -> None:
    container = run(engine, f"{NAMES.project}-user-ada", OBEDIENT)
    container.kill()
    wait_until(lambda: ended(container), seconds=30, what="it ended")
    keeper._start_killed()
    assert ended(container)
