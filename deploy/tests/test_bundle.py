"""A bundle installs the platform without network, and a tutorial gives its numbers.

On request, because of the disk it takes: `KM3_BUNDLE=FOLDER make test-deploy
TESTS=deploy/tests/test_bundle.py`, with the folder in which `make bundle` wrote a bundle.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.tests.containers import MACHINE, NETWORK, Machine, await_boot, build, docker

FOLDER = os.environ.get("KM3_BUNDLE", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="takes much disk; KM3_BUNDLE=FOLDER runs it")
#: What an administrator types, as in docs/operations.md.
BUNDLE = "/media/km3net-*.tar"
INSTALL = f"cd /root && tar -xf {BUNDLE} km3net-install && sh km3net-install {BUNDLE}"
PROGRAM = "/opt/km3net-platform/.venv/bin/km3up"
#: Of km3net-testdata 0.4.31, as in tests/notebooks/test_numbers.py.
NUMBERS = {"events": 2499, "up-going": 230, "up-going, lik > 100": 6}


@pytest.fixture(scope="module")
def offline() -> Iterator[Machine]:
    machine = Machine(f"{NETWORK}-bundle", "127.0.0.1")
    machine.remove()
    image = build("bundle", "bundle", base=build("target", "target"))
    place = ["--network=none", "--hostname=bundle", "--env=HOSTDNS=127.0.0.1"]
    media = f"--volume={Path(FOLDER).resolve()}:/media:ro"
    docker("run", "-d", "--name", machine.name, *MACHINE, *place, media, image)
    await_boot(machine)
    yield machine
    machine.remove()


def install(machine: Machine) -> str:
    return machine.run("sh", "-c", INSTALL)


def test_the_sum_beside_the_bundle_is_right(offline: Machine) -> None:
    offline.run("sh", "-c", "cd /media && sha256sum --check km3net-*.tar.sha256")


def test_it_is_installed_without_network(offline: Machine) -> None:
    assert "ready in" in install(offline)
    assert "The platform is running (docker)." in offline.run(PROGRAM, "status")


def test_the_first_tutorial_gives_the_same_numbers(offline: Machine) -> None:
    notebook = "/opt/tutorials/01-reading-km3net-events.ipynb"
    convert = ["/opt/lab/bin/jupyter", "nbconvert", "--to=notebook", "--execute", "--stdout"]
    command = ["docker", "run", "--rm", "--network=none", "km3net/joint", *convert, notebook]
    document = json.loads(offline.run(*command))
    printed = "".join("".join(o.get("text", "")) for o in document["cells"][-1]["outputs"])
    found = json.loads(printed.strip().splitlines()[-1])
    assert {key: found[key] for key in NUMBERS} == NUMBERS


def test_installing_again_keeps_everything(offline: Machine) -> None:
    first = offline.run("docker", "volume", "ls", "--quiet")
    assert "already running" in install(offline)
    assert offline.run("docker", "volume", "ls", "--quiet") == first
