"""A reboot of the hub's machine while users work on both machines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.tests.containers import await_boot, docker, eventually
from deploy.tests.several.conftest import Platform
from deploy.tests.several.people import starts, still_kept, user_on
from tests.e2e.platforms import Person
from tests.e2e.servers import Kernel, start_kernel, stop_server


@pytest.fixture(scope="module")
def workers_user(platform: Platform) -> Iterator[Person]:
    """A user whose server runs on the worker."""
    with_server = user_on(platform, "worker1")
    yield with_server
    stop_server(with_server)


@pytest.fixture(scope="module")
def hubs_user(platform: Platform) -> Iterator[Person]:
    """A user whose server runs on the hub's machine."""
    with_server = user_on(platform, "hub")
    yield with_server
    stop_server(with_server)


@pytest.fixture(scope="module")
def kernel(workers_user: Person) -> Kernel:
    """A kernel on the worker with a variable in memory."""
    kernel = start_kernel(workers_user)
    kernel.run("kept = 42")
    return kernel


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
    eventually(
        lambda: starts(hubs_user), "the server on the hub's machine starts again", seconds=180
    )
    assert platform.machine_of(hubs_user.name) == "hub"
    assert start_kernel(hubs_user).run("print(open('mine.txt').read())").strip() == "precious"
    platform.play("verify").require_success()
