"""A user of a platform and somebody else on the same engine; what an attempt leaves there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
from docker.errors import NotFound

from km3settings.names import Names
from tests.broker.attempts import ATTEMPTS, REACHED, Stage, remove_all, victim
from tests.broker.objects import create_body, network_body
from tests.broker.running import PROJECT, Reply, Socket

ENGINE = Socket(Path("/var/run/docker.sock"))
USER = "ada"
#: In these the engine must have created a privileged container.
PRIVILEGED = (
    "create: privileged",
    "create: privileged by a key that appears twice",
    "create: privileged by a key in small letters",
    "create: a host config twice, in two spellings",
    "create: a body in pieces",
)


def _of(names: Names, body: dict[str, Any]) -> dict[str, Any]:
    """The same body for another project."""
    text = json.dumps(body).replace(PROJECT, names.project)
    return dict(json.loads(text.replace(Names(PROJECT).bridges, names.bridges)))


@contextmanager
def stage(broker: Socket, names: Names) -> Iterator[Stage]:
    """Create a user's home and network by the broker, as a hub does, and a victim."""
    with victim(f"{names.project}-victim") as other:
        found = Stage(broker, names, USER, _of(names, create_body()), other)
        clean(found)
        home = {"Name": found.home, "Labels": found.labels}
        assert found.ask("POST", "/volumes/create", home).status == 201
        _create_network(found)
        try:
            yield found
        finally:
            clean(found)
            remove_all(found.server)
            remove_all(found.home)


def _create_network(one: Stage) -> None:
    """Create the user's network at addresses that no other test on this engine has."""
    body = _of(one.names, network_body())
    for place in range(1000, 1064):
        subnet = f"10.213.{place * 8 // 256}.{place * 8 % 256}/29"
        body["Options"] = {"com.docker.network.bridge.name": f"{one.names.user_bridges}{place}"}
        body["IPAM"]["Config"] = [{"Subnet": subnet}]
        made = one.ask("POST", "/networks/create", body)
        if made.status == 201:
            return
        assert "overlaps" in made.message, made
    raise AssertionError("64 places for networks are taken")


def clean(one: Stage) -> None:
    """Remove what an attempt has created."""
    engine = docker.from_env().api
    for kind, name in created(one):
        if kind == "container":
            engine.remove_container(name, force=True, v=True)
        elif kind == "volume":
            engine.remove_volume(name)
        elif kind == "network":
            engine.remove_network(name)
        else:
            engine.remove_image(name, force=True)


def created(one: Stage) -> list[tuple[str, str]]:
    """Kinds and names of what an attempt has created."""
    engine = docker.from_env().api
    attacker = f"{one.names.project}-attacker"
    names = {
        "container": {one.server, attacker},
        "volume": {one.names.home("attacker"), attacker},
        "network": {one.names.server("attacker")},
    }
    # By these names only: the engine may have hundreds of others.
    own = {"name": one.names.project}
    there = {
        "container": [c["Names"][0][1:] for c in engine.containers(all=True, filters=own)],
        "volume": [v["Name"] for v in engine.volumes(filters=own)["Volumes"] or ()],
        "network": [n["Name"] for n in engine.networks(filters=own)],
    }
    found = [(kind, name) for kind in there for name in sorted(names[kind] & set(there[kind]))]
    tags = [tag for image in engine.images(one.victim) for tag in image["RepoTags"] or ()]
    return [*found, *(("image", tag) for tag in tags)]


def require_obeyed(name: str, one: Stage, reply: Reply) -> None:
    """Check that the engine itself did what the attempt asked for."""
    if name in REACHED:
        assert "page not found" not in reply.message
        assert not reply.message.startswith("The broker")
        return
    assert reply.status in (101, *range(200, 300)), (reply.status, reply.body[:300])
    if name in PRIVILEGED:
        inspected = docker.from_env().api.inspect_container(one.server)
        assert inspected["HostConfig"]["Privileged"], name


def require_refused(name: str, one: Stage) -> None:
    """Make an attempt on the broker's socket, and check that nothing happened."""
    reply = ATTEMPTS[name](one)
    assert reply.status in (400, 403, 405, 415), (reply.status, reply.body[:300])
    assert reply.message.startswith("The broker refused")
    assert created(one) == []
    try:
        other = docker.from_env().containers.get(one.victim)
    except NotFound:
        raise AssertionError("the victim is gone") from None
    assert other.status == "running"
