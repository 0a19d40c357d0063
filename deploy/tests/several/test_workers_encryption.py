"""Users' traffic between the machines, captured on its way."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import httpx
import pytest

from deploy.tests.containers import Machine, eventually
from deploy.tests.several.conftest import ADDRESSES, Platform
from deploy.tests.several.people import still_kept
from tests.e2e.platforms import Person
from tests.e2e.servers import start_kernel, start_server

VXLAN, WIREGUARD = 4789, 51820
MARK = "neutrino-in-plain-text"


@dataclass
class Capture:
    """UDP packets between the machines: their destination ports and contents."""

    packets: list[tuple[int, bytes]] = field(default_factory=list)

    def at(self, port: int) -> list[bytes]:
        return [content for to, content in self.packets if to == port]

    def add(self, frame: bytes) -> None:
        machines = {socket.inet_aton(address) for address in ADDRESSES.values()}
        if frame[12:14] != b"\x08\x00" or frame[23] != socket.IPPROTO_UDP:
            return
        if not {frame[26:30], frame[30:34]} <= machines:
            return
        udp = 14 + (frame[14] & 15) * 4
        (port,) = struct.unpack("!H", frame[udp + 2 : udp + 4])
        self.packets.append((port, frame[udp + 8 :]))


@contextmanager
def capturing() -> Iterator[Capture]:
    """Capture on all interfaces of this machine, which bridges the machines of the tests."""
    found, over = Capture(), threading.Event()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as raw:
        raw.settimeout(0.2)

        def read() -> None:
            while not over.is_set():
                try:
                    found.add(raw.recv(65535))
                except TimeoutError:
                    continue

        thread = threading.Thread(target=read)
        thread.start()
        try:
            yield found
        finally:
            over.set()
            thread.join()


@pytest.fixture(scope="module")
def ada(platform: Platform) -> Person:
    """Her server is on the worker, the hub is on the other machine."""
    person = platform.person("ada")
    start_server(person)
    for name in ("bob", "eve"):
        if platform.machine_of("ada") == "worker1":
            break
        person = platform.person(name)
        start_server(person)
    return person


@pytest.fixture
def worker(platform: Platform) -> Machine:
    return platform.machines["worker1"]


def test_capture_sees_what_the_machines_send_in_plain_text(worker: Machine) -> None:
    code = (
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"
        f".sendto({MARK.encode()!r}, ({ADDRESSES['hub']!r}, 9))"
    )
    with capturing() as seen:
        worker.run("python3", "-c", code)
        eventually(lambda: seen.at(9) == [MARK.encode()] * len(seen.at(9)) != [], "it is seen")


def test_what_a_user_does_is_not_readable_between_the_machines(
    platform: Platform, ada: Person
) -> None:
    assert platform.machine_of(ada.name) == "worker1"
    with capturing() as seen:
        assert start_kernel(ada).run(f"print({MARK!r})").strip() == MARK
    assert seen.at(VXLAN) == []
    # The answer above crossed the wire.
    assert len(seen.at(WIREGUARD)) > 10
    assert not [content for _, content in seen.packets if MARK.encode() in content]
    assert not [content for _, content in seen.packets if b"HTTP/1.1" in content]


def test_nothing_is_sent_in_plain_text_while_the_tunnel_is_down(
    platform: Platform, ada: Person, worker: Machine
) -> None:
    hub = platform.machines["hub"]
    kernel = start_kernel(ada)
    kernel.run("kept = 42")
    for machine in (hub, worker):
        machine.run("systemctl", "stop", "wg-quick@km3wg")
    try:
        with capturing() as seen, ada.client() as client, suppress(httpx.TimeoutException):
            answer = client.get(f"/user/{ada.name}/api/status", timeout=20)
            assert not answer.is_success
        assert seen.at(VXLAN) == seen.at(WIREGUARD) == []
    finally:
        for machine in (hub, worker):
            machine.run("systemctl", "start", "wg-quick@km3wg")
    eventually(lambda: still_kept(kernel), "her kernel is reached again", seconds=120)


def test_forged_packets_of_users_networks_are_dropped(worker: Machine) -> None:
    ports = worker.run("nft", "list", "chain", "inet", "km3net_host", "input")
    accepted = [line for line in ports.splitlines() if "4789" in line]
    assert accepted
    assert all('iifname "km3wg"' in line for line in accepted)


def test_private_keys_stay_on_their_machine(platform: Platform) -> None:
    keys = []
    for machine in platform.machines.values():
        file = "/etc/wireguard/km3wg.key"
        assert machine.run("stat", "-c", "%a %U", file).strip() == "600 root"
        keys.append(machine.run("cat", file).strip())
        assert keys[-1] not in machine.run("cat", "/etc/wireguard/km3wg.conf")
    assert len(set(keys)) == len(keys)
