"""Every way to root by the engine's socket works there, and is refused by the broker."""

from __future__ import annotations

import os
from collections.abc import Iterator

import docker
import pytest

from km3settings.names import Names
from tests.broker.attempts import ATTEMPTS, Stage
from tests.broker.running import running
from tests.broker.stages import ENGINE, clean, require_obeyed, require_refused, stage
from tests.images.container import why_not

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def attacker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    for image in ("stack", "proxy", "firewall"):
        if reason := why_not(image):
            pytest.skip(reason)
    # Each worker of a parallel run has a project of its own.
    project = f"km3b{os.getpid()}"
    folder = tmp_path_factory.mktemp("broker")
    with (
        running(folder, ENGINE.path, project=project) as broker,
        stage(broker, Names(project)) as found,
    ):
        yield found


@pytest.mark.parametrize("name", ATTEMPTS)
def test_attempt_works_on_the_engine_and_is_refused_by_the_broker(
    name: str, attacker: Stage
) -> None:
    try:
        require_obeyed(name, attacker, ATTEMPTS[name](attacker.through(ENGINE)))
    finally:
        clean(attacker)
    require_refused(name, attacker)


def test_allowed_server_is_the_same_as_without_a_broker(attacker: Stage) -> None:
    engine = docker.from_env().api
    found = []
    for socket in (ENGINE, attacker.socket):
        one = attacker.through(socket)
        path = f"/containers/create?name={one.server}"
        assert one.ask("POST", path, one.body).status == 201
        inspected = engine.inspect_container(one.server)
        kept = {key: value for key, value in inspected["Config"].items() if key != "Image"}
        found.append((inspected["Image"], inspected["HostConfig"], kept))
        assert one.ask("DELETE", f"/containers/{one.server}?v=1&force=1").status == 204
    assert found[0] == found[1]


def test_home_that_is_a_folder_of_the_host_is_not_mounted(attacker: Stage) -> None:
    # For example made before there was a broker.
    engine = docker.from_env()
    options = {"type": "none", "o": "bind", "device": "/"}
    labels = engine.volumes.get(attacker.home).attrs["Labels"]
    engine.volumes.get(attacker.home).remove()
    engine.volumes.create(attacker.home, driver_opts=options, labels=labels)
    try:
        create = f"/containers/create?name={attacker.server}"
        reply = attacker.ask("POST", create, attacker.body)
        assert reply.status == 403
        assert "driver or options" in reply.message
    finally:
        engine.volumes.get(attacker.home).remove()
        engine.volumes.create(attacker.home, labels=labels)
