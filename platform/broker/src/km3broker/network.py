"""The network of a user: what may be created, and who may join it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from km3broker.allowed import entry, require_allowed, text
from km3broker.owner import Owner
from km3broker.refusal import Refusal
from km3broker.rules import Rules
from km3settings.names import OVERLAY_OPTIONS

__all__ = ["connection_body", "network_body"]

_BRIDGE = "com.docker.network.bridge.name"
_EGRESS_LABEL = "org.km3net.egress"


def network_body(body: Mapping[str, Any], owner: Owner, rules: Rules) -> dict[str, Any]:
    """Returns the network that a request describes, as it may be created.

    Raises
    ------
    Refusal
        Names the first key that is not allowed.
    """
    spawner = rules.settings.spawner
    allowed: dict[str, Any] = {
        "Name": owner.server,
        "CheckDuplicate": True,
        "Labels": owner.labels | {_EGRESS_LABEL: spawner.egress},
    }
    if spawner.egress == "none":
        allowed["Internal"] = True
    if spawner.kind == "swarm":
        allowed |= {
            "Driver": "overlay",
            "Scope": "swarm",
            "Attachable": True,
            "Options": OVERLAY_OPTIONS,
        }
    else:
        bridge = text(entry(body, "Options").get(_BRIDGE))
        pool = {"Subnet": rules.subnet(bridge)}
        allowed |= {
            "Driver": "bridge",
            "Options": {_BRIDGE: bridge},
            "IPAM": {"Driver": "default", "Config": [pool]},
        }
    require_allowed(allowed, body)
    return allowed


def connection_body(body: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    """Returns how a container may join a user's network.

    Raises
    ------
    Refusal
        If the container is not hub and proxy or a data service of the settings, or it
        would get another name or address than usual.
    """
    container = text(body.get("Container"))
    if container not in rules.members:
        raise Refusal("only the hub and the data services may join a user's network")
    allowed = {
        "Container": container,
        "EndpointConfig": {"Aliases": [rules.members[container]]},
    }
    require_allowed(allowed, body)
    return allowed
