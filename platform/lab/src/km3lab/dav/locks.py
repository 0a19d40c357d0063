"""Locks of WebDAV, for programs that cooperate; JupyterLab and terminals know nothing of them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass

from km3lab.dav.errors import DavError
from km3lab.dav.tree import Segments

__all__ = ["Lock", "Locks"]

#: Seconds that a lock lasts, unless it is refreshed.
LONGEST, _USUAL = 3600.0, 600.0
#: Locks at a time; each takes memory of the server.
MOST = 1000


@dataclass
class Lock:
    """A write lock."""

    token: str
    where: Segments
    exclusive: bool
    deep: bool
    owner: str
    """XML, as the program sent it."""
    seconds: float
    ends: float

    def covers(self, where: Segments) -> bool:
        """Whether the lock protects a file."""
        return where == self.where or (self.deep and where[: len(self.where)] == self.where)


class Locks:
    """The locks of one server; they end with it.

    Parameters
    ----------
    clock
        Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._locks: dict[str, Lock] = {}

    def _current(self) -> list[Lock]:
        now = self._clock()
        self._locks = {token: lock for token, lock in self._locks.items() if lock.ends > now}
        return list(self._locks.values())

    def on(self, where: Segments) -> list[Lock]:
        """Returns the locks that protect a file or folder."""
        return [lock for lock in self._current() if lock.covers(where)]

    def add(
        self, where: Segments, *, exclusive: bool, deep: bool, owner: str, seconds: float | None
    ) -> Lock:
        """Lock a file or folder.

        Raises
        ------
        DavError
            423 where another lock is in the way, 507 where there are too many.
        """
        current = self._current()
        for lock in current:
            inside = deep and lock.where[: len(where)] == where
            if (lock.covers(where) or inside) and (exclusive or lock.exclusive):
                raise DavError(
                    423, "Another program has locked this.", condition="no-conflicting-lock"
                )
        if len(current) >= MOST:
            raise DavError(507, f"This server keeps {MOST} locks; release some, then try again.")
        limit = min(_USUAL if seconds is None else seconds, LONGEST)
        token = f"urn:uuid:{uuid.uuid4()}"
        lock = Lock(token, where, exclusive, deep, owner, limit, self._clock() + limit)
        self._locks[token] = lock
        return lock

    def refresh(self, where: Segments, tokens: Collection[str], seconds: float | None) -> Lock:
        """Let a lock last longer.

        Raises
        ------
        DavError
            412 where none of the tokens is that of a lock of this file.
        """
        for lock in self.on(where):
            if lock.token in tokens:
                lock.seconds = min(_USUAL if seconds is None else seconds, LONGEST)
                lock.ends = self._clock() + lock.seconds
                return lock
        raise DavError(412, "This is not locked, or by another program.")

    def release(self, where: Segments, token: str) -> None:
        """Unlock.

        Raises
        ------
        DavError
            409 where the token is not that of a lock of this file.
        """
        if not any(lock.token == token for lock in self.on(where)):
            raise DavError(
                409, "This lock does not exist.", condition="lock-token-matches-request-uri"
            )
        del self._locks[token]

    def forget(self, where: Segments) -> None:
        """Remove the locks of what was moved or deleted."""
        for lock in self._current():
            if lock.where[: len(where)] == where:
                del self._locks[lock.token]

    def demand(
        self, where: Segments, tokens: Collection[str], *, deep: bool = False, member: bool = False
    ) -> None:
        """Refuse a change that a lock forbids.

        Parameters
        ----------
        where
            What is to be changed.
        tokens
            Those that the program sent.
        deep
            Whether everything in the folder is changed, too.
        member
            Whether the folder that it is in gains or loses a member.

        Raises
        ------
        DavError
            423.
        """
        current = self._current()
        wanted = [[lock for lock in current if lock.covers(where)]]
        if member and where:
            wanted.append([lock for lock in current if lock.covers(where[:-1])])
        if deep:
            inside = [lock for lock in current if lock.where[: len(where)] == where]
            wanted += [[lock] for lock in inside]
        if any(some and not any(lock.token in tokens for lock in some) for some in wanted):
            raise DavError(
                423, "Another program has locked this.", condition="lock-token-submitted"
            )
