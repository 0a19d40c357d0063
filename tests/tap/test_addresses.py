"""Which addresses are public, and fetching uploads from public hosts only.

No test sends a packet beyond this machine: names are resolved by the test, and connections to
public addresses end at a server on loopback.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_network

import pytest

from adqlite.errors import UploadError, UploadTooLarge
from adqlite.limits import Limits
from adqlite.uploads.addresses import why_not_public
from adqlite.uploads.remote import fetch

# RFC 6890 and the registries of special addresses at IANA; RFC 6052 and RFC 8215 (NAT64), RFC 3056
# (6to4), RFC 4380 (Teredo), RFC 4291 (mapped and compatible), RFC 6598 (CGNAT).
NOT_PUBLIC = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.8.8.8",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:c0a8:101::1",
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456:789a::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "nonsense",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.32.0.1", "193.0.6.139"]
PUBLIC_6 = ["2001:4860:4860::8888", "2606:4700:4700::1111", "2a00:1450:4001::1", "2003::1"]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_inside_a_network_or_leading_into_one_is_not_public(address: str) -> None:
    assert why_not_public(address)


@pytest.mark.parametrize("address", [*PUBLIC, *PUBLIC_6])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert why_not_public(address) is None


def test_a_site_can_refuse_its_own_networks() -> None:
    # A site's own NAT64 prefix (RFC 6052) is like any other global address.
    networks = [ip_network("2a00:1450:64::/96")]
    assert why_not_public("2a00:1450:64::10.0.0.1", networks)
    assert why_not_public("2a00:1450:65::1", networks) is None


@pytest.mark.parametrize("text", ["2001:db8::/200", "example.org", "10.0.0.1/8"])
def test_a_wrong_network_is_refused_as_a_limit(text: str) -> None:
    with pytest.raises(ValueError, match="is not a network"):
        Limits(upload_refused=(text,))


class Inside:
    """A server on loopback, which stands for whatever a name leads to."""

    def __init__(self, answer: Callable[[socket.socket], None]) -> None:
        self.connected: list[str] = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.answer = answer
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                accepted, _ = self.listening.accept()
            except OSError:
                return
            with accepted:
                try:
                    accepted.recv(65536)
                    self.answer(accepted)
                except OSError:
                    continue

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        """Connects to this server, whatever the address, and notes the address."""
        self.connected.append(address)
        return socket.create_connection(self.listening.getsockname(), timeout=seconds)


@contextmanager
def inside(answer: Callable[[socket.socket], None]) -> Iterator[Inside]:
    server = Inside(answer)
    try:
        yield server
    finally:
        server.listening.close()


def document(body: bytes, *headers: str) -> Callable[[socket.socket], None]:
    head = "\r\n".join(["HTTP/1.1 200 OK", *headers, f"Content-Length: {len(body)}", "", ""])
    return lambda sock: sock.sendall(head.encode() + body)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_a_name_that_resolves_into_a_network_is_not_connected_to(address: str) -> None:
    with inside(document(b"secret")) as server:
        for found in ([address], ["8.8.8.8", address]):
            with (
                pytest.raises(UploadError, match="no public address"),
                fetch(
                    "http://tables.example/x",
                    Limits(),
                    resolve=lambda *_, found=found: found,
                    connect=server.connect,
                ),
            ):
                pass
        assert server.connected == []


def test_a_name_that_changes_its_answer_is_connected_to_at_the_checked_address() -> None:
    answers = iter([["8.8.8.8"], ["127.0.0.1"], ["127.0.0.1"]])
    with (
        inside(document(b"<VOTABLE/>")) as server,
        fetch(
            "http://rebinding.example/x",
            Limits(),
            resolve=lambda *_: next(answers),
            connect=server.connect,
        ) as file,
    ):
        assert file.read() == b"<VOTABLE/>"
        assert server.connected == ["8.8.8.8"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    def redirect(sock: socket.socket) -> None:
        target = f"http://127.0.0.1:{sock.getsockname()[1]}/inside"
        sock.sendall(
            f"HTTP/1.1 {status} X\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()
        )

    with inside(redirect) as server:
        with (
            pytest.raises(UploadError, match="redirects"),
            fetch(
                "http://a.example/x",
                Limits(),
                resolve=lambda *_: ["8.8.8.8"],
                connect=server.connect,
            ),
        ):
            pass
        assert server.connected == ["8.8.8.8"]


def test_a_body_without_end_is_cut_off_at_the_limit() -> None:
    def endless(sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            sock.sendall(b" " * 65536)

    with (
        inside(endless) as server,
        pytest.raises(UploadTooLarge, match="100000 bytes"),
        fetch(
            "http://a.example/x",
            Limits(upload_bytes=100_000),
            resolve=lambda *_: ["8.8.8.8"],
            connect=server.connect,
        ),
    ):
        pass


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_host_that_sends_one_byte_at_a_time_is_given_up(start: bytes) -> None:
    ended = threading.Event()

    def drip(sock: socket.socket) -> None:
        sock.sendall(start)
        while not ended.wait(0.05):
            sock.sendall(b"x")

    with inside(drip) as server:
        try:
            with (
                pytest.raises(UploadError, match="took longer than"),
                fetch(
                    "http://a.example/x",
                    Limits(),
                    resolve=lambda *_: ["8.8.8.8"],
                    connect=server.connect,
                    seconds=0.5,
                ),
            ):
                pass
        finally:
            ended.set()


def test_a_network_that_the_site_refuses_is_not_connected_to() -> None:
    with inside(document(b"secret")) as server:
        with (
            pytest.raises(UploadError, match="refused by this service"),
            fetch(
                "http://a.example/x",
                Limits(upload_refused=("8.8.8.0/24",)),
                resolve=lambda *_: ["8.8.8.8"],
                connect=server.connect,
            ),
        ):
            pass
        assert server.connected == []
