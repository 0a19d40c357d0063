"""Filters for a platform on several machines."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from km3settings.names import Names


def spread(complete: Mapping[str, Any], references: Mapping[str, str]) -> dict[str, Any]:
    """Return a host's platform.yaml for a swarm.

    Parameters
    ----------
    complete
        The platform.yaml of a single host, with its names of the images.
    references
        The name that the swarm uses for each of these images. Empty: a single machine, for which
        nothing is changed.
    """
    data = dict(complete)
    if not references:
        return data
    data["spawner"] = {**data.get("spawner", {}), "kind": "swarm"}
    data["environments"] = [
        {**environment, "image": references[environment["image"]]}
        for environment in data["environments"]
    ]
    return data


def egress_bridge(project: str) -> str:
    """Return the bridge from users' servers on a machine of the swarm to the internet."""
    return Names(str(project)).egress_bridge


def filter_service(project: str) -> str:
    """Return the service that runs the packet filter on every machine."""
    return Names(str(project)).filters


def is_ipv4(text: Any) -> bool:
    """Return whether a text is an IPv4 address."""
    try:
        ipaddress.IPv4Address(str(text))
    except ValueError:
        return False
    return True


class FilterModule:
    """The filters by the names that roles use."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {
            "km3net_spread": spread,
            "km3net_egress_bridge": egress_bridge,
            "km3net_filter_service": filter_service,
            "km3net_is_ipv4": is_ipv4,
        }
