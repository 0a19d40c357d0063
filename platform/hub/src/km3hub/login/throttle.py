"""Counts failed logins by user and by address; too many lead to a pause."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Throttle"]


@dataclass
class _Failures:
    count: int
    last: float


class _Counter:
    """Failures by key; a pause after the last one clears the count."""

    def __init__(self, *, limit: int, pause: float, room: int) -> None:
        self.limit = limit
        self.pause = pause
        self.room = room
        self.entries: OrderedDict[str, _Failures] = OrderedDict()

    def wait(self, key: str, now: float) -> float:
        entry = self.entries.get(key)
        if entry is None or entry.count < self.limit:
            return 0
        return max(0.0, entry.last + self.pause - now)

    def add(self, key: str, now: float) -> None:
        entry = self.entries.pop(key, None)
        count = entry.count if entry and now - entry.last < self.pause else 0
        # The latest failure comes last, so that the first one is the oldest.
        self.entries[key] = _Failures(count + 1, now)
        while len(self.entries) > self.room:
            self.entries.popitem(last=False)


def _network(address: str) -> str:
    """Returns the key of a client: its IPv4 address, or the /64 of its IPv6 address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


class Throttle:
    """Decides who must wait before the next login.

    Unknown names are counted, too, so that the answer does not reveal which accounts exist.

    Parameters
    ----------
    attempts
        Failed logins of one user before a pause; of one address ten times as many, because a
        whole class room may share one.
    pause
        Seconds of the pause, counted from the last failure.
    room
        The maximum numbers of users and of addresses in memory; the oldest are dropped first.
    clock
        A monotonic clock, in seconds.
    """

    def __init__(
        self,
        *,
        attempts: int,
        pause: float,
        room: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._users = _Counter(limit=attempts, pause=pause, room=room)
        self._addresses = _Counter(limit=10 * attempts, pause=pause, room=room)

    def wait(self, user: str, address: str) -> int:
        """Returns the seconds until this user may try again from this address; 0: now."""
        now = self._clock()
        return math.ceil(
            max(self._users.wait(user, now), self._addresses.wait(_network(address), now))
        )

    def failed(self, user: str | None, address: str) -> int:
        """Count a failed login and return the resulting pause in seconds.

        `user` is None where the name is invalid.
        """
        now = self._clock()
        if user is not None:
            self._users.add(user, now)
        self._addresses.add(_network(address), now)
        return self.wait(user or "", address)

    def succeeded(self, user: str) -> None:
        """Forget the failures of a user who logged in."""
        self._users.entries.pop(user, None)

    def __len__(self) -> int:
        """Returns the number of users and addresses in memory."""
        return len(self._users.entries) + len(self._addresses.entries)
