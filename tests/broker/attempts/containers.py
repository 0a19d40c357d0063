"""A container with more than a user's server should have."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from km3settings.names import PROJECT_LABEL
from tests.broker.attempts.stage import ATTEMPTS, Stage, V, attempt, reply_of
from tests.broker.running import Reply

_MOUNT = {"Type": "bind", "Source": "/", "Target": "/host", "ReadOnly": True}
_DEVICE = {"PathOnHost": "/dev/null", "PathInContainer": "/dev/x", "CgroupPermissions": "rwm"}
HOST_CONFIGS: dict[str, Callable[[Stage], dict[str, Any]]] = {
    "privileged": lambda _: {"Privileged": True},
    "bind of the root folder": lambda _: {"Binds": ["/:/host"]},
    "bind of the engine's socket": lambda _: {"Binds": ["/var/run/docker.sock:/s"]},
    "mount of the root folder": lambda _: {"Mounts": [_MOUNT]},
    "host's processes": lambda _: {"PidMode": "host"},
    "host's shared memory": lambda _: {"IpcMode": "host"},
    "host's name": lambda _: {"UTSMode": "host"},
    "host's users": lambda _: {"UsernsMode": "host"},
    "host's network": lambda _: {"NetworkMode": "host"},
    "default network": lambda _: {"NetworkMode": "default"},
    "another's network namespace": lambda s: {"NetworkMode": f"container:{s.victim}"},
    "another's processes": lambda s: {"PidMode": f"container:{s.victim}"},
    "another's volumes": lambda s: {"VolumesFrom": [s.victim]},
    "another's volume": lambda s: {"Binds": [f"{s.victim}:/home/km3:rw"]},
    "device of the host": lambda _: {"Devices": [_DEVICE]},
    "all devices by a cgroup rule": lambda _: {"DeviceCgroupRules": ["a *:* rwm"]},
    "cgroup of its own choice": lambda _: {"CgroupParent": "/"},
    "capability": lambda _: {"CapAdd": ["SYS_ADMIN"]},
    "capabilities kept": lambda _: {"CapDrop": []},
    "no seccomp": lambda _: {"SecurityOpt": ["no-new-privileges", "seccomp=unconfined"]},
    "new privileges": lambda _: {"SecurityOpt": []},
    "writable system": lambda _: {"ReadonlyRootfs": False},
    "kernel's files unmasked": lambda _: {"MaskedPaths": [], "ReadonlyPaths": []},
    "sysctl": lambda _: {"Sysctls": {"net.ipv4.ip_forward": "1"}},
    "runtime of its own choice": lambda _: {"Runtime": "runc"},
    "published port": lambda _: {"PortBindings": {"8888/tcp": [{"HostIp": "127.0.0.1"}]}},
    "no limit on memory": lambda _: {"Memory": 0, "MemorySwap": 0},
    "no limit on processes": lambda _: {"PidsLimit": -1},
    "start after each reboot": lambda _: {"RestartPolicy": {"Name": "always"}},
    "log to an address": lambda _: {
        "LogConfig": {"Type": "syslog", "Config": {"syslog-address": "udp://127.0.0.1:9"}}
    },
    "group of the host": lambda _: {"GroupAdd": ["0"]},
}
TOP: dict[str, Callable[[Stage], dict[str, Any]]] = {
    "root inside": lambda _: {"User": "0:0"},
    "command": lambda _: {"Cmd": ["id"], "Entrypoint": ["sh"]},
    "image without an environment": lambda _: {"Image": "km3net/firewall"},
    "labels of the platform": lambda s: {"Labels": {PROJECT_LABEL: s.names.project}},
    "labels of Compose": lambda s: {"Labels": s.labels | {"com.docker.compose.project": "x"}},
    "further network": lambda s: {
        "NetworkingConfig": {"EndpointsConfig": {s.victim: {"Aliases": ["x"]}}},
        "HostConfig": {**s.body["HostConfig"], "NetworkMode": s.victim},
    },
}


def _shares_name(host: dict[str, Any]) -> bool:
    """Whether the engine would refuse a host name and ports of the container's own."""
    return host.get("UTSMode") == "host" or host["NetworkMode"].startswith("container:")


def _create(stage: Stage, body: Any, name: str = "") -> Reply:
    return stage.ask("POST", f"/containers/create?name={name or stage.server}", body)


def _add_bodies() -> None:
    for name, change in HOST_CONFIGS.items():

        def host(stage: Stage, change: Any = change) -> Reply:
            body = copy.deepcopy(stage.body)
            body["HostConfig"] |= change(stage)
            if _shares_name(body["HostConfig"]):
                del body["Hostname"], body["ExposedPorts"]
            return _create(stage, body)

        ATTEMPTS[f"create: {name}"] = host
    for name, change in TOP.items():

        def top(stage: Stage, change: Any = change) -> Reply:
            return _create(stage, copy.deepcopy(stage.body) | change(stage))

        ATTEMPTS[f"create: {name}"] = top


_add_bodies()


@attempt("create: privileged by a key that appears twice")
def _twice(stage: Stage) -> Reply:
    text = json.dumps(stage.body)
    start = '"HostConfig": {'
    return _create(
        stage,
        text.replace(start, start + '"Privileged": false, "Privileged": true, ').encode(),
    )


@attempt("create: privileged by a key in small letters")
def _small(stage: Stage) -> Reply:
    body = copy.deepcopy(stage.body)
    body["HostConfig"]["privileged"] = True
    return _create(stage, body)


@attempt("create: a host config twice, in two spellings")
def _spellings(stage: Stage) -> Reply:
    return _create(stage, stage.body | {"hostConfig": {"Privileged": True}})


@attempt("create: another name")
def _other_name(stage: Stage) -> Reply:
    return _create(stage, stage.body, f"{stage.names.project}-attacker")


@attempt("create: a body in pieces")
def _chunked(stage: Stage) -> Reply:
    body = copy.deepcopy(stage.body)
    body["HostConfig"]["Privileged"] = True
    content = json.dumps(body).encode()
    chunks = f"{len(content):x}\r\n".encode() + content + b"\r\n0\r\n\r\n"
    head = (
        f"POST {V}/containers/create?name={stage.server} HTTP/1.1\r\nHost: d\r\nConnection: close"
        "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    return reply_of(stage.socket.raw(head.encode() + chunks))


@attempt("create: hidden behind an allowed request")
def _pipelined(stage: Stage) -> Reply:
    ping = f"GET {V}/_ping HTTP/1.1\r\nHost: d\r\n\r\n"
    second = f"GET {V}/containers/{stage.victim}/json HTTP/1.1\r\nHost: d\r\n"
    second += "Connection: close\r\n\r\n"
    answer = stage.socket.raw((ping + second).encode())
    found = answer.split(b"HTTP/1.1 ")
    return reply_of(b"HTTP/1.1 " + found[-1])
