"""What the deployment writes where there are workers."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from km3settings import settings as model
from km3settings.names import Names
from tests.deploy.sources import DEPLOY, module

several = module("plugins/filter/several.py")
km3net = module("plugins/filter/km3net.py")
REFERENCE = "10.0.0.11:5000/km3net/stack:0.1-abc@sha256:" + "0" * 64


def test_swarm_starts_images_by_their_digests() -> None:
    written = {"environments": [{"name": "stack", "title": "S", "image": "km3net/stack"}]}
    complete = km3net.complete(
        written,
        hub_address="https://hub.test",
        portal_address="",
        proxies=[],
        tags={"km3net/stack": "km3net/stack:0.1-abc"},
    )
    parsed = model.parse(several.spread(complete, {"km3net/stack:0.1-abc": REFERENCE}))
    assert parsed.spawner.kind == "swarm"
    assert parsed.environments[0].image == REFERENCE
    assert several.spread(complete, {}) == complete


def test_spawner_keeps_its_other_settings() -> None:
    complete = {"spawner": {"kind": "docker", "egress": "none"}, "environments": []}
    done = several.spread(complete, {"a": "b"})
    assert done["spawner"] == {"kind": "swarm", "egress": "none"}
    assert complete["spawner"]["kind"] == "docker"


def test_keeper_gets_the_swarm_spawner() -> None:
    variables = km3net.compose_variables({"spawner": {"kind": "swarm"}}, "km3net", 8000)
    assert variables["KM3_SPAWNER"] == "swarm"
    compose = yaml.safe_load((DEPLOY.parent / "docker-compose.yml").read_text())
    keeper = compose["services"]["keeper"]["environment"]
    assert "${KM3_SPAWNER" in keeper["KM3_SPAWNER"]


def test_egress_of_servers_uses_one_of_the_filtered_bridges() -> None:
    bridge = several.egress_bridge("km3net")
    assert bridge.startswith(Names("km3net").user_bridges)
    # The kernel's limit.
    assert len(bridge) <= 15


def test_dns_servers_of_all_machines_are_named_once() -> None:
    hub = "# by a test\nnameserver 127.0.0.53\nnameserver 10.0.0.2\nsearch example.org\n"
    worker = "nameserver 10.0.0.2\nnameserver fd00:53::1\nnameserver fe80::1%eth0\nnameserver\n"
    assert several.nameservers([hub, worker, ""]) == "10.0.0.2,fd00:53::1"


@pytest.mark.parametrize(
    ("text", "is_one"), [("10.0.0.11", True), ("", False), ("10.0.0", False), ("::1", False)]
)
def test_addresses_are_recognised(text: Any, is_one: bool) -> None:
    assert several.is_ipv4(text) is is_one


def test_example_has_one_machine_beside_the_workers() -> None:
    hosts = yaml.safe_load((DEPLOY / "inventories/example-several/hosts.yml").read_text())["all"]
    workers = hosts["children"]["workers"]["hosts"]
    assert len(hosts["hosts"]) == 1
    addresses = [host["swarm_address"] for host in (hosts["hosts"] | workers).values()]
    assert len(set(addresses)) == len(addresses) >= 2
