"""Uploads given by address, fetched from public hosts only.

Strangers must not reach the networks around the service through it. The host's address is looked up
once, has to be public, and is the one connected to; redirects are not followed.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO
from urllib.parse import urlsplit

from adqlite.errors import UploadError, UploadTooLarge
from adqlite.limits import Limits

_SECONDS = 20.0
_PORTS = {"http": 80, "https": 443}


class _PinnedConnection(http.client.HTTPConnection):
    """A connection to a checked address; TLS verifies the name of the host."""

    def __init__(self, host: str, address: str, port: int, *, secure: bool) -> None:
        super().__init__(host, port, timeout=_SECONDS)
        self._address = address
        self._secure = secure

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), timeout=_SECONDS)
        self.sock = (
            ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)
            if self._secure
            else plain
        )


def public_address(host: str, port: int) -> str:
    """Returns the address of a public host.

    Raises
    ------
    UploadError
        The host is unknown, or one of its addresses is not public.
    """
    try:
        found = {
            str(item[4][0]) for item in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        }
    except (OSError, UnicodeError):
        raise UploadError(f"the host {host[:80]!r} of the upload cannot be found") from None
    for address in found:
        ip = ipaddress.ip_address(address.partition("%")[0])
        mapped = getattr(ip, "ipv4_mapped", None)
        if not (mapped or ip).is_global or ip.is_multicast:
            raise UploadError(
                f"the host {host[:80]!r} of the upload has no public address; "
                "send the table with the request instead"
            )
    return sorted(found)[0]


@contextmanager
def fetch(url: str, limits: Limits) -> Iterator[IO[bytes]]:
    """Fetches a table into a temporary file.

    Raises
    ------
    UploadError
        The address is not accepted, or does not return a document.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        raise UploadError(f"{url[:80]!r} is not an address") from None
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
        raise UploadError(f"{url[:80]!r} is neither param:NAME nor an http or https address")
    if port != _PORTS[parts.scheme]:
        raise UploadError(f"uploads are fetched from the ports of http and https only, not {port}")
    address = public_address(parts.hostname, port)
    connection = _PinnedConnection(parts.hostname, address, port, secure=parts.scheme == "https")
    deadline = time.monotonic() + _SECONDS
    with tempfile.TemporaryFile() as out:
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("GET", path, headers={"Accept": "application/x-votable+xml"})
            response = connection.getresponse()
            if response.status != 200:
                raise UploadError(f"{url[:80]!r} answered with status {response.status}")
            while block := response.read(1 << 16):
                out.write(block)
                if out.tell() > limits.upload_bytes:
                    raise UploadTooLarge(f"{url[:80]!r} has more than {limits.upload_bytes} bytes")
                if time.monotonic() > deadline:
                    raise UploadError(f"{url[:80]!r} took longer than {_SECONDS:g} s")
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UploadError(f"{url[:80]!r} cannot be fetched ({error})") from None
        finally:
            connection.close()
        out.seek(0)
        yield out
