"""Objects that are not this platform's: by label, not only by name, and by identifier too."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from km3settings.names import PROJECT_LABEL, USER_LABEL
from tests.broker.objects import (
    DIGEST,
    HOME,
    LABELS,
    SERVER,
    container,
    create_body,
    network,
    network_body,
    volume,
)
from tests.broker.recording import Recording
from tests.broker.running import NAMES, PROJECT, Socket, running

OTHER = {PROJECT_LABEL: "another", USER_LABEL: "ada"}
OWN = {PROJECT_LABEL: PROJECT}
CREATE = f"/v1.41/containers/create?name={SERVER}"
ID = "f" * 64
STRANGERS: dict[str, dict[str, Any]] = {
    "without labels": container(SERVER, {}, ID),
    "of another project with our name": container(SERVER, OTHER, ID),
    "with our label and another name": container("database", LABELS, ID),
    "of another of our users": container(SERVER, LABELS | {USER_LABEL: "bob"}, ID),
    "with a name in capitals": container(SERVER.upper(), LABELS, ID),
    "with an empty user": container(NAMES.server(""), LABELS | {USER_LABEL: ""}, ID),
}
ACTIONS = (
    "GET /containers/{}/json|POST /containers/{}/start|POST /containers/{}/stop"
    "|POST /containers/{}/restart?t=10|DELETE /containers/{}?v=True&link=False&force=True"
    "|GET /containers/{}/logs?stdout=1&stderr=1&timestamps=0&follow=0&tail=20"
)


@pytest.mark.parametrize("action", ACTIONS.split("|"))
@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
@pytest.mark.parametrize("name", [ID, ID[:12], SERVER, "database"])
def test_strangers_container_is_refused(
    broker: Socket, engine: Recording, stranger: dict[str, Any], action: str, name: str
) -> None:
    engine.objects[f"/containers/{name}/json"] = stranger
    method, _, path = action.format(name).partition(" ")
    reply = broker.ask(method, f"/v1.41{path}")
    assert reply.status == 403
    assert b"SECRET" not in reply.body
    assert not engine.changes


@pytest.mark.parametrize("name", ["firewall", "keeper", "net", "opendata", "homes", "broker"])
def test_platforms_own_container_is_shown_and_at_most_started(
    broker: Socket, engine: Recording, name: str
) -> None:
    one = getattr(NAMES, name)
    engine.objects[f"/containers/{one}/json"] = container(one, OWN)
    shown = broker.ask("GET", f"/v1.41/containers/{one}/json")
    assert shown.status == 200
    assert json.loads(shown.body)["State"] == {"Running": True}
    assert b"SECRET" not in shown.body
    for action in ACTIONS.split("|")[1:]:
        method, _, path = action.format(one).partition(" ")
        starts = path.endswith("/start") and name in ("firewall", "net", "opendata", "homes")
        assert broker.ask(method, f"/v1.41{path}").status == (204 if starts else 403), action
    assert len(engine.changes) == (name in ("firewall", "net", "opendata", "homes"))


@pytest.mark.parametrize("name", [NAMES.hub, NAMES.proxy])
def test_keeper_may_start_hub_and_proxy_and_nothing_else(
    broker: Socket, engine: Recording, name: str
) -> None:
    engine.objects[f"/containers/{name}/json"] = container(name, OWN)
    assert broker.ask("POST", f"/v1.41/containers/{name}/start").status == 204
    assert broker.ask("POST", f"/v1.41/containers/{name}/restart?t=10").status == 204
    assert broker.ask("POST", f"/v1.41/containers/{name}/stop").status == 403
    assert broker.ask("DELETE", f"/v1.41/containers/{name}").status == 403
    assert [path for _, path, _ in engine.changes] == [
        f"/containers/{'a' * 64}/start",
        f"/containers/{'a' * 64}/restart?t=10",
    ]


def test_what_is_done_is_done_to_the_identifier_that_was_inspected(
    broker: Socket, engine: Recording
) -> None:
    for action in ACTIONS.split("|"):
        method, _, path = action.format(SERVER).partition(" ")
        broker.ask(method, f"/v1.41{path}")
    assert engine.changes == [
        ("POST", f"/containers/{'a' * 64}/start", None),
        ("POST", f"/containers/{'a' * 64}/stop", None),
        ("DELETE", f"/containers/{'a' * 64}?v=True&link=False&force=True", None),
    ]


def test_missing_container_is_the_engines_404(broker: Socket) -> None:
    assert broker.ask("GET", f"/v1.41/containers/{NAMES.server('bob')}/json").status == 404


LISTS = {
    "no filter": "",
    "another project": {"label": [f"{PROJECT_LABEL}=another"]},
    "one more label": {"label": [f"{PROJECT_LABEL}={PROJECT}", "x=y"]},
    "any project": {"label": [PROJECT_LABEL]},
    "a name": {"label": [f"{PROJECT_LABEL}={PROJECT}"], "name": ["database"]},
    "as a map": {"label": {f"{PROJECT_LABEL}={PROJECT}": True}},
}


@pytest.mark.parametrize("place", ["/containers/json", "/networks"])
@pytest.mark.parametrize("filters", LISTS.values(), ids=LISTS)
def test_list_of_others_is_refused(
    broker: Socket, engine: Recording, place: str, filters: Any
) -> None:
    query = f"?filters={quote(json.dumps(filters))}" if filters else ""
    assert broker.ask("GET", f"/v1.41{place}{query}").status in (400, 403)
    assert not engine.asked


@pytest.mark.parametrize("tail", ["tail=all", "tail=20&follow=1", "tail=99999", "since=0", ""])
def test_endless_logs_are_refused(broker: Socket, engine: Recording, tail: str) -> None:
    reply = broker.ask("GET", f"/v1.41/containers/{SERVER}/logs?stdout=1&{tail}".rstrip("&"))
    assert reply.status == 403
    assert not engine.changes


@pytest.mark.parametrize("labels", [{}, OTHER, OWN, LABELS | {USER_LABEL: "bob"}])
@pytest.mark.parametrize("action", ["GET", "DELETE", "connect", "disconnect"])
def test_strangers_network_is_refused(
    broker: Socket, engine: Recording, labels: dict[str, str], action: str
) -> None:
    engine.objects[f"/networks/{SERVER}"] = network(SERVER, labels)
    path, body = f"/v1.41/networks/{SERVER}", None
    if action == "connect":
        body = {"Container": NAMES.net, "EndpointConfig": {"Aliases": ["hub"]}}
    elif action == "disconnect":
        body = {"Container": NAMES.net, "Force": True}
    reply = broker.ask("POST" if body else action, f"{path}/{action}" if body else path, body)
    assert reply.status == 403
    assert not engine.changes


@pytest.mark.parametrize("name", ["bridge", "host", "none", f"{PROJECT}-control", "ingress"])
def test_networks_of_host_and_platform_are_refused(
    broker: Socket, engine: Recording, name: str
) -> None:
    engine.objects[f"/networks/{name}"] = network(name, {})
    assert broker.ask("GET", f"/v1.41/networks/{name}").status == 403
    assert broker.ask("DELETE", f"/v1.41/networks/{name}").status == 403
    assert not engine.changes


CONNECTIONS: dict[str, dict[str, Any]] = {
    "another container": {"Container": "database", "EndpointConfig": {"Aliases": ["hub"]}},
    "another user's server": {"Container": NAMES.server("bob"), "EndpointConfig": {}},
    "the firewall": {"Container": NAMES.firewall, "EndpointConfig": {"Aliases": ["hub"]}},
    "another alias": {"Container": NAMES.net, "EndpointConfig": {"Aliases": ["opendata"]}},
    "one more alias": {"Container": NAMES.net, "EndpointConfig": {"Aliases": ["hub", "x"]}},
    "an address": {
        "Container": NAMES.net,
        "EndpointConfig": {"Aliases": ["hub"], "IPAMConfig": {"IPv4Address": "10.213.0.2"}},
    },
    "driver options": {
        "Container": NAMES.net,
        "EndpointConfig": {"Aliases": ["hub"], "DriverOpts": {"x": "y"}},
    },
    "links": {
        "Container": NAMES.net,
        "EndpointConfig": {"Aliases": ["hub"], "Links": ["database:hub"]},
    },
}


@pytest.mark.parametrize("body", CONNECTIONS.values(), ids=CONNECTIONS)
def test_connection_other_than_the_hubs_is_refused(
    broker: Socket, engine: Recording, body: dict[str, Any]
) -> None:
    assert broker.ask("POST", f"/v1.41/networks/{SERVER}/connect", body).status == 403
    assert not engine.changes


@pytest.mark.parametrize(
    "stranger",
    [
        volume(HOME, None),
        volume(HOME, OTHER),
        volume(HOME, LABELS | {USER_LABEL: "bob"}),
        volume(HOME, LABELS) | {"Options": {"type": "none", "o": "bind", "device": "/"}},
        volume(HOME, LABELS) | {"Driver": "nfs"},
    ],
)
def test_server_does_not_get_a_strangers_volume(
    broker: Socket, engine: Recording, stranger: dict[str, Any]
) -> None:
    engine.objects[f"/volumes/{HOME}"] = stranger
    assert broker.ask("POST", CREATE, create_body()).status == 403
    assert not engine.changes


@pytest.mark.parametrize("labels", [{}, OTHER, OWN])
def test_server_does_not_get_into_a_strangers_network(
    broker: Socket, engine: Recording, labels: dict[str, str]
) -> None:
    engine.objects[f"/networks/{SERVER}"] = network(SERVER, labels)
    assert broker.ask("POST", CREATE, create_body()).status == 403
    assert not engine.changes


@pytest.mark.parametrize("name", [f"{PROJECT}-state", f"{PROJECT}-opendata", "another-volume"])
def test_only_homes_can_be_seen_and_removed(broker: Socket, engine: Recording, name: str) -> None:
    engine.objects[f"/volumes/{name}"] = volume(name, OWN)
    assert broker.ask("GET", f"/v1.41/volumes/{name}").status == 403
    assert broker.ask("DELETE", f"/v1.41/volumes/{name}").status == 403
    assert not engine.changes
    assert broker.ask("GET", f"/v1.41/volumes/{HOME}").status == 200
    assert broker.ask("DELETE", f"/v1.41/volumes/{HOME}").status == 204


def test_what_is_created_is_the_image_of_the_moment(broker: Socket, engine: Recording) -> None:
    assert broker.ask("POST", CREATE, create_body()).status == 201
    ((_, _, sent),) = engine.changes
    assert sent["Image"] == DIGEST


def test_network_is_created_as_the_hub_asks(broker: Socket, engine: Recording) -> None:
    assert broker.ask("POST", "/v1.41/networks/create", network_body()).status == 201
    ((_, _, sent),) = engine.changes
    assert sent == network_body() | {
        "IPAM": {"Driver": "default", "Config": [{"Subnet": "10.213.0.24/29"}]}
    }


def test_use_of_a_server_is_told_once(broker: Socket, engine: Recording) -> None:
    path = f"/containers/{'a' * 64}/stats"
    engine.objects[path] = {"id": "a" * 64}
    for query in ("", "?stream=1", "?stream=true&one-shot=true"):
        assert broker.ask("GET", f"/v1.41/containers/{SERVER}/stats{query}").status == 403
    reply = broker.ask("GET", f"/v1.41/containers/{SERVER}/stats?stream=False&one-shot=True")
    assert json.loads(reply.body) == {"id": "a" * 64}


def test_sizes_are_those_of_the_projects_homes(broker: Socket, engine: Recording) -> None:
    homes = [volume(HOME, LABELS), volume(f"{HOME}.2", LABELS)]
    others = [
        volume(NAMES.state, OWN),
        volume("another", OTHER),
        volume(HOME, OTHER),
        volume(f"{HOME}.x", LABELS),
    ]
    engine.objects["/system/df"] = {
        "Volumes": [*others, *homes],
        "Containers": [container("database", {})],
        "Images": [{"RepoTags": ["private"]}],
    }
    assert json.loads(broker.ask("GET", "/v1.41/system/df").body) == {"Volumes": homes}


@pytest.mark.parametrize("number", [".2", ".10"])
def test_name_that_was_given_again_has_a_home_with_a_number(
    broker: Socket, engine: Recording, number: str
) -> None:
    name = f"{HOME}{number}"
    assert (
        broker.ask("POST", "/v1.41/volumes/create", {"Name": name, "Labels": LABELS}).status == 201
    )
    engine.objects[f"/volumes/{name}"] = volume(name, LABELS)
    body = create_body()
    body["HostConfig"]["Binds"] = [f"{name}:/home/km3:rw"]
    assert broker.ask("POST", CREATE, body).status == 201


@pytest.mark.parametrize("number", [".0", ".02", ".", ".2.3", ".x", "2", "/../x", ".2:/x"])
def test_home_with_another_ending_is_refused(
    broker: Socket, engine: Recording, number: str
) -> None:
    name = f"{HOME}{number}"
    engine.objects[f"/volumes/{name}"] = volume(name, LABELS)
    assert (
        broker.ask("POST", "/v1.41/volumes/create", {"Name": name, "Labels": LABELS}).status == 403
    )
    body = create_body()
    body["HostConfig"]["Binds"] = [f"{name}:/home/km3:rw"]
    assert broker.ask("POST", CREATE, body).status == 403
    assert not engine.changes


def events(broker: Socket, filters: Any, **query: int) -> int:
    given = {"since": 0, "until": int(time.time()), **query}
    told = "&".join(f"{key}={value}" for key, value in given.items() if value is not None)
    return broker.ask("GET", f"/v1.41/events?{told}&filters={quote(json.dumps(filters))}").status


def test_events_are_those_of_one_own_container_in_the_past(
    broker: Socket, engine: Recording
) -> None:
    engine.objects["/events"] = {"Action": "kill"}
    engine.objects["/containers/database/json"] = container("database", {})
    kinds = ["kill", "stop"]
    own = {"container": [SERVER], "event": kinds}
    assert events(broker, own) == 200
    assert events(broker, own, until=int(time.time()) + 3600) == 403
    assert events(broker, own, until=None) == 403
    assert events(broker, own, since=None) == 403
    for filters in (
        {},
        {"event": kinds},
        {"container": [SERVER]},
        {"container": [SERVER, "database"], "event": kinds},
        {"container": ["database"], "event": kinds},
        {"container": [SERVER], "event": ["exec_create"]},
        {"container": ["../x"], "event": kinds},
        {**own, "type": ["volume"]},
    ):
        assert events(broker, filters) in (400, 403), filters


SCRATCH = f"{PROJECT}-scratch-ada"


def with_volumes(*binds: str) -> dict[str, Any]:
    body = create_body()
    body["HostConfig"]["Binds"] = list(binds)
    body["Volumes"] = {bind.split(":")[1]: {} for bind in binds}
    return body


def test_server_may_have_a_scratch_folder_where_the_settings_say_so(
    tmp_path: Path, engine: Recording
) -> None:
    engine.objects[f"/volumes/{SCRATCH}"] = volume(SCRATCH, LABELS)
    create = {"Name": SCRATCH, "Labels": LABELS}
    body = with_volumes(f"{HOME}:/home/km3:rw", f"{SCRATCH}:/scratch:rw")
    with running(tmp_path, engine.path, "homes: {scratch: {size: 1G}}") as broker:
        assert broker.ask("POST", "/v1.41/volumes/create", create).status == 201
        assert broker.ask("POST", CREATE, body).status == 201
    with running(tmp_path, engine.path) as broker:
        assert broker.ask("POST", CREATE, body).status == 403


@pytest.mark.parametrize(
    "binds",
    [
        (f"{SCRATCH}:/scratch:rw",),
        (f"{SCRATCH}:/home/km3:rw",),
        (f"{HOME}:/home/km3:rw", "/:/scratch:rw"),
        (f"{HOME}:/home/km3:rw", f"{SCRATCH}:/:rw"),
        (f"{HOME}:/home/km3:rw", f"{PROJECT}-scratch-bob:/scratch:rw"),
        (f"{HOME}:/home/km3:rw", f"{NAMES.state}:/scratch:rw"),
        (f"{HOME}:/home/km3:rw", f"{SCRATCH}:/scratch:rw", "/:/host:rw"),
        (f"{HOME}:/home/km3:rw", f"{SCRATCH}:/scratch:rw", f"{SCRATCH}:/scratch:rw"),
        (f"{HOME}:/home/km3:rw", f"{HOME}:/scratch:rw"),
    ],
)
def test_other_volumes_are_refused(
    tmp_path: Path, engine: Recording, binds: tuple[str, ...]
) -> None:
    engine.objects[f"/volumes/{SCRATCH}"] = volume(SCRATCH, LABELS)
    with running(tmp_path, engine.path, "homes: {scratch: {size: 1G}}") as broker:
        assert broker.ask("POST", CREATE, with_volumes(*binds)).status == 403
    assert not engine.changes


def test_scratch_folder_that_is_a_folder_of_the_host_is_refused(
    tmp_path: Path, engine: Recording
) -> None:
    options = {"type": "none", "o": "bind", "device": "/"}
    engine.objects[f"/volumes/{SCRATCH}"] = volume(SCRATCH, LABELS) | {"Options": options}
    body = with_volumes(f"{HOME}:/home/km3:rw", f"{SCRATCH}:/scratch:rw")
    with running(tmp_path, engine.path, "homes: {scratch: {size: 1G}}") as broker:
        reply = broker.ask("POST", CREATE, body)
    assert reply.status == 403
    assert "driver or options" in reply.message
    assert not engine.changes
