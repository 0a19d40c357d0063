"""The broker on several machines: attacks by the Swarm API, and a server started through it."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from deploy.tests.containers import Machine, eventually
from deploy.tests.several.attempts import (
    ATTEMPTS,
    HOST_LABEL,
    NOWHERE,
    PROJECT,
    REACHED,
    SECRET,
    Stage,
    victims_service,
)
from deploy.tests.several.conftest import Platform
from deploy.tests.several.people import user_on
from deploy.tests.several.sockets import Reply, Socket
from tests.e2e.platforms import Person
from tests.e2e.servers import start_kernel, start_server, stop_server

VICTIM = "km3victim"
#: What the engine adds to a service that it is asked for.
ADDED = {"ContainerSpec": ("Isolation",), "TaskTemplate": ("Runtime", "ForceUpdate")}


@pytest.fixture(scope="module")
def hub(platform: Platform) -> Machine:
    return platform.machines["hub"]


@pytest.fixture(scope="module")
def engine(hub: Machine) -> Socket:
    """The engine's own socket on the hub's machine, which is the swarm's manager."""
    return Socket(hub, "/var/run/docker.sock")


@pytest.fixture(scope="module")
def broker(hub: Machine) -> Socket:
    """The socket that the hub has, used from the hub's own container."""
    return Socket(hub, "/run/km3broker/docker.sock", f"{PROJECT}-hub")


@pytest.fixture(scope="module")
def person(platform: Platform) -> Person:
    """A user whose server runs on the worker; its hub has no other socket than the broker's."""
    return user_on(platform, "worker1")


@pytest.fixture(scope="module")
def asked(engine: Socket, person: Person) -> dict[str, Any]:
    """What the hub asked for to start the user's server, as the swarm describes it."""
    spec = engine.ask("GET", f"/services/{PROJECT}-user-{person.name}").data()["Spec"]
    body = {key: spec[key] for key in ("Name", "Labels", "TaskTemplate", "EndpointSpec")}
    for key in ADDED["TaskTemplate"]:
        body["TaskTemplate"].pop(key, None)
    for key in ADDED["ContainerSpec"]:
        body["TaskTemplate"]["ContainerSpec"].pop(key, None)
    # By its name, as the hub wrote it.
    body["TaskTemplate"]["Networks"] = [{"Target": spec["Name"]}]
    return dict(body)


def provide_network(broker: Socket, body: dict[str, Any]) -> None:
    """Create the user's network as the hub does; the keeper removes unused ones after a minute."""
    users = {key: value for key, value in body["Labels"].items() if key != HOST_LABEL}
    network = {
        "Name": body["Name"],
        "Driver": "overlay",
        "Scope": "swarm",
        "Attachable": True,
        "CheckDuplicate": True,
        "Options": {"com.docker.network.driver.mtu": "1370"},
        "Labels": users | {"org.km3net.egress": "internet"},
    }
    reply = broker.ask("POST", "/networks/create", network)
    assert reply.status in (201, 409), reply


def nowhere(body: dict[str, Any]) -> dict[str, Any]:
    """The same service on a machine that the swarm does not have."""
    found = copy.deepcopy(body)
    found["Labels"][HOST_LABEL] = NOWHERE
    constraint = f"node.labels.{HOST_LABEL} == {NOWHERE}"
    found["TaskTemplate"]["Placement"] = {"Constraints": [constraint]}
    return found


@pytest.fixture(scope="module")
def attacker(
    hub: Machine, engine: Socket, broker: Socket, asked: dict[str, Any], person: Person
) -> Iterator[Stage]:
    """A hub that was taken over, a user of it, and what others have in the same swarm."""
    stop_server(person)
    body = nowhere(asked)
    data = base64.b64encode(SECRET.encode()).decode()
    remove_victims(engine)
    made = {
        kind: engine.ask("POST", f"/{kind}/create", {"Name": VICTIM, "Data": data}).data()["ID"]
        for kind in ("secrets", "configs")
    }
    assert engine.ask("POST", "/services/create", victims_service(body, VICTIM)).succeeded
    hub.run("docker", "volume", "create", VICTIM)
    yield Stage(engine, broker, body, VICTIM, made["secrets"], made["configs"])
    remove_victims(engine)
    hub.run("docker", "volume", "rm", VICTIM)


def remove_victims(engine: Socket) -> None:
    for kind in ("services", "secrets", "configs"):
        engine.ask("DELETE", f"/{kind}/{VICTIM}")


def created(stage: Stage) -> list[str]:
    """What an attempt has created, as paths."""
    names = {stage.server, stage.attacker}
    found = []
    for kind in ("services", "secrets", "configs"):
        there = {one["Spec"]["Name"] for one in stage.engine.ask("GET", f"/{kind}").data() or ()}
        found += [f"/{kind}/{name}" for name in sorted(names & there)]
    networks = {one["Name"] for one in stage.engine.ask("GET", "/networks").data()}
    found += [f"/networks/{stage.attacker}"] if stage.attacker in networks else []
    containers = stage.engine.ask("GET", "/containers/json?all=1").data()
    if f"/{stage.attacker}" in [name for one in containers for name in one["Names"]]:
        found.append(f"/containers/{stage.attacker}")
    return found


def clean(stage: Stage) -> None:
    for path in created(stage):
        assert stage.engine.ask("DELETE", path).succeeded, path


def require_obeyed(name: str, reply: Reply) -> None:
    """Check that the engine itself did what the attempt asked for, or at least was asked."""
    if name in REACHED:
        assert REACHED[name][3] in reply.text
        return
    assert reply.succeeded, reply


@pytest.mark.parametrize("name", ATTEMPTS)
def test_attempt_works_on_the_engine_and_is_refused_by_the_broker(
    name: str, attacker: Stage
) -> None:
    provide_network(attacker.socket, attacker.body)
    clean(attacker)
    try:
        require_obeyed(name, ATTEMPTS[name](replace(attacker, socket=attacker.engine)))
    finally:
        clean(attacker)
    reply = ATTEMPTS[name](attacker)
    assert reply.status == 403, reply
    assert reply.data()["message"].startswith("The broker refused")
    assert SECRET not in reply.text
    assert created(attacker) == []
    assert attacker.engine.ask("GET", f"/services/{VICTIM}").succeeded


def test_lists_show_nothing_of_others(attacker: Stage) -> None:
    own = quote(json.dumps({"label": [f"org.km3net.project={PROJECT}"]}))
    for path, query in (("/services", f"?filters={own}"), ("/tasks", "")):
        assert SECRET in attacker.engine.ask("GET", path).text
        reply = attacker.ask("GET", path + query)
        assert reply.succeeded, reply
        assert SECRET not in reply.text
        assert VICTIM not in reply.text


def test_packet_filter_of_the_machines_cannot_be_removed(attacker: Stage) -> None:
    service = f"/services/{PROJECT}-filter"
    # The hub has to see that it runs.
    assert attacker.ask("GET", service).succeeded
    for method, path in (("DELETE", service), ("POST", f"{service}/update?version=1")):
        assert attacker.ask(method, path, {} if method == "POST" else None).status == 403
    assert attacker.engine.ask("GET", service).succeeded


def test_what_the_hub_asks_for_is_accepted(
    platform: Platform, attacker: Stage, asked: dict[str, Any], person: Person
) -> None:
    provide_network(attacker.socket, asked)
    reply = attacker.ask("POST", "/services/create", asked)
    assert reply.status == 201, reply
    try:
        eventually(
            lambda: platform.machine_of(person.name) == "worker1",
            "the server runs on the worker", seconds=120,
        )  # fmt: skip
    finally:
        assert attacker.ask("DELETE", f"/services/{asked['Name']}").succeeded
    eventually(lambda: platform.machine_of(person.name) == "", "the server has ended")


def test_server_on_a_worker_is_started_through_the_broker(
    platform: Platform, hub: Machine, person: Person
) -> None:
    containers = [f"{PROJECT}-{name}" for name in ("net", "hub", "proxy", "firewall", "broker")]
    described = json.loads(hub.run("docker", "inspect", *containers))
    engines = "/var/run/docker.sock"
    with_socket = [
        one["Name"].lstrip("/")
        for one in described
        if engines in [mount["Source"] for mount in one["Mounts"]]
    ]
    assert with_socket == [f"{PROJECT}-broker"]
    start_server(person)
    assert platform.machine_of(person.name) == "worker1"
    assert start_kernel(person).run("print(6 * 7)").strip() == "42"
    stop_server(person)
