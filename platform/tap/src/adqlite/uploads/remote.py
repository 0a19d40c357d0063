"""Uploads given by address, fetched from public hosts only.

Strangers must not reach the networks around the service through it. The name of the host is looked
up once. Every address found has to be public, and the connection goes to one of them, so a name
that changes its answer gains nothing. Redirects are not followed.

This is the only client that sends requests to addresses which strangers choose.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from ipaddress import ip_network
from typing import IO
from urllib.parse import SplitResult, urlsplit

from adqlite.errors import UploadError, UploadTooLarge
from adqlite.limits import Limits
from adqlite.uploads.addresses import why_not_public

_SECONDS = 20.0
_PORTS = {"http": 80, "https": 443}

#: Returns the addresses of a host; raises OSError if there are none.
Resolve = Callable[[str, int], Sequence[str]]
#: Opens a connection to an address and port within a number of seconds.
Connect = Callable[[str, int, float], socket.socket]


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(item[4][0]) for item in found]


def _connect(address: str, port: int, seconds: float) -> socket.socket:
    return socket.create_connection((address, port), timeout=seconds)


class _PinnedConnection(http.client.HTTPConnection):
    """A connection to a checked address; TLS verifies the name of the host."""

    def __init__(self, url: SplitResult, address: str, connect: Connect) -> None:
        super().__init__(url.hostname or "", _PORTS[url.scheme], timeout=_SECONDS)
        self._address = address
        self._secure = url.scheme == "https"
        self._connect = connect
        self.raw: socket.socket | None = None

    def connect(self) -> None:
        self.raw = self._connect(self._address, self.port, _SECONDS)
        self.sock = (
            ssl.create_default_context().wrap_socket(self.raw, server_hostname=self.host)
            if self._secure
            else self.raw
        )


def public_address(host: str, port: int, limits: Limits, resolve: Resolve = _resolve) -> str:
    """Returns the address of a public host.

    Raises
    ------
    UploadError
        The host is unknown, or one of its addresses is not public.
    """
    try:
        found = sorted(set(resolve(host, port)))
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise UploadError(f"the host {host[:80]!r} of the upload cannot be found") from None
    refused = [ip_network(text) for text in limits.upload_refused]
    for address in found:
        reason = why_not_public(address, refused)
        if reason:
            # Not the address itself: names of the site's own network are nobody else's business.
            raise UploadError(
                f"the host {host[:80]!r} of the upload has no public address ({reason}); "
                "send the table with the request instead"
            )
    return found[0]


@contextmanager
def fetch(
    url: str,
    limits: Limits,
    out: IO[bytes] | None = None,
    *,
    resolve: Resolve = _resolve,
    connect: Connect = _connect,
    seconds: float = _SECONDS,
) -> Iterator[IO[bytes]]:
    """Fetches a table into a file.

    Parameters
    ----------
    url : str
    limits : Limits
    out : binary file, optional
        Where to write; a temporary file by default. It is closed at the end.
    resolve, connect : callable, optional
        How to look up a name and connect; each is called once.
    seconds : float
        Longest time from the connection to the last byte, however slowly the host sends.

    Raises
    ------
    UploadError
        The address is not accepted, or does not return a document in time.
    """
    parts = _accepted(url)
    host = parts.hostname or ""
    address = public_address(host, _PORTS[parts.scheme], limits, resolve)
    with out or tempfile.TemporaryFile() as file:
        _receive(_PinnedConnection(parts, address, connect), url, limits, file, seconds)
        file.seek(0)
        yield file


def _accepted(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        raise UploadError(f"{url[:80]!r} is not an address") from None
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
        raise UploadError(f"{url[:80]!r} is neither param:NAME nor an http or https address")
    if port != _PORTS[parts.scheme]:
        raise UploadError(f"uploads are fetched from the ports of http and https only, not {port}")
    return parts


def _receive(
    connection: _PinnedConnection, url: str, limits: Limits, out: IO[bytes], seconds: float
) -> None:
    late = threading.Event()

    def end() -> None:
        # A socket's timeout starts again with each byte, so one that sends slowly never meets it.
        late.set()
        if connection.raw is not None:
            with suppress(OSError):
                connection.raw.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("GET", path, headers={"Accept": "application/x-votable+xml"})
        response = connection.getresponse()
        if response.status in {301, 302, 303, 307, 308}:
            raise UploadError(
                f"{url[:80]!r} redirects to another address, which is not followed; "
                "give the final address"
            )
        if response.status != 200:
            raise UploadError(f"{url[:80]!r} answered with status {response.status}")
        while block := response.read1(1 << 16):
            out.write(block)
            if out.tell() > limits.upload_bytes:
                raise UploadTooLarge(f"{url[:80]!r} has more than {limits.upload_bytes} bytes")
    except (OSError, http.client.HTTPException, ValueError) as error:
        if not late.is_set():
            raise UploadError(f"{url[:80]!r} cannot be fetched ({error})") from None
    finally:
        timer.cancel()
        connection.close()
    if late.is_set():
        raise UploadError(f"{url[:80]!r} took longer than {seconds:g} s")
