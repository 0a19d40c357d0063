"""Web servers in front of the platform that are not trusted to report addresses yet.

Behind such a server all clients have one address: its own. Failed logins of all of them then count
together. It shows in logins: most from that address name another client in X-Forwarded-For. Some do
not, where somebody or a check on the web server's machine logs in directly. A client may forge that
header, so only an address from which several logins and most of the latest ones have it counts, and
an administrator decides whether it is a web server.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from tornado.httputil import HTTPServerRequest

from km3hub.login.address import client_address, hops_before
from km3hub.login.stored import replace_file

__all__ = ["ENOUGH", "FrontServers", "advice", "recorded"]

log = logging.getLogger("jupyterhub.km3hub.login")

#: Logins from one address, through it for somebody else, that make it a web server.
ENOUGH = 5
#: The latest logins from one address that are remembered; most of them must be such.
_LATEST = 20
#: Addresses in memory; the one that was not seen for longest is dropped.
_ROOM = 1000


class FrontServers:
    """Finds addresses from which logins come for others.

    Parameters
    ----------
    file
        Where the addresses are recorded for `km3hub check`; it is as old as the hub's start.
    trusted
        The addresses in `login.trusted_proxies`.
    """

    def __init__(self, file: Path, trusted: Collection[str]) -> None:
        self.file = file
        self._trusted = trusted
        self._logins: dict[str, deque[bool]] = {}
        self.found: list[str] = []
        """The addresses that are most likely web servers."""
        with suppress(OSError):
            file.unlink(missing_ok=True)

    def note(self, request: HTTPServerRequest) -> None:
        """Note a login, successful or not."""
        address = client_address(request, self._trusted)
        logins = self._logins.pop(address, None) or deque(maxlen=_LATEST)
        logins.append(bool(hops_before(request, self._trusted)))
        self._logins[address] = logins
        while len(self._logins) > _ROOM:
            del self._logins[next(iter(self._logins))]
        found = [one for one, latest in self._logins.items() if _in_front(latest)]
        if sorted(found) != sorted(self.found):
            self.found = found
            for one in found:
                log.warning("Login: %s", advice(one))
            try:
                replace_file(self.file, json.dumps(sorted(found)))
            except OSError as error:
                log.error("%s cannot be written: %s", self.file, error)


def _in_front(latest: Collection[bool]) -> bool:
    through = sum(latest)
    return through >= ENOUGH and 2 * through > len(latest)


def advice(address: str) -> str:
    """Returns what an administrator should know and do about such an address."""
    return (
        f"most logins from {address} come through it for other clients. If a web server of yours"
        f" has this address, add it to login.trusted_proxies: until then failed logins of all its"
        " clients count together. Otherwise somebody there forges X-Forwarded-For; then do not"
    )


def recorded(file: Path) -> list[str]:
    """Returns the addresses that the running hub has found; none where it cannot be read."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [str(address) for address in found] if isinstance(found, list) else []
