"""Filters for a platform on several machines."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from km3settings.names import Names


def spread(complete: Mapping[str, Any], references: Mapping[str, str]) -> dict[str, Any]:
    """A host's platform.yaml for a swarm.

    Parameters
    ----------
    complete
        The platform.yaml of one host, with the images' names on it.
    references
        For each of these names how the swarm's machines call the image. Empty: one machine, for
        which nothing is changed.
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


def way_out(project: str) -> str:
    """The bridge by which users' servers leave a machine of the swarm."""
    return Names(str(project)).egress_bridge


def filter_service(project: str) -> str:
    """The service that keeps the packet filter in place on every machine."""
    return Names(str(project)).filters


def is_ipv4(text: Any) -> bool:
    """Whether a text is an IPv4 address."""
    try:
        ipaddress.IPv4Address(str(text))
    except ValueError:
        return False
    return True


class FilterModule:
    """Ansible's way to find them."""

    def filters(self) -> dict[str, Any]:
        """The filters by the names that roles use."""
        return {
            "km3net_spread": spread,
            "km3net_way_out": way_out,
            "km3net_filter_service": filter_service,
            "km3net_is_ipv4": is_ipv4,
        }
