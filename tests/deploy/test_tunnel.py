"""The tunnel carries users' networks between machines, and nothing of them leaves beside it.

Two machines are network namespaces with the role's own configuration and the firewall's own rules.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest

from tests.commands import run
from tests.deploy.sources import DEPLOY
from tests.deploy.test_firewall import rules
from tests.waiting import wait_until

TEMPLATE = DEPLOY / "roles/tunnel/templates/km3wg.conf.j2"
ADDRESSES = {"hub": "10.199.252.61", "worker1": "10.199.252.62"}
#: Of the same name, userspace WireGuard would share one socket between the namespaces.
INTERFACES = {"hub": "km3wg.conf", "worker1": "km3wx.conf"}
INSIDE = {"hub": "10.77.0.61", "worker1": "10.77.0.62"}
SERVE = """
import socket
service = socket.create_server(("10.77.0.62", 8000))
print("listening", flush=True)
while True:
    accepted, _ = service.accept()
    accepted.sendall(b"x" * 200_000)
    accepted.close()
"""
ASK = """
import socket, sys
with socket.create_connection(("10.77.0.62", 8000), float(sys.argv[1])) as asked:
    print(sum(len(part) for part in iter(lambda: asked.recv(65536), b"")))
"""


def why_not() -> str | None:
    if os.geteuid():
        return "network namespaces need root: run the tests as root"
    missing = [p for p in ("nft", "ip", "wg", "wg-quick") if not shutil.which(p)]
    if missing:
        return f"there is no {', '.join(missing)}: run `make tools`"
    if run("unshare", "--net", "true", status=None).returncode:
        return "the kernel allows no network namespaces here"
    return None


def on(machine: str, *words: str | Path, status: int | None = 0, text: str = "") -> str:
    command = ("ip", "netns", "exec", f"km3t-{machine}", *words)
    return run(*command, status=status, input=text).stdout


def configuration(machine: str, folder: Path) -> str:
    """The role's template, as Ansible renders it."""
    (other,) = [name for name in ADDRESSES if name != machine]
    environment = jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined)  # noqa: S701
    environment.filters["b64decode"] = lambda text: base64.b64decode(text).decode()
    public = base64.b64encode((folder / f"{other}.pub").read_bytes()).decode()
    return environment.from_string(TEMPLATE.read_text()).render(
        ansible_managed="by a test", tunnel_port=51820, tunnel_vxlan=4789,
        tunnel_key=folder / f"{machine}.key", tunnel_others=[other], keys={other: public},
        swarm_address=ADDRESSES[machine], hostvars={other: {"swarm_address": ADDRESSES[other]}},
    )  # fmt: skip


@pytest.fixture(scope="module", params=["0", "1"], ids=["rp_filter=0", "rp_filter=1"])
def machines(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Two machines with a network of a user over both; yields the folder of configurations."""
    if reason := why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("tunnel")
    try:
        for machine in ADDRESSES:
            run("ip", "netns", "delete", f"km3t-{machine}", status=None)
            run("ip", "netns", "add", f"km3t-{machine}")
        run("ip", "link", "add", "e0", "netns", "km3t-hub", "type", "veth",
            "peer", "name", "e0", "netns", "km3t-worker1")  # fmt: skip
        for machine, address in ADDRESSES.items():
            on(machine, "sysctl", "-qw", f"net.ipv4.conf.all.rp_filter={request.param}")
            on(machine, "ip", "address", "add", f"{address}/24", "dev", "e0")
            for interface in ("lo", "e0"):
                on(machine, "ip", "link", "set", interface, "up")
            key = run("wg", "genkey").stdout
            (folder / f"{machine}.key").write_text(key)
            (folder / f"{machine}.pub").write_text(run("wg", "pubkey", input=key).stdout)
        for machine in ADDRESSES:
            (other,) = [name for name in ADDRESSES if name != machine]
            file = folder / INTERFACES[machine]
            file.write_text(configuration(machine, folder))
            file.chmod(0o600)
            filters = rules(firewall_machines=[ADDRESSES[other]])
            interface = Path(INTERFACES[machine]).stem
            on(machine, "nft", "-f", "-", text=filters.replace("km3wg", interface))
            up(machine, folder)
            # As Docker makes it: without a local address.
            on(machine, "ip", "link", "add", "vx0", "type", "vxlan", "id", "42",
               "dstport", "4789", "nolearning")  # fmt: skip
            on(machine, "bridge", "fdb", "append", "00:00:00:00:00:00", "dev", "vx0",
               "dst", ADDRESSES[other])  # fmt: skip
            on(machine, "ip", "link", "set", "vx0", "up", "mtu", "1370")
            on(machine, "ip", "address", "add", f"{INSIDE[machine]}/24", "dev", "vx0")
            # The machine's own firewall does not see traffic inside containers.
            on(machine, "nft", "insert rule inet km3net_host input iifname vx0 accept")
        words = ["ip", "netns", "exec", "km3t-worker1", sys.executable, "-c", SERVE]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as service:
            assert service.stdout
            assert service.stdout.readline() == "listening\n"
            yield folder
            service.kill()
    finally:
        for machine in ADDRESSES:
            on(machine, "wg-quick", "down", folder / INTERFACES[machine], status=None)
            run("ip", "netns", "delete", f"km3t-{machine}", status=None)


def up(machine: str, folder: Path) -> None:
    on(machine, "wg-quick", "up", folder / INTERFACES[machine])


def asked(seconds: int = 5) -> str:
    return on("hub", sys.executable, "-c", ASK, str(seconds), status=None).strip()


def sent(port: int) -> int:
    """How many packets to a UDP port the hub's machine sent by its network card."""
    text = on("hub", "nft", "list", "counter", "inet", "count", f"p{port}")
    return int(text.split("packets ")[1].split()[0])


@pytest.fixture(scope="module")
def counters(machines: Path) -> None:
    table = ["table inet count {", "counter p4789 {", "}", "counter p51820 {", "}",
             "chain out {", "type filter hook postrouting priority 300; policy accept;",
             'oifname "e0" udp dport 4789 counter name p4789',
             'oifname "e0" udp dport 51820 counter name p51820', "}", "}"]  # fmt: skip
    on("hub", "nft", "-f", "-", text="\n".join(table) + "\n")


def test_users_networks_go_through_the_tunnel_only(machines: Path, counters: None) -> None:
    wait_until(lambda: asked() == "200000", seconds=60, what="the worker answers")
    assert sent(4789) == 0
    assert sent(51820) > 10


def test_nothing_leaves_in_plain_text_while_the_tunnel_is_down(
    machines: Path, counters: None
) -> None:
    on("hub", "wg-quick", "down", machines / INTERFACES["hub"])
    before = sent(51820)
    try:
        assert asked(3) == ""
        assert sent(4789) == 0
        assert sent(51820) == before
    finally:
        up("hub", machines)
    wait_until(lambda: asked() == "200000", seconds=60, what="the worker answers again")
