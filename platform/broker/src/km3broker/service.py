"""The service of a user's server in a swarm; `server.py` says how it is checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from km3broker.allowed import entry, require_allowed, text
from km3broker.owner import Owner
from km3broker.refusal import Refusal
from km3broker.rules import Rules
from km3broker.server import HOME, NOFILE, OWNER, require_variables
from km3settings.amounts import in_bytes

__all__ = ["HOST_LABEL", "service_body"]

#: The machine of a server, on services and nodes.
HOST_LABEL = "org.km3net.host"
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", re.ASCII)
_CORE = 1_000_000_000


def service_body(body: Mapping[str, Any], owner: Owner, rules: Rules) -> dict[str, Any]:
    """Returns the service that a request describes, as it may be created.

    Parameters
    ----------
    body
        What the client sent.
    owner
        The user of its labels.
    rules
        The settings.

    Raises
    ------
    Refusal
        Names the first key that is not allowed.
    """
    task = entry(body, "TaskTemplate")
    container, limits = entry(task, "ContainerSpec"), entry(entry(task, "Resources"), "Limits")
    host = text(entry(body, "Labels").get(HOST_LABEL))
    if not _HOST.fullmatch(host):
        raise Refusal(f"the label {HOST_LABEL} is not the name of a machine")
    image, hostname = text(container.get("Image")), text(container.get("Hostname"))
    rules.environment(image, hostname)
    home = _mounted_home(container)
    if not owner.has_home(home):
        raise Refusal("TaskTemplate.ContainerSpec.Mounts does not start with the user's home")
    size = rules.size(limits.get("MemoryBytes"), limits.get("NanoCPUs"), _CORE)
    memory = in_bytes(size.memory)
    allowed = {
        "Name": owner.server,
        "Labels": owner.labels | {HOST_LABEL: host},
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": image,
                "Hostname": hostname,
                "Env": require_variables(container.get("Env")),
                "User": OWNER,
                "Labels": owner.labels,
                "Mounts": [
                    {
                        "Type": "volume",
                        "Source": home,
                        "Target": HOME,
                        "VolumeOptions": {"Labels": owner.labels},
                    },
                    _in_memory("/tmp", memory // 2),  # noqa: S108
                    _in_memory("/var/tmp", 64 * 1024**2),  # noqa: S108
                    _in_memory("/run", 16 * 1024**2),
                    _in_memory("/dev/shm", 256 * 1024**2),  # noqa: S108
                ],
                "Healthcheck": {"Test": ["NONE"]},
                "ReadOnly": True,
                "CapabilityDrop": ["ALL"],
                "Ulimits": [NOFILE],
            },
            "Resources": {
                "Limits": {
                    "NanoCPUs": int(size.cpu * _CORE),
                    "MemoryBytes": memory,
                    "Pids": rules.settings.spawner.pids,
                }
            },
            "RestartPolicy": {"Condition": "none"},
            "Placement": {"Constraints": [f"node.labels.{HOST_LABEL} == {host}"]},
            "LogDriver": {
                "Name": "json-file",
                "Options": {"max-size": "5m", "max-file": "2"},
            },
            "Networks": [{"Target": owner.server}],
        },
        "EndpointSpec": {"Mode": "dnsrr"},
    }
    require_allowed(allowed, body)
    return allowed


def _mounted_home(container: Mapping[str, Any]) -> str:
    mounts = container.get("Mounts")
    first = mounts[0] if isinstance(mounts, list) and mounts else None
    return text(first.get("Source")) if isinstance(first, dict) else ""


def _in_memory(target: str, size: int) -> dict[str, Any]:
    options = {"Mode": 0o1777, "SizeBytes": size}
    return {"Type": "tmpfs", "Target": target, "TmpfsOptions": options}
