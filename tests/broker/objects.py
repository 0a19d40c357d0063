"""Objects as the engine describes them, and the bodies of requests as docker-py sends them."""

from __future__ import annotations

from typing import Any

from km3settings.names import PROJECT_LABEL, USER_LABEL
from tests.broker.running import NAMES, PROJECT

LABELS = {PROJECT_LABEL: PROJECT, USER_LABEL: "ada"}
SERVER = NAMES.server("ada")
HOME = NAMES.home("ada")
DIGEST = "sha256:" + "5" * 64
GIB = 1024**3


def container(name: str, labels: dict[str, str], identifier: str = "a" * 64) -> dict[str, Any]:
    return {
        "Id": identifier,
        "Name": f"/{name}",
        "Config": {"Labels": labels, "Env": ["SECRET=1"], "Tty": False},
        "State": {"Running": True},
    }


def network(name: str, labels: dict[str, str]) -> dict[str, Any]:
    return {"Id": "b" * 64, "Name": name, "Labels": labels, "Containers": {}}


def volume(name: str, labels: dict[str, str] | None, **more: Any) -> dict[str, Any]:
    return {"Name": name, "Labels": labels, "Driver": "local", "Options": None, **more}


def engine_objects() -> dict[str, Any]:
    """An engine on which ada's server can be created."""
    return {
        "/_ping": {"OK": True},
        "/version": {"ApiVersion": "1.41"},
        "/images/km3net/stack/json": {"Id": DIGEST},
        f"/networks/{SERVER}": network(SERVER, LABELS),
        f"/volumes/{HOME}": volume(HOME, LABELS),
        f"/containers/{SERVER}/json": container(SERVER, LABELS),
    }


def create_body() -> dict[str, Any]:
    """What the hub sends for ada, with the default settings."""
    return {
        "Hostname": "stack",
        "Domainname": None,
        "ExposedPorts": {"8888/tcp": None},
        "User": "1000:1000",
        "Tty": False,
        "OpenStdin": False,
        "StdinOnce": False,
        "AttachStdin": False,
        "AttachStdout": True,
        "AttachStderr": True,
        "Env": ["JUPYTERHUB_API_TOKEN=secret-of-ada"],
        "Image": "km3net/stack",
        "Volumes": {"/home/km3": {}},
        "NetworkDisabled": False,
        "HostConfig": {
            "Memory": 2 * GIB,
            "MemorySwap": 2 * GIB,
            "ShmSize": 256 * 1024**2,
            "ReadonlyRootfs": True,
            "NetworkMode": SERVER,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "Binds": [f"{HOME}:/home/km3:rw"],
            "Links": [],
            "Ulimits": [{"Name": "nofile", "Soft": 16384, "Hard": 16384}],
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "5m", "max-file": "2"}},
            "CpuQuota": 100_000,
            "CpuPeriod": 100_000,
            "Tmpfs": {
                "/tmp": f"rw,exec,nosuid,nodev,mode=1777,size={GIB}",
                "/var/tmp": "rw,noexec,nosuid,nodev,mode=1777,size=64m",
                "/run": "rw,noexec,nosuid,nodev,mode=1777,size=16m",
            },
            "PidsLimit": 512,
            "Mounts": [],
        },
        "Labels": dict(LABELS),
        "Healthcheck": {"Test": ["NONE"], "Interval": None, "Timeout": None, "Retries": None},
    }


def network_body() -> dict[str, Any]:
    """What the hub sends for the user with number 3."""
    pool = {"Subnet": "10.213.0.24/29", "IPRange": None, "Gateway": None}
    return {
        "Name": SERVER,
        "Driver": "bridge",
        "Options": {"com.docker.network.bridge.name": f"{NAMES.user_bridges}3"},
        "IPAM": {"Driver": "default", "Config": [pool]},
        "CheckDuplicate": True,
        "Labels": LABELS | {"org.km3net.egress": "internet"},
    }
