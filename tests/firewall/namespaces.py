"""A machine with users' bridges and the world around it, in network namespaces of this machine.

No namespace has a link to a real network: what leaves `machine` ends in `world`, which answers at
every address there is.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.commands import run

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "images" / "firewall" / "km3-firewall"
BRIDGES = "kt13fw0"

_LISTEN = """
import selectors, socket, sys
every = selectors.DefaultSelector()
for port in map(int, sys.argv[1:]):
    every.register(socket.create_server(("::", port), family=socket.AF_INET6, backlog=128,
                                        dualstack_ipv6=True), selectors.EVENT_READ)
print("listening", flush=True)
while True:
    for key, _ in every.select():
        key.fileobj.accept()[0].close()
"""

_CONNECT = """
import concurrent.futures, json, socket, sys
def reach(target):
    try:
        socket.create_connection(tuple(target), timeout=1.5).close()
        return "open"
    except OSError as error:
        return type(error).__name__
targets = json.load(sys.stdin)
with concurrent.futures.ThreadPoolExecutor(64) as pool:
    print(json.dumps(list(pool.map(reach, targets))))
"""

#: Name, bridge, IPv4 and IPv6 networks' first parts of each container; its gateway is 1, it is 2.
CONTAINERS = {
    "ada": ("u1", "10.213.0.", "2001:db8:a::"),
    "bob": ("u2", "10.213.1.", "2001:db8:b::"),
    "portal": ("d", "10.214.0.", "2001:db8:d::"),
}
#: A network of another service on the machine.
OTHER = ("198.51.100.", "2001:db8:c::")
#: The machine's addresses beside those of its bridges.
OWN = ("203.0.113.77", "10.9.9.9", "2001:db8:1::77")


def why_not() -> str | None:
    """Why such namespaces cannot be made here; None if they can."""
    if os.geteuid():
        return "network namespaces need root: run the tests as root"
    for program in ("nft", "ip"):
        if not shutil.which(program):
            return f"there is no {program}: run `make tools`"
    if run("unshare", "--net", "true", status=None).returncode:
        return "the kernel allows no network namespaces here: run it on a real machine"
    return None


@dataclass
class World:
    """All namespaces; `close` removes them."""

    prefix: str = field(default_factory=lambda: f"km3t{os.getpid()}")
    listeners: list[subprocess.Popen[str]] = field(default_factory=list)

    def name(self, machine: str) -> str:
        return f"{self.prefix}-{machine}"

    def run(self, machine: str, *words: str, text: str = "") -> str:
        """Run a command in a namespace and return what it printed."""
        return run("ip", "netns", "exec", self.name(machine), *words, input=text).stdout

    def _add(self, machine: str) -> None:
        run("ip", "netns", "add", self.name(machine))
        for setting in ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                        "net.ipv4.conf.all.rp_filter=0", "net.ipv6.conf.all.accept_dad=0",
                        "net.ipv6.conf.default.accept_dad=0"):  # fmt: skip
            self.run(machine, "sysctl", "-qw", setting)
        self.run(machine, "ip", "link", "set", "lo", "up")

    def _link(self, one: tuple[str, str], other: tuple[str, str]) -> None:
        run("ip", "link", "add", one[1], "netns", self.name(one[0]), "type", "veth",
            "peer", "name", other[1], "netns", self.name(other[0]))  # fmt: skip
        for machine, interface in (one, other):
            self.run(machine, "ip", "link", "set", interface, "up")

    def _address(self, machine: str, interface: str, *addresses: str) -> None:
        for address in addresses:
            self.run(machine, "ip", "address", "add", address, "dev", interface)

    def _bridge(self, container: str, bridge: str, four: str, six: str) -> None:
        self._add(container)
        self.run("machine", "ip", "link", "add", bridge, "type", "bridge")
        self._address("machine", bridge, f"{four}1/29", f"{six}1/64")
        self.run("machine", "ip", "link", "set", bridge, "up")
        self._link((container, "eth0"), ("machine", f"v{container}"))
        self.run("machine", "ip", "link", "set", f"v{container}", "master", bridge)
        self._address(container, "eth0", f"{four}2/29", f"{six}2/64")
        self.run(container, "ip", "route", "add", "default", "via", f"{four}1")
        self.run(container, "ip", "-6", "route", "add", "default", "via", f"{six}1")

    def build(self) -> None:
        """Make the namespaces, and listen everywhere."""
        self._add("machine")
        self._add("world")
        self._link(("machine", "up0"), ("world", "up0"))
        self._address("machine", "up0", "203.0.113.1/30", "2001:db8:1::1/126")
        self._address("world", "up0", "203.0.113.2/30", "2001:db8:1::2/126")
        self.run("machine", "ip", "route", "add", "default", "via", "203.0.113.2")
        self.run("machine", "ip", "-6", "route", "add", "default", "via", "2001:db8:1::2")
        self._address("machine", "lo", *(f"{a}/{128 if ':' in a else 32}" for a in OWN))
        for container, (bridge, four, six) in CONTAINERS.items():
            self._bridge(container, BRIDGES + bridge, four, six)
            self.run("world", "ip", "route", "add", f"{four}0/29", "via", "203.0.113.1")
            self.run("world", "ip", "-6", "route", "add", f"{six}/64", "via", "2001:db8:1::1")
        self._bridge("other", "br-other", *OTHER)
        self.run("world", "ip", "route", "add", f"{OTHER[0]}0/29", "via", "203.0.113.1")
        # Every other address is its own.
        self.run("world", "ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo", "table", "main")
        self.run("world", "ip", "-6", "route", "add", "local", "::/0", "dev", "lo", "table", "main")
        for machine in ("machine", "world", "other", *CONTAINERS):
            self._listen(machine)

    def _listen(self, machine: str) -> None:
        words = ["ip", "netns", "exec", self.name(machine), sys.executable, "-c", _LISTEN]
        started = subprocess.Popen([*words, "53", "80", "443"], stdout=subprocess.PIPE, text=True)
        self.listeners.append(started)
        assert started.stdout
        assert started.stdout.readline() == "listening\n"

    def close(self) -> None:
        for listener in self.listeners:
            listener.kill()
            listener.wait()
        for machine in ("machine", "world", "other", *CONTAINERS):
            run("ip", "netns", "delete", self.name(machine), status=None)

    def connect(self, container: str, targets: Sequence[tuple[str, int]]) -> dict[str, str]:
        """For each address and port, `open` or the name of the error."""
        words = (sys.executable, "-c", _CONNECT)
        found = json.loads(self.run(container, *words, text=json.dumps(targets)))
        return {f"{address} {port}": said
                for (address, port), said in zip(targets, found, strict=True)}  # fmt: skip

    def filter(self, command: str, /, resolver: str = "", **environment: str) -> int:
        """Run km3-firewall on the machine; return its exit code."""
        values = {"KM3_BRIDGES": BRIDGES, "KM3_RESOLVERS": resolver, **environment}
        words = ["ip", "netns", "exec", self.name("machine"), "env",
                 *(f"{name}={value}" for name, value in values.items()),
                 sys.executable, str(SCRIPT), command]  # fmt: skip
        return subprocess.run(words).returncode
