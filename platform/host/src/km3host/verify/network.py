"""Checks of the network: packet filters, published ports."""

from __future__ import annotations

import json

from km3host.programs import run
from km3host.verify.failure import CheckFailed
from km3host.verify.settings import VerifySettings

__all__ = ["filters", "published"]

_LOOPBACK = ("127.0.0.1", "::1")


def filters(settings: VerifySettings) -> str:
    """The packet filters of the machine and of users' servers are in place."""
    table = run("nft", "list", "table", "inet", "km3net_host").stdout
    if "policy drop" not in table:
        raise CheckFailed(
            "the machine's packet filter is missing: systemctl restart km3net-firewall"
        )
    if "169.254.0.0/16" not in table:
        raise CheckFailed("containers can reach the cloud's metadata: run the playbook site")
    firewall = f"{settings.project}-firewall"
    if run("docker", "exec", firewall, "km3-firewall", "check").returncode:
        raise CheckFailed(
            f"the packet filter between users' servers is missing: docker restart {firewall}"
        )
    return "packet filters are in place"


def published(_: VerifySettings) -> str:
    """No container publishes a port to the world."""
    names = run("docker", "ps", "--quiet").stdout.split()
    for container in json.loads(run("docker", "inspect", *names).stdout) if names else []:
        for bindings in (container["NetworkSettings"]["Ports"] or {}).values():
            for binding in bindings or []:
                if binding["HostIp"] not in _LOOPBACK:
                    raise CheckFailed(
                        f"{container['Name'][1:]} publishes port {binding['HostPort']} on"
                        f" {binding['HostIp']}: publish it on 127.0.0.1"
                    )
    return "containers publish ports on loopback only"
