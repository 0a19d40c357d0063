"""A worker, then the hub's machine, are lost and restored from their backups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.tests.containers import Machine, eventually
from deploy.tests.several.conftest import Platform
from deploy.tests.several.people import starts, user_on
from tests.e2e.platforms import Person
from tests.e2e.servers import start_kernel, stop_server

REPOSITORY = "/var/backups/km3net"


@pytest.fixture(scope="module")
def person(platform: Platform) -> Iterator[Person]:
    """A user whose home, with a file, is on the worker."""
    person = user_on(platform, "worker1")
    kernel = start_kernel(person)
    kernel.run("from pathlib import Path; n = Path('mine.txt').write_text('precious')")
    platform.play("backup").require_success()
    yield person
    stop_server(person)


def lose(platform: Platform, name: str, tmp_path: Path) -> Machine:
    """Replace a machine by a fresh one that has nothing but the backups of the lost one."""
    repository = tmp_path / f"{name}.tar"
    platform.machines[name].pack(REPOSITORY, repository)
    platform.machines[name].remove()
    platform.machines[name] = platform.fresh(name)
    platform.machines[name].unpack(repository, REPOSITORY)
    return platform.machines[name]


def has_the_file(platform: Platform, person: Person) -> bool:
    eventually(lambda: starts(person), "the server starts again", seconds=180)
    assert platform.machine_of(person.name) == "worker1"
    return start_kernel(person).run("print(open('mine.txt').read())").strip() == "precious"


def test_lost_worker_is_restored_with_its_homes(
    platform: Platform, person: Person, tmp_path: Path
) -> None:
    lose(platform, "worker1", tmp_path)
    platform.play("restore", "-e", "restore_machine=worker1").require_success()
    assert has_the_file(platform, person)
    # The place of the lost machine was given up.
    nodes = platform.machines["hub"].run("docker", "node", "ls", "--format={{.Status}}").split()
    assert nodes == ["Ready", "Ready"]
    assert platform.play("site").require_success().changed == 0


def test_lost_hub_is_restored_and_reconnects_its_workers(
    platform: Platform, person: Person, tmp_path: Path
) -> None:
    stop_server(person)
    lose(platform, "hub", tmp_path)
    platform.play("restore").require_success()
    assert has_the_file(platform, person)
    platform.play("verify", "-e", "verify_backup_hours=1000").require_success()
