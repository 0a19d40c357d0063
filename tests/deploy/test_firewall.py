"""The host's packet filter is what nftables accepts, whatever the settings."""

from __future__ import annotations

import os
import shutil
from typing import Any

import jinja2
import pytest

from tests.commands import run
from tests.deploy.sources import DEPLOY, module

TEMPLATE = DEPLOY / "roles/firewall/templates/firewall.nft.j2"


def rules(**settings: Any) -> str:
    options = module("roles.py").main_entry(DEPLOY / "roles/firewall")["options"]
    defaults = {name: option["default"] for name, option in options.items()}
    # Of vars/main.yml: one machine.
    defaults |= {"firewall_machines": [], "firewall_swarm_ports": [7946]}
    defaults |= {"firewall_tunnel_port": 51820}
    # As Ansible renders templates.
    environment = jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined)  # noqa: S701
    template = environment.from_string(TEMPLATE.read_text())
    return template.render(defaults | settings, ansible_managed="by a test")


CHOICES: list[dict[str, Any]] = [
    {},
    {"firewall_ssh_from": ["192.0.2.0/24", "2001:db8::/32"], "firewall_ssh_port": 2222},
    {"firewall_peers": {"192.0.2.7": [9100, 5000], "2001:db8::7": [9100]}},
    {"firewall_tcp_ports": []},
    {"firewall_machines": ["10.0.0.12", "10.0.0.13"], "firewall_swarm_ports": [2377, 5000, 7946]},
]


@pytest.mark.parametrize("settings", CHOICES)
def test_nftables_accepts_the_rules(settings: dict[str, Any]) -> None:
    if os.geteuid() != 0 or not shutil.which("nft"):
        pytest.skip("needs nftables and root: make tools")
    # nft reads all rules of the machine first, and crashes at some that other programs wrote.
    check = ["unshare", "--net", "nft", "--check", "--file", "-"]
    run(*check, input=rules(**settings))


def test_ssh_is_open_only_to_the_networks_named() -> None:
    assert "    tcp dport 22 accept" in rules()
    named = rules(firewall_ssh_from=["192.0.2.0/24", "2001:db8::/32"])
    assert "\n    tcp dport 22 accept" not in named
    assert "ip saddr 192.0.2.0/24 tcp dport 22 accept" in named
    assert "ip6 saddr 2001:db8::/32 tcp dport 22 accept" in named


def test_only_its_own_table_is_touched() -> None:
    text = rules()
    assert "flush" not in text
    assert {line.split("{")[0].strip() for line in text.splitlines() if "table inet" in line} == {
        "table inet km3net_host",
        "delete table inet km3net_host",
    }


def test_machines_of_a_swarm_reach_each_other_and_servers_reach_none_of_them() -> None:
    text = rules(firewall_machines=["10.0.0.12"], firewall_swarm_ports=[2377, 5000, 7946])
    lines = [line.strip() for line in text.splitlines()]
    (tcp,) = [line for line in lines if "2377" in line]
    assert tcp.startswith("ip saddr { 10.0.0.12 } tcp dport { 2377, 5000, 7946 } accept")
    (udp,) = [line for line in lines if "51820" in line]
    assert udp.startswith("ip saddr { 10.0.0.12 } udp dport { 7946, 51820 } accept")
    received, sent = [line for line in lines if "4789" in line]
    assert received.startswith('iifname "km3wg" ip saddr { 10.0.0.12 } udp dport 4789 accept')
    assert sent.startswith('udp dport 4789 oifname != { "km3wg", "lo" } drop')
    (shut,) = [line for line in lines if "ip daddr { 10.0.0.12 } drop" in line]
    assert lines.index(shut) < lines.index('meta iifkind "bridge" accept')
    assert "10.0.0.12" not in rules()
