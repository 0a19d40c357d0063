"""Filters for a platform on several machines."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
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


def nameservers(files: Iterable[str]) -> str:
    """Return the DNS servers in the texts of resolv.conf, as the packet filter reads them.

    Loopback addresses are left out: containers cannot ask them.
    """
    found = set()
    for line in "\n".join(files).splitlines():
        words = line.split()
        if len(words) < 2 or words[0] != "nameserver":
            continue
        try:
            address = ipaddress.ip_address(words[1])
        except ValueError:
            continue
        if not (address.is_loopback or (address.is_link_local and address.version == 6)):
            found.add(str(address))
    return ",".join(sorted(found))


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
            "km3net_nameservers": nameservers,
        }
