"""An upgrade, its rollback, and a worker that leaves and rejoins, while users work."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from deploy.tests.containers import Machine
from deploy.tests.releases import release
from deploy.tests.several.conftest import Platform
from deploy.tests.several.people import still_kept, user_on
from deploy.tests.site import Play
from tests.e2e.platforms import Person
from tests.e2e.servers import Kernel, start_kernel, start_server, stop_server


@pytest.fixture(scope="module")
def people(platform: Platform) -> Iterator[dict[str, Person]]:
    """A user with a server on each machine."""
    found = {machine: user_on(platform, machine) for machine in platform.machines}
    yield found
    for person in found.values():
        stop_server(person)


@pytest.fixture(scope="module")
def kernels(people: dict[str, Person]) -> dict[str, Kernel]:
    """Their kernels, with variables in memory."""
    kernels = {machine: start_kernel(person) for machine, person in people.items()}
    for kernel in kernels.values():
        kernel.run("kept = 42")
    return kernels


def longest_cut(play: Callable[[], Play], kernel: Kernel) -> tuple[Play, float]:
    """Run a playbook; return the longest time without an answer of a kernel, seconds."""
    longest, last = 0.0, time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(play)
        while not running.done():
            if still_kept(kernel):
                longest, last = max(longest, time.monotonic() - last), time.monotonic()
            time.sleep(0.5)
    return running.result(), max(longest, time.monotonic() - last)


def inspected(machine: Machine, name: str) -> dict[str, Any]:
    """Returns the newest container of the machine's own engine whose name begins like this."""
    names = machine.run("docker", "ps", "--filter", f"name=^{name}", "--format={{.Names}}").split()
    return dict(json.loads(machine.run("docker", "inspect", names[0]))[0])


def filters(platform: Platform) -> set[str]:
    """The images of the packet filters on all machines."""
    return {inspected(machine, "km3net-filter.")["Image"] for machine in platform.machines.values()}


def test_upgrade_and_rollback_keep_connections(
    platform: Platform, kernels: dict[str, Kernel], tmp_path: Path
) -> None:
    hub = platform.machines["hub"]
    before, road = filters(platform), inspected(hub, "km3net-net")["Id"]
    new = ["ENV KM3_RELEASE=later"]
    archive = release(tmp_path / "later", "later", {"km3net/hub": new, "km3net/firewall": new})

    def upgrade() -> Play:
        return platform.play("upgrade", "-e", f"images_archive={archive}")

    play, cut = longest_cut(upgrade, kernels["worker1"])
    play.require_success()
    print(f"upgrade: no answer for {cut:.1f} s at most")
    assert inspected(hub, "km3net-hub")["Config"]["Image"].endswith("-later")
    now = filters(platform)
    assert len(now) == 1
    assert now != before
    assert inspected(hub, "km3net-net")["Id"] == road
    assert all(still_kept(kernel) for kernel in kernels.values())
    # The release stays although the usual archive has another one.
    play = platform.play("site").require_success()
    assert play.changed == 0, play.output

    play, cut = longest_cut(lambda: platform.play("rollback"), kernels["worker1"])
    play.require_success()
    print(f"rollback: no answer for {cut:.1f} s at most")
    assert filters(platform) == before
    assert inspected(hub, "km3net-net")["Id"] == road
    assert all(still_kept(kernel) for kernel in kernels.values())


def test_check_mode_changes_nothing_and_reports_it(platform: Platform) -> None:
    play = platform.play("site", "--check", "--diff").require_success()
    assert play.changed == 0, play.output


def test_removed_worker_is_added_again_with_its_homes(
    platform: Platform, people: dict[str, Person], kernels: dict[str, Kernel]
) -> None:
    person, machine = people["worker1"], platform.machines["worker1"]
    kernels["worker1"].run("from pathlib import Path; n = Path('mine.txt').write_text('precious')")
    options = ["-e", "scale_worker=worker1", "-e", "scale_action=remove", "-e", "scale_minutes=0"]
    said = platform.play("scale", *options, "-e", "scale_homes=forget").require_success().output
    homes = re.search(r"homes that were there: ([\w, ]+)", " ".join(said.split()))
    assert homes, said
    assert person.name in homes[1].split(", ")
    assert still_kept(kernels["hub"])
    assert "inactive" in machine.run("docker", "info", "--format={{.Swarm.LocalNodeState}}")
    # Not lost: written into hosts.yml again it has what it had.
    platform.play("site").require_success()
    start_server(person)
    assert platform.machine_of(person.name) == "worker1"
    assert start_kernel(person).run("print(open('mine.txt').read())").strip() == "precious"
