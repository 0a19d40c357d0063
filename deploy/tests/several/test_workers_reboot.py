"""A reboot of the hub's machine while users work on both machines."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import WebSocketException

from deploy.tests.containers import await_boot, docker, eventually
from deploy.tests.several.conftest import Platform
from tests.e2e.platforms import Person
from tests.e2e.servers import CellError, Kernel, start_kernel, start_server, stop_server


@pytest.fixture(scope="module")
def workers_user(platform: Platform) -> Iterator[Person]:
    """Somebody whose server runs on the worker."""
    with_server = user_on(platform, "worker1")
    yield with_server
    stop_server(with_server)


@pytest.fixture(scope="module")
def hubs_user(platform: Platform, workers_user: Person) -> Iterator[Person]:
    """Somebody whose server runs on the hub's machine."""
    with_server = user_on(platform, "hub")
    yield with_server
    stop_server(with_server)


def user_on(platform: Platform, machine: str) -> Person:
    """A user whose home comes to a machine; those who come elsewhere stop again."""
    for number in range(4):
        person = platform.person(f"of{machine}{number}")
        start_server(person)
        if platform.machine_of(person.name) == machine:
            return person
        stop_server(person)
    raise AssertionError(f"nobody's server starts on {machine}")


@pytest.fixture(scope="module")
def kernel(workers_user: Person) -> Kernel:
    """A kernel on the worker with something in its memory."""
    kernel = start_kernel(workers_user)
    kernel.run("kept = 42")
    return kernel


def still_kept(kernel: Kernel) -> bool:
    """Whether a kernel is reached, and has its memory; while hub or proxy start it is not."""
    try:
        return kernel.run("print(kept)", timeout=10).strip() == "42"
    except (OSError, TimeoutError, httpx.HTTPError, WebSocketException) as error:
        print(f"not reached: {error!r}")
        return False
    except CellError as error:
        raise AssertionError("the kernel lost its memory") from error


def test_reboot_of_the_hubs_machine_leaves_the_workers_servers(
    platform: Platform, hubs_user: Person, workers_user: Person, kernel: Kernel
) -> None:
    mine = start_kernel(hubs_user)
    mine.run("from pathlib import Path; n = Path('mine.txt').write_text('precious')")
    hub = platform.machines["hub"]
    docker("restart", "--time", "90", hub.name)
    await_boot(hub)
    eventually(
        lambda: hub.succeeds("km3net-verify", "--quick"), "everything runs again", seconds=300
    )
    eventually(lambda: still_kept(kernel), "the worker's kernel is reached again", seconds=120)
    assert platform.machine_of(workers_user.name) == "worker1"

    def starts() -> bool:
        try:
            start_server(hubs_user)
        except AssertionError as error:
            print(error)
            return False
        return platform.machine_of(hubs_user.name) == "hub"

    eventually(starts, "the server on the hub's machine starts again", seconds=180)
    assert start_kernel(hubs_user).run("print(open('mine.txt').read())").strip() == "precious"
    platform.play("verify").require_success()
