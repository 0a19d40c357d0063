"""Whatever of a body is changed: it is refused, or what goes to the engine is unchanged."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from km3broker.home import home_body
from km3broker.network import network_body as allowed_network
from km3broker.owner import Project
from km3broker.refusal import Refusal
from km3broker.rules import Rules
from km3broker.server import Server
from km3broker.service import service_body as allowed_service
from km3hub.spawning.options import choose
from km3hub.spawning.swarm import service_spec
from km3settings.settings import Settings
from tests.broker.objects import HOME, LABELS, SERVER, create_body, network_body
from tests.broker.running import NAMES

RULES = Rules(Settings(), NAMES)
OWNER = Project(NAMES).owner(LABELS, SERVER)

#: Each is root on the host, or reaches another container, on an engine that obeys.
TAKEOVERS: dict[str, Any] = {
    "Privileged": True,
    "CapAdd": ["SYS_ADMIN"],
    "CapDrop": [],
    "SecurityOpt": ["seccomp=unconfined"],
    "Binds": ["/:/home/km3:rw"],
    "Mounts": [{"Type": "bind", "Source": "/", "Target": "/host"}],
    "VolumesFrom": ["database"],
    "VolumeDriver": "nfs",
    "PidMode": "host",
    "IpcMode": "host",
    "UTSMode": "host",
    "UsernsMode": "host",
    "CgroupnsMode": "host",
    "NetworkMode": "host",
    "Devices": [{"PathOnHost": "/dev/sda", "PathInContainer": "/dev/sda"}],
    "DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}],
    "DeviceCgroupRules": ["a *:* rwm"],
    "Runtime": "other",
    "Sysctls": {"net.ipv4.ip_forward": "1"},
    "CgroupParent": "/",
    "Cgroup": "container:database",
    "PortBindings": {"8888/tcp": [{"HostPort": "22"}]},
    "PublishAllPorts": True,
    "Links": ["database:db"],
    "GroupAdd": ["0"],
    "MaskedPaths": [],
    "ReadonlyPaths": [],
    "ReadonlyRootfs": False,
    "Memory": 0,
    "MemorySwap": -1,
    "PidsLimit": -1,
    "CpuQuota": -1,
    "OomKillDisable": True,
    "OomScoreAdj": -1000,
    "Ulimits": [],
    "Tmpfs": {"/": "rw"},
    "LogConfig": {"Type": "syslog", "Config": {"syslog-address": "tcp://127.0.0.1:1"}},
    "RestartPolicy": {"Name": "always"},
    "AutoRemove": True,
    "ContainerIDFile": "/etc/cron.d/x",
    "StorageOpt": {"size": "1T"},
    "ExtraHosts": ["hub:127.0.0.1"],
    "Dns": ["127.0.0.1"],
    "Annotations": {"a": "b"},
    "privileged": True,
    "PRIVILEGED": True,
}
OUTSIDE: dict[str, Any] = {
    "User": "0:0",
    "Entrypoint": ["sh"],
    "Cmd": ["sh"],
    "Image": "km3net/firewall",
    "Hostname": "other",
    "Labels": LABELS | {"com.docker.compose.project": "another"},
    "Volumes": {"/": {}},
    "ExposedPorts": {"22/tcp": {"HostPort": "22"}},
    "NetworkingConfig": {"EndpointsConfig": {"host": {}}},
    "NetworkDisabled": True,
    "Healthcheck": {"Test": ["CMD-SHELL", "id"]},
    "OnBuild": ["RUN id"],
    "Shell": ["sh"],
    "StopSignal": "SIGKILL",
    "WorkingDir": "/",
    "MacAddress": "02:00:00:00:00:01",
    "Env": ["NAME"],
    "hostconfig": {"Privileged": True},
}


@pytest.mark.parametrize(("key", "value"), TAKEOVERS.items(), ids=TAKEOVERS)
def test_host_config_that_takes_over_is_refused(key: str, value: object) -> None:
    body = create_body()
    body["HostConfig"][key] = value
    with pytest.raises(Refusal):
        Server.of(body, OWNER, RULES)


@pytest.mark.parametrize(("key", "value"), OUTSIDE.items(), ids=OUTSIDE)
def test_other_key_that_takes_over_is_refused(key: str, value: object) -> None:
    with pytest.raises(Refusal):
        Server.of(create_body() | {key: value}, OWNER, RULES)


def test_larger_than_any_size_or_a_mixture_of_sizes_is_refused() -> None:
    for memory, cpu in ((4 * 1024**3, 100_000), (2 * 1024**3, 200_000), (True, True)):
        body = create_body()
        body["HostConfig"] |= {"Memory": memory, "MemorySwap": memory, "CpuQuota": cpu}
        with pytest.raises(Refusal, match="limits"):
            Server.of(body, OWNER, RULES)


def service() -> dict[str, Any]:
    """What the hub sends in a swarm."""
    spec = service_spec(
        choose(Settings(), [], {}),
        environment={"A": "b"},
        pids=512,
        network=SERVER,
        host="worker1",
        home=HOME,
        labels=LABELS,
    )
    body = {
        "Name": SERVER,
        "Labels": LABELS | {"org.km3net.host": "worker1"},
        "TaskTemplate": dict(spec["task_template"]),
        "Mode": None,
        "Networks": None,
        "EndpointSpec": {"Mode": "dnsrr"},
    }
    return copy.deepcopy(body)


def pruned(value: Any) -> Any:
    """Without what has no meaning: keys with zero values."""
    if isinstance(value, dict):
        found = {key: pruned(inner) for key, inner in value.items()}
        return {key: inner for key, inner in found.items() if inner not in (None, False, [], {})}
    return [pruned(inner) for inner in value] if isinstance(value, list) else value


KINDS = {
    "container": (create_body, lambda body: Server.of(body, OWNER, RULES).body),
    "network": (network_body, lambda body: allowed_network(body, OWNER, RULES)),
    "service": (service, lambda body: allowed_service(body, OWNER, RULES)),
    "home": (
        lambda: {"Name": HOME, "Driver": None, "DriverOpts": None, "Labels": dict(LABELS)},
        lambda body: home_body(body, OWNER, HOME),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_hub_sends_is_passed_on_as_it_is(kind: str) -> None:
    sent, allow = KINDS[kind]
    assert pruned(allow(sent())) == pruned(sent())


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every object and value in a document."""
    yield path
    if isinstance(value, dict | list):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in inside:
            yield from places(inner, (*path, key))


def at(body: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        body = body[key]
    return body


_KEYS = st.sampled_from(sorted({*TAKEOVERS, *OUTSIDE, "DriverOpts", "Driver", "ConfigFrom"}))
_ODD = ["/", "host", "/:/host", {"device": "/"}, *TAKEOVERS.values(), *OUTSIDE.values()]
_PLAIN = st.none() | st.booleans() | st.integers(-1, 2**40) | st.text(max_size=4)
_VALUES = (_PLAIN | st.sampled_from(_ODD)).map(copy.deepcopy)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_changed_body_is_refused_or_reaches_the_engine_unchanged(
    kind: str, data: st.DataObject
) -> None:
    sent, allow = KINDS[kind]
    before, body = copy.deepcopy(allow(sent())), copy.deepcopy(sent())
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(sorted(places(body), key=repr)))
        there = at(body, path)
        if isinstance(there, dict):
            there[data.draw(_KEYS)] = data.draw(_VALUES)
        elif isinstance(there, list) and data.draw(st.booleans()):
            there.append(data.draw(_VALUES))
        elif path:
            at(body, path[:-1])[path[-1]] = data.draw(_VALUES)
    try:
        after = allow(body)
    except Refusal:
        return
    # Variables and the choice of a size or a machine are the hub's; everything else is as it was.
    assert pruned(_without_choices(after)) == pruned(_without_choices(before))


def _without_choices(body: dict[str, Any]) -> dict[str, Any]:
    found = copy.deepcopy(body)
    found.pop("Env", None)
    found.get("TaskTemplate", {}).get("ContainerSpec", {}).pop("Env", None)
    if found.get("Driver") == "local":
        del found["Driver"]
    return found
