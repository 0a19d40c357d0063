"""A swarm: only users' services can be changed, and the swarm itself cannot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from km3settings.names import PROJECT_LABEL
from tests.broker.objects import LABELS, SERVER, network
from tests.broker.recording import Recording
from tests.broker.running import NAMES, PROJECT, Socket, running
from tests.broker.test_bodies import service

OWN = {PROJECT_LABEL: PROJECT}


def described(name: str, labels: dict[str, str]) -> dict[str, Any]:
    return {"ID": "s" * 25, "Spec": {"Name": name, "Labels": labels}}


def task(labels: dict[str, str]) -> dict[str, Any]:
    return {"ID": "t", "Spec": {"ContainerSpec": {"Labels": labels, "Env": ["A=b"]}}}


@pytest.fixture
def swarm(tmp_path: Path, engine: Recording) -> Iterator[Socket]:
    engine.objects |= {
        f"/services/{SERVER}": described(SERVER, LABELS),
        f"/services/{NAMES.filters}": described(NAMES.filters, OWN),
        "/services/database": described("database", {}),
        "/services": [described(SERVER, LABELS)],
        "/tasks": [task(LABELS), task({}), task({PROJECT_LABEL: "another"})],
        "/nodes": [{"ID": "n"}],
        f"/networks/{SERVER}": network(SERVER, LABELS),
    }
    with running(tmp_path, engine.path, "spawner: {kind: swarm}") as found:
        yield found


def test_service_of_the_hub_is_created(swarm: Socket, engine: Recording) -> None:
    assert swarm.ask("POST", "/v1.41/services/create", service()).status == 201
    ((_, _, sent),) = engine.changes
    assert sent["TaskTemplate"]["ContainerSpec"]["CapabilityDrop"] == ["ALL"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Privileges", {"SELinuxContext": {"Disable": True}}),
        ("CapabilityAdd", ["CAP_SYS_ADMIN"]),
        ("Secrets", [{"SecretID": "x"}]),
        ("Configs", [{"ConfigID": "x"}]),
        ("Mounts", [{"Type": "bind", "Source": "/", "Target": "/host"}]),
        ("Command", ["sh"]),
        ("Args", ["-c", "id"]),
        ("User", "0"),
        ("Sysctls", {"a": "b"}),
        ("Isolation", "process"),
        ("Groups", ["docker"]),
    ],
)
def test_container_of_a_service_that_takes_over_is_refused(
    swarm: Socket, engine: Recording, key: str, value: object
) -> None:
    body = service()
    body["TaskTemplate"]["ContainerSpec"][key] = value
    assert swarm.ask("POST", "/v1.41/services/create", body).status == 403
    assert not engine.changes


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Networks", [{"Target": "host"}]),
        ("Runtime", "plugin"),
        ("PluginSpec", {"Name": "x"}),
        ("Placement", {}),
        ("Resources", {}),
    ],
)
def test_task_that_takes_over_is_refused(
    swarm: Socket, engine: Recording, key: str, value: object
) -> None:
    body = service()
    body["TaskTemplate"][key] = value
    assert swarm.ask("POST", "/v1.41/services/create", body).status == 403
    assert not engine.changes


def test_home_with_driver_options_is_refused(swarm: Socket, engine: Recording) -> None:
    body = service()
    options = {"DriverConfig": {"Options": {"type": "none", "o": "bind", "device": "/"}}}
    body["TaskTemplate"]["ContainerSpec"]["Mounts"][0]["VolumeOptions"] |= options
    assert swarm.ask("POST", "/v1.41/services/create", body).status == 403
    assert not engine.changes


def test_only_users_services_can_be_removed(swarm: Socket, engine: Recording) -> None:
    assert swarm.ask("GET", f"/v1.41/services/{NAMES.filters}").status == 200
    for name in (NAMES.filters, "database"):
        assert swarm.ask("DELETE", f"/v1.41/services/{name}").status == 403
    assert not engine.changes
    assert swarm.ask("DELETE", f"/v1.41/services/{SERVER}").status == 204


def test_tasks_of_others_are_left_out(swarm: Socket) -> None:
    for filters in ({}, {"service": [SERVER]}, {"service": [NAMES.filters, "database"]}):
        query = f"?filters={quote(json.dumps(filters))}" if filters else ""
        reply = swarm.ask("GET", f"/v1.41/tasks{query}")
        assert json.loads(reply.body) == [task(LABELS)]


def test_swarm_itself_cannot_be_seen_or_changed(swarm: Socket, engine: Recording) -> None:
    assert swarm.ask("GET", "/v1.41/nodes").status == 200
    changes = ("swarm/init", "swarm/leave", "swarm/update", "nodes/n/update", "secrets/create")
    for path in changes:
        assert swarm.ask("POST", f"/v1.41/{path}", {"Name": "x"}).status == 403, path
    for path in ("swarm", "secrets", "configs", "swarm/unlockkey"):
        assert swarm.ask("GET", f"/v1.41/{path}").status == 403, path
    assert not engine.changes
