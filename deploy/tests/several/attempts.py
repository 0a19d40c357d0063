"""Ways to root on all machines of a swarm, or to what belongs to others, by the Swarm API.

Each is one decisive request. On the engine's own socket it works, which is shown first. Services
are asked for on a machine that does not exist, so that none of them starts.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from deploy.tests.several.sockets import Reply, Socket

#: What an attacker must not see.
SECRET = "secret-of-the-victim"
PROJECT = "km3net"
HOST_LABEL = "org.km3net.host"
NOWHERE = "nowhere"


@dataclass(frozen=True)
class Stage:
    """Who attacks what.

    Parameters
    ----------
    engine
        The engine's own socket, to prepare an attempt.
    socket
        The attacker's: the same, or that of the hub's container.
    body
        A service that the broker allows for a user, as the hub asks for it.
    victim
        The name of a service, a secret, a configuration and a volume outside the platform.
    secret, config
        Identifiers of the victim's secret and configuration.
    """

    engine: Socket
    socket: Socket
    body: dict[str, Any]
    victim: str
    secret: str
    config: str

    @property
    def server(self) -> str:
        """The name of the user's service and network."""
        return str(self.body["Name"])

    @property
    def attacker(self) -> str:
        """A name without a meaning for the platform."""
        return f"{PROJECT}-attacker"

    def ask(self, method: str, path: str, body: Any = None) -> Reply:
        return self.socket.ask(method, path, body)

    def through(self, socket: Socket) -> Stage:
        return replace(self, socket=socket)


Attempt = Callable[[Stage], Reply]
ATTEMPTS: dict[str, Attempt] = {}


def attempt(name: str) -> Callable[[Attempt], Attempt]:
    def keep(function: Attempt) -> Attempt:
        ATTEMPTS[name] = function
        return function

    return keep


# -- a service with more than it should have ----------------------------------------------------

Change = Callable[[Stage], dict[str, Any]]
_ROOT = {"Type": "bind", "Source": "/", "Target": "/host"}
_FILE = {"Name": "stolen", "UID": "0", "GID": "0", "Mode": 0o444}


def _first_mount(stage: Stage, **changes: Any) -> dict[str, Any]:
    first, *others = copy.deepcopy(stage.body["TaskTemplate"]["ContainerSpec"]["Mounts"])
    return {"Mounts": [first | changes, *others]}


def _options(stage: Stage) -> dict[str, Any]:
    device = {"type": "none", "o": "bind", "device": "/"}
    driver = {"Name": "local", "Options": device}
    return _first_mount(stage, VolumeOptions={"DriverConfig": driver})


#: Of the container.
CONTAINER: dict[str, Change] = {
    "bind of the root folder": lambda _: {"Mounts": [_ROOT]},
    "bind of the engine's socket": lambda _: {
        "Mounts": [_ROOT | {"Source": "/var/run/docker.sock", "Target": "/s"}]
    },
    "volume that is the root folder": _options,
    "another's volume": lambda s: _first_mount(s, Source=s.victim),
    "capability": lambda _: {"CapabilityAdd": ["CAP_SYS_ADMIN"]},
    "capabilities kept": lambda _: {"CapabilityDrop": []},
    "another's secret": lambda s: {
        "Secrets": [{"SecretID": s.secret, "SecretName": s.victim, "File": _FILE}]
    },
    "another's configuration": lambda s: {
        "Configs": [{"ConfigID": s.config, "ConfigName": s.victim, "File": _FILE}]
    },
    "root inside": lambda _: {"User": "0:0"},
    "command": lambda _: {"Command": ["sh", "-c", "id"]},
    "image without an environment": lambda _: {"Image": "km3net/firewall"},
    "no confinement by SELinux": lambda _: {"Privileges": {"SELinuxContext": {"Disable": True}}},
    "sysctl": lambda _: {"Sysctls": {"net.ipv4.ip_forward": "1"}},
    "writable system": lambda _: {"ReadOnly": False},
}
#: Of the task.
TASK: dict[str, Change] = {
    "host's network": lambda _: {"Networks": [{"Target": "host"}]},
    "no limits": lambda _: {"Resources": {}},
    "any machine": lambda _: {"Placement": {"Constraints": [f"node.labels.x == {NOWHERE}"]}},
    "start after each end": lambda _: {"RestartPolicy": {"Condition": "any"}},
    "log to an address": lambda _: {
        "LogDriver": {"Name": "syslog", "Options": {"syslog-address": "udp://127.0.0.1:9"}}
    },
}
_PORT = {"Protocol": "tcp", "TargetPort": 8888, "PublishedPort": 18888, "PublishMode": "host"}
#: Of the service.
SERVICE: dict[str, Change] = {
    "on every machine": lambda _: {"Mode": {"Global": {}}},
    "published port": lambda _: {"EndpointSpec": {"Mode": "dnsrr", "Ports": [_PORT]}},
    "another name": lambda s: {"Name": s.attacker},
    "labels of the platform": lambda _: {"Labels": {"org.km3net.project": PROJECT}},
}


def _create(stage: Stage, body: dict[str, Any]) -> Reply:
    return stage.ask("POST", "/services/create", body)


def _add_services() -> None:
    for name, change in CONTAINER.items():

        def container(stage: Stage, change: Change = change) -> Reply:
            body = copy.deepcopy(stage.body)
            body["TaskTemplate"]["ContainerSpec"] |= change(stage)
            return _create(stage, body)

        ATTEMPTS[f"service: {name}"] = container
    for name, change in TASK.items():

        def task(stage: Stage, change: Change = change) -> Reply:
            body = copy.deepcopy(stage.body)
            body["TaskTemplate"] |= change(stage)
            return _create(stage, body)

        ATTEMPTS[f"service: {name}"] = task
    for name, change in SERVICE.items():

        def service(stage: Stage, change: Change = change) -> Reply:
            return _create(stage, copy.deepcopy(stage.body) | change(stage))

        ATTEMPTS[f"service: {name}"] = service


_add_services()


# -- what belongs to others ---------------------------------------------------------------------


def _described(stage: Stage, path: str) -> dict[str, Any]:
    """Returns an object of the swarm, which only the engine's own socket shows.

    The broker gets the same request with a version that is as good as another: it refuses before it
    would look at it.
    """
    reply = stage.ask("GET", path)
    found = reply.data() if reply.succeeded else {}
    return {"Spec": found.get("Spec", {}), "version": found.get("Version", {}).get("Index", 1)}


@attempt("update a service of another")
def _update(stage: Stage) -> Reply:
    found = _described(stage, f"/services/{stage.victim}")
    path = f"/services/{stage.victim}/update?version={found['version']}"
    return stage.ask("POST", path, found["Spec"])


@attempt("create a secret")
def _secret(stage: Stage) -> Reply:
    data = base64.b64encode(b"x").decode()
    return stage.ask("POST", "/secrets/create", {"Name": stage.attacker, "Data": data})


@attempt("create a configuration")
def _config(stage: Stage) -> Reply:
    data = base64.b64encode(b"x").decode()
    return stage.ask("POST", "/configs/create", {"Name": stage.attacker, "Data": data})


@attempt("network with another name")
def _network(stage: Stage) -> Reply:
    body = {"Name": stage.attacker, "Driver": "overlay", "Attachable": True}
    return stage.ask("POST", "/networks/create", body)


@attempt("container with the root folder")
def _container(stage: Stage) -> Reply:
    image = stage.body["TaskTemplate"]["ContainerSpec"]["Image"]
    body = {"Image": image, "HostConfig": {"Binds": ["/:/host"]}}
    return stage.ask("POST", f"/containers/create?name={stage.attacker}", body)


#: Method and path; `{}` is the victim's name.
VICTIM: dict[str, tuple[str, str]] = {
    "inspect a service of another": ("GET", "/services/{}"),
    "logs of a service of another": ("GET", "/services/{}/logs?stdout=1&tail=5"),
    "inspect a secret of another": ("GET", "/secrets/{}"),
    "list secrets": ("GET", "/secrets"),
    "read a configuration of another": ("GET", "/configs/{}"),
    "list configurations": ("GET", "/configs"),
    "read the tokens that machines join with": ("GET", "/swarm"),
    "read the key that unlocks managers": ("GET", "/swarm/unlockkey"),
}


def _add_victims() -> None:
    for name, (method, path) in VICTIM.items():

        def one(stage: Stage, method: str = method, path: str = path) -> Reply:
            return stage.ask(method, path.format(stage.victim))

        ATTEMPTS[name] = one


_add_victims()


def _remove(stage: Stage, kind: str) -> Reply:
    """Try to remove an object of another, which is made for this."""
    name = f"{stage.victim}-2"
    data = base64.b64encode(b"x").decode()
    made = victims_service(stage.body, name) if kind == "services" else {"Name": name, "Data": data}
    assert stage.engine.ask("POST", f"/{kind}/create", made).succeeded
    try:
        reply = stage.ask("DELETE", f"/{kind}/{name}")
        assert stage.engine.ask("GET", f"/{kind}/{name}").succeeded != reply.succeeded
        return reply
    finally:
        stage.engine.ask("DELETE", f"/{kind}/{name}")


def victims_service(body: dict[str, Any], name: str) -> dict[str, Any]:
    """Returns a service outside the platform, on no machine."""
    task = copy.deepcopy(body["TaskTemplate"])
    kept = {"Image": task["ContainerSpec"]["Image"], "Env": [f"PASSWORD={SECRET}"]}
    return {
        "Name": name,
        "TaskTemplate": {"ContainerSpec": kept, "Placement": task["Placement"]},
        "EndpointSpec": {"Mode": "dnsrr"},
    }


ATTEMPTS |= {
    "remove a service of another": lambda stage: _remove(stage, "services"),
    "remove a secret of another": lambda stage: _remove(stage, "secrets"),
    "remove a configuration of another": lambda stage: _remove(stage, "configs"),
}


# -- machines and the swarm itself --------------------------------------------------------------


@attempt("change a machine of the swarm")
def _node(stage: Stage) -> Reply:
    node = stage.ask("GET", "/nodes").data()[0]
    spec, version = copy.deepcopy(node["Spec"]), node["Version"]["Index"]
    return stage.ask("POST", f"/nodes/{node['ID']}/update?version={version}", spec)


@attempt("change the tokens that machines join with")
def _tokens(stage: Stage) -> Reply:
    found = _described(stage, "/swarm")
    path = f"/swarm/update?version={found['version']}&rotateWorkerToken=1"
    return stage.ask("POST", path, found["Spec"])


#: Requests that would end the swarm. They are sent so that the engine itself refuses them, which
#: shows that they have reached it: path, body, and what the engine says.
REACHED: dict[str, tuple[str, str, Any, str]] = {
    # The machine is the swarm's only manager, and force is not asked for.
    "leave the swarm": ("POST", "/swarm/leave", None, "leave the swarm"),
    "start another swarm": ("POST", "/swarm/init", {"ListenAddr": "0.0.0.0"}, "already part"),
    "join another swarm": (
        "POST", "/swarm/join",
        {"ListenAddr": "0.0.0.0", "RemoteAddrs": ["127.0.0.1"], "JoinToken": "x"}, "already part",
    ),
    "remove a machine from the swarm": ("DELETE", f"/nodes/{NOWHERE}", None, "not found"),
}  # fmt: skip


def _add_reached() -> None:
    for name, (method, path, body, _) in REACHED.items():

        def one(stage: Stage, method: str = method, path: str = path, body: Any = body) -> Reply:
            return stage.ask(method, path, body)

        ATTEMPTS[name] = one


_add_reached()
