"""Counts failed logins; too many lead to a pause, which gets longer each time.

Browsers in which the owner of a name has logged in before (`device.py`) have a limit of their own.
All others share three: of a name from one address, of an address with any name, and of a name from
any address. Strangers who guess from many addresses can reach the last one for anybody, so its
pause does not grow, and it never applies to a known device.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

__all__ = ["LONGEST_PAUSE", "NAME_FACTOR", "Throttle"]

#: Seconds.
LONGEST_PAUSE = 86400.0
#: Seconds after which failures are forgotten: a quiet day after the longest pause.
_REMEMBERED = 2 * LONGEST_PAUSE
#: Failures of a name from all addresses, and of an address with all names, before a pause, as a
#: multiple of those of a name from one address: a whole class room may share an address.
NAME_FACTOR = 10


@dataclass
class _Failures:
    count: int
    """Failures since the last pause."""
    last: float
    pauses: int
    """How many pauses there were."""


class _Counter:
    """Failures by key; a quiet time as long as a pause clears the count, two days all."""

    def __init__(self, *, limit: int, pause: float, room: int, grows: bool) -> None:
        self.limit = limit
        self.pause = pause
        self.room = room
        self.grows = grows
        self.entries: OrderedDict[str, _Failures] = OrderedDict()

    def _length(self, entry: _Failures) -> float:
        """Returns the length of the pause after so many pauses."""
        if not self.grows:
            return self.pause
        return max(self.pause, min(self.pause * 2.0 ** min(entry.pauses, 60), LONGEST_PAUSE))

    def wait(self, key: str, now: float) -> float:
        entry = self.entries.get(key)
        if entry is None or entry.count < self.limit:
            return 0
        return max(0.0, entry.last + self._length(entry) - now)

    def add(self, key: str, now: float) -> None:
        entry = self.entries.pop(key, None)
        if entry is None or now - entry.last >= _REMEMBERED:
            entry = _Failures(0, now, 0)
        elif entry.count >= self.limit and now < entry.last + self._length(entry):
            # Two attempts at the same time; nobody can prolong a pause.
            self.entries[key] = entry
            return
        elif entry.count >= self.limit:  # a pause is over
            entry = _Failures(0, now, entry.pauses + 1)
        elif now - entry.last >= self.pause:
            entry = _Failures(0, now, entry.pauses)
        # The latest failure comes last, so that the first one is the oldest.
        self.entries[key] = _Failures(entry.count + 1, now, entry.pauses)
        while len(self.entries) > self.room:
            self.entries.popitem(last=False)

    def forget(self, key: str) -> None:
        self.entries.pop(key, None)


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
        Failed logins of one user from one address, or from one known device, before a pause; ten
        times as many of one user from all addresses, and of one address with all names.
    pause
        Seconds of the first pause, counted from the last failure.
    room
        The maximum number of entries per limit in memory; the oldest are dropped first.
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

        def counter(limit: int, *, grows: bool) -> _Counter:
            return _Counter(limit=limit, pause=pause, room=room, grows=grows)

        self._pairs = counter(attempts, grows=True)
        self._devices = counter(attempts, grows=True)
        self._users = counter(NAME_FACTOR * attempts, grows=False)
        self._addresses = counter(NAME_FACTOR * attempts, grows=True)

    def wait(self, user: str, address: str, device: str = "") -> int:
        """Returns the seconds until this user may try again from this address; 0: now.

        Parameters
        ----------
        user
            The user name; empty if it is invalid.
        address
            The client's address.
        device
            The known device of that user; empty for an unknown browser.
        """
        now = self._clock()
        limits = self._limits(user, address, device)
        return math.ceil(max(counter.wait(key, now) for counter, key in limits))

    def failed(self, user: str | None, address: str, device: str = "") -> int:
        """Count a failed login and return the resulting pause in seconds.

        `user` is None if the name is invalid.
        """
        now = self._clock()
        for counter, key in self._limits(user or "", address, device):
            counter.add(key, now)
        return self.wait(user or "", address, device)

    def succeeded(self, user: str, address: str, device: str = "") -> None:
        """Forget the failures of a user who logged in, from this address or device.

        Those from other addresses keep counting: they are not the owner's.
        """
        if device:
            self._devices.forget(f"{user} {device}")
        self._pairs.forget(f"{user} {_network(address)}")

    def forget(self, user: str) -> None:
        """Forget all failures of a user, whose password was changed."""
        self._users.forget(user)
        for counter in (self._pairs, self._devices):
            for key in [key for key in counter.entries if key.startswith(f"{user} ")]:
                counter.forget(key)

    def _limits(self, user: str, address: str, device: str) -> Iterator[tuple[_Counter, str]]:
        if device and user:
            # Nothing else: strangers may have reached every other limit, also behind one address.
            yield self._devices, f"{user} {device}"
            return
        network = _network(address)
        yield self._addresses, network
        if user:
            yield self._pairs, f"{user} {network}"
            yield self._users, user

    def __len__(self) -> int:
        """Returns the number of entries in memory."""
        counters = (self._pairs, self._devices, self._users, self._addresses)
        return sum(len(counter.entries) for counter in counters)
