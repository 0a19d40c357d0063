"""Networks and volumes that the platform would not make."""

from __future__ import annotations

from typing import Any

from km3settings.names import USER_LABEL
from tests.broker.attempts.stage import Stage, attempt
from tests.broker.objects import network_body
from tests.broker.running import Reply


@attempt("volume that is the root folder")
def _root_volume(stage: Stage) -> Reply:
    options = {"type": "none", "o": "bind", "device": "/"}
    name = stage.names.home("attacker")
    labels = stage.labels | {USER_LABEL: "attacker"}
    body = {"Name": name, "Driver": "local", "DriverOpts": options, "Labels": labels}
    return stage.ask("POST", "/volumes/create", body)


@attempt("volume with another name")
def _other_volume(stage: Stage) -> Reply:
    body = {"Name": f"{stage.names.project}-attacker", "Labels": stage.labels}
    return stage.ask("POST", "/volumes/create", body)


def _network(stage: Stage, **changes: Any) -> Reply:
    name = stage.names.server("attacker")
    bridge = f"{stage.names.user_bridges}900"
    body = network_body() | {
        "Name": name,
        "Labels": stage.labels | {USER_LABEL: "attacker", "org.km3net.egress": "internet"},
        "Options": {"com.docker.network.bridge.name": bridge},
        "IPAM": {"Driver": "default", "Config": [{"Subnet": "10.213.28.32/29"}]},
    }
    return stage.ask("POST", "/networks/create", body | changes)


@attempt("network whose bridge the packet filter does not know")
def _bridge(stage: Stage) -> Reply:
    return _network(stage, Options={"com.docker.network.bridge.name": "km3attack0"})


@attempt("network without isolation from the host's addresses")
def _masquerade(stage: Stage) -> Reply:
    bridge = {"com.docker.network.bridge.name": f"{stage.names.user_bridges}900"}
    more = {"com.docker.network.bridge.host_binding_ipv4": "127.0.0.1"}
    return _network(stage, Options=bridge | more)


@attempt("network with addresses outside the pool")
def _addresses(stage: Stage) -> Reply:
    return _network(stage, IPAM={"Driver": "default", "Config": [{"Subnet": "10.253.77.0/29"}]})


@attempt("network of another kind")
def _kind(stage: Stage) -> Reply:
    # One that only describes others; macvlan, which leads around the filter, needs a kernel module.
    return _network(stage, ConfigOnly=True)
