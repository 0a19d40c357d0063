"""The HTTP session for services of the Virtual Observatory that a catalogue names.

pyvo follows redirects, and links in the documents of the service. Both come from the server, so
each request is checked, and each answer is limited in size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import requests

from ..errors import DownloadError
from ..hosts import Hosts


class GuardedSession(requests.Session):
    """A session that sends requests to allowed hosts only.

    Parameters
    ----------
    hosts : Hosts
    limit : int
        Largest answer in bytes.
    """

    def __init__(self, hosts: Hosts, limit: int) -> None:
        super().__init__()
        self._hosts = hosts
        self._limit = limit
        # A compressed answer could expand to any size.
        self.headers["Accept-Encoding"] = "identity"

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send a request; requests calls this for redirects, too.

        Raises
        ------
        HostNotAllowed
            It goes to another host.
        DownloadError
            The answer is compressed, or larger than the limit.
        """
        self._hosts.check(request.url or "", "The service leads to")
        response = super().send(request, **{**options, "stream": True})
        if response.headers.get("Content-Encoding", "identity") not in ("", "identity"):
            response.close()
            raise DownloadError(f"{request.url}: the answer is compressed against the request")
        self._count(response)
        return response

    def _count(self, response: requests.Response) -> None:
        """Make reading the answer fail above the limit, whichever way it is read."""
        received = 0

        def add(block: bytes) -> bytes:
            nonlocal received
            received += len(block)
            if received > self._limit:
                response.close()
                raise DownloadError(
                    f"{response.url}: the answer is larger than the limit of "
                    f"{self._limit / 1e6:.3g} MB; select fewer rows, or set OPENKM3_MAX_DOWNLOAD"
                )
            return block

        raw: Any = response.raw
        read: Callable[..., bytes] = raw.read
        chunks: Callable[..., Iterator[bytes]] = raw.read_chunked
        raw.read = lambda *args, **options: add(read(*args, **options))
        raw.read_chunked = lambda *args, **options: map(add, chunks(*args, **options))
