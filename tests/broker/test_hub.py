"""The hub's own programs ask for nothing that the broker refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker
import pytest

from km3hub.spawning.docker import PlatformDockerSpawner
from km3hub.spawning.engine import broker_trouble, engine
from km3hub.spawning.keeper import Keeper
from km3hub.spawning.networks import UserNetworks, UserOverlays
from km3hub.spawning.turns import Turns
from km3settings.members import members
from km3settings.names import PROJECT_LABEL, USER_LABEL
from km3settings.runtime import Runtime
from km3settings.settings import parse
from km3settings.state import State
from tests.broker.objects import DIGEST, LABELS, SERVER, container, network, volume
from tests.broker.recording import Recording
from tests.broker.running import NAMES, PROJECT, running

SETTINGS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "no egress": {"spawner": {"egress": "none"}},
    "another pool": {"spawner": {"network_pool": "192.168.0.0/20", "pids": 64}},
    "no portal": {"services": {"opendata": {"enabled": False}}},
    "more services": {"services": {"containers": ["vo", "rucio"]}},
    "a small size": {"sizes": [{"name": "s", "memory": "300M", "cpu": 0.29}]},
    "an image by digest": {
        "environments": [
            {"name": "mine", "title": "Mine", "image": f"example.org:5000/a/b@sha256:{'7' * 64}"}
        ]
    },
}
USERS = ("ada", "Ada.Lovelace", "a-b", "ada@example.org", "jürgen", "0", "a" * 64 + "@egi.eu")


def spawner(settings: dict[str, Any], user: str, state: Path) -> PlatformDockerSpawner:
    runtime = Runtime("docker", 8000, PROJECT, State(state))
    values = {
        "platform": parse(settings),
        "runtime": runtime,
        "turns": Turns(1),
        "get_env": lambda _: {"JUPYTERHUB_API_TOKEN": "secret"},
    }
    found = type("Spawner", (PlatformDockerSpawner,), values)()
    found.user = SimpleNamespace(name=user, id=3, groups=[], settings={})
    found.server = SimpleNamespace(base_url="/")
    return found


@pytest.fixture
def on_broker(
    tmp_path: Path, engine: Recording, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Any]:
    def before(settings: str) -> Any:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/broker.sock")
        return running(tmp_path, engine.path, settings)

    return before


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("user", USERS)
def test_start_of_a_server_is_allowed(
    tmp_path: Path,
    engine: Recording,
    on_broker: Callable[[str], Any],
    settings: dict[str, Any],
    user: str,
) -> None:
    one = spawner(settings, user, tmp_path)
    choice = one._prepare()
    labels = {PROJECT_LABEL: PROJECT, USER_LABEL: user}
    home = NAMES.home(one.escaped_name)
    engine.objects = {
        "/version": {"ApiVersion": "1.41"},
        f"/images/{choice.environment.image}/json": {"Id": DIGEST},
        f"/volumes/{home}": volume(home, labels),
    }
    with on_broker(parse(settings).model_dump_json()):
        asyncio.run(one._require_image())
        asyncio.run(one._provide_volumes())
        # The new network is there for what follows, as on an engine.
        created: list[Any] = []

        def create(*args: Any, **kwargs: Any) -> Any:
            there = network(one.object_name, labels)
            engine.objects[f"/networks/{one.object_name}"] = there
            created.append(make(*args, **kwargs))
            return created[-1]

        make = one.client.create_network
        one.client.create_network = create
        one._provide_network()
        asyncio.run(one.create_object())
    asked = [path.split("?")[0] for _, path, _ in engine.changes]
    joined = len(members(one.platform, NAMES)) + 1
    assert asked == [
        "/volumes/create",
        "/networks/create",
        *[f"/networks/{'b' * 64}/connect"] * joined,
        "/containers/create",
    ]
    assert engine.changes[-1][2]["HostConfig"]["NetworkMode"] == one.object_name


def test_life_and_end_of_a_server_are_allowed(
    tmp_path: Path, engine: Recording, on_broker: Callable[[str], Any]
) -> None:
    one = spawner({}, "ada", tmp_path)
    one._prepare()
    engine.objects |= {
        f"/containers/{'a' * 64}/json": container(SERVER, LABELS),
        f"/containers/{'a' * 64}/logs": {},
        f"/networks/{'b' * 64}": network(SERVER, LABELS),
    }

    async def live() -> None:
        found = await one.get_object()
        assert found
        assert found["Id"] == "a" * 64
        await one.start_object()
        await one.docker("logs", one.container_id, tail=20)
        await one.stop_object()
        await one.remove_object()

    with on_broker(""):
        asyncio.run(live())
        one.networks.remove(SERVER)
    assert [(method, path.split("?")[0]) for method, path, _ in engine.changes] == [
        ("POST", f"/containers/{'a' * 64}/start"),
        ("POST", f"/containers/{'a' * 64}/stop"),
        ("DELETE", f"/containers/{'a' * 64}"),
        ("POST", f"/networks/{'b' * 64}/disconnect"),
        ("DELETE", f"/networks/{'b' * 64}"),
    ]


def test_everything_that_the_keeper_does_is_allowed(
    engine: Recording, on_broker: Callable[[str], Any]
) -> None:
    own = {PROJECT_LABEL: PROJECT}
    new, old = "2026-11-30T12:00:00.5Z", "2026-01-01T00:00:00Z"
    dead = NAMES.server("bob")
    bob = LABELS | {USER_LABEL: "bob"}
    net = container(NAMES.net, own, "1" * 64) | {"State": {"Status": "running", "StartedAt": new}}
    killed = {"State": {"Status": "exited", "ExitCode": 137, "FinishedAt": old}}
    mode = {"HostConfig": {"NetworkMode": f"container:{'1' * 64}"}}
    stopped = {"State": {"Status": "exited", "Error": "no namespace", "ExitCode": 128}}
    stale = {"State": {"Status": "running", "Error": "", "Running": True, "StartedAt": old}}
    engine.objects |= {
        f"/containers/{NAMES.net}/json": net,
        f"/containers/{NAMES.hub}/json": container(NAMES.hub, own, "2" * 64) | mode | stopped,
        f"/containers/{NAMES.proxy}/json": container(NAMES.proxy, own, "3" * 64) | mode | stale,
        f"/containers/{NAMES.firewall}/json": container(NAMES.firewall, own, "4" * 64) | killed,
        f"/containers/{'4' * 64}/json": container(NAMES.firewall, own, "4" * 64) | killed,
        "/events": {"Action": "kill", "Actor": {"Attributes": {"signal": "9"}}},
        "/containers/json": [{"Id": "a" * 64}, {"Id": "d" * 64}],
        f"/containers/{'a' * 64}/json": container(SERVER, LABELS) | {"Created": new},
        f"/containers/{'d' * 64}/json": container(dead, bob, "d" * 64)
        | {"State": {"Running": False}, "Created": old},
        f"/containers/{dead}/json": container(dead, bob, "d" * 64),
        "/networks": [{"Id": "b" * 64}],
        f"/networks/{'b' * 64}": network(SERVER, LABELS) | {"Created": old},
        f"/networks/{dead}": network(dead, bob) | {"Id": "e" * 64, "Created": old},
        f"/networks/{'e' * 64}": network(dead, bob) | {"Id": "e" * 64, "Created": old},
    }
    with on_broker(""):
        client = docker.APIClient(f"unix://{engine.path.parent}/broker.sock", version="1.41")
        networks = UserNetworks(client=client, names=NAMES, pool="0.0.0.0/0", egress="")
        Keeper(client=client, names=NAMES, networks=networks).run_once()
    assert [(method, path.split("?")[0]) for method, path, _ in engine.changes] == [
        ("POST", f"/containers/{'4' * 64}/start"),
        ("POST", f"/containers/{'2' * 64}/start"),
        ("POST", f"/containers/{'3' * 64}/restart"),
        ("POST", f"/networks/{'b' * 64}/connect"),
        ("DELETE", f"/containers/{'d' * 64}"),
        ("DELETE", f"/networks/{'e' * 64}"),
    ]


@pytest.mark.parametrize("egress", ["internet", "none"])
def test_network_over_all_machines_is_allowed(
    engine: Recording, on_broker: Callable[[str], Any], egress: str
) -> None:
    name = NAMES.server("bob")
    with on_broker(f"spawner: {{kind: swarm, egress: {egress}}}"):
        client = docker.APIClient(f"unix://{engine.path.parent}/broker.sock", version="1.41")
        networks = UserOverlays(client=client, names=NAMES, pool="", egress=egress)
        networks._create(name, number=3, user="bob")
    ((_, path, sent),) = engine.changes
    assert path == "/networks/create"
    assert (sent["Driver"], sent.get("Internal", False)) == ("overlay", egress == "none")


def test_absence_of_broker_and_engine_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/broker.sock")
    assert broker_trouble()
    with running(tmp_path, tmp_path / "no-engine.sock"):
        assert broker_trouble() == ""
        with pytest.raises(docker.errors.DockerException, match="not responding"):
            engine()


def test_refusal_is_a_sentence_for_the_programmer(
    engine: Recording, on_broker: Callable[[str], Any]
) -> None:
    with on_broker(""):
        client = docker.APIClient(f"unix://{engine.path.parent}/broker.sock", version="1.41")
        with pytest.raises(docker.errors.APIError) as caught:
            client.exec_create(SERVER, "id")
    assert caught.value.explanation == (
        f"The broker refused POST /containers/{SERVER}/exec:"
        " it is not among the requests that the platform needs."
    )
