"""Removes from the hub what is no longer valid according to `access.json` and the sessions.

Requests are refused at once (`guard.py`); here tokens are deleted, servers stopped, and the hub's
records of a name's former holder removed, whoever made the change: the command line, an
administrator's page, or a restored backup.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any
from weakref import WeakValueDictionary

from jupyterhub import orm

from km3hub.login.access import Access, AccessError, AccessFile
from km3hub.login.sessions import Sessions

__all__ = ["Enforcer", "aware"]

log = logging.getLogger("jupyterhub.km3hub.login")

#: Seconds between two checks of the files.
PERIOD = 1.0
#: Seconds that a login waits for the server of a name's former holder to stop.
_STOP_LIMIT = 60
#: The client of tokens that users make for themselves, and of servers' own tokens.
_NO_BROWSER = "jupyterhub"


def aware(moment: datetime | None) -> datetime:
    """Returns a time of the hub's database, which has no zone, as UTC; a missing one is now."""
    if moment is None:
        return datetime.now(UTC)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class Enforcer:
    """Deletes tokens and stops servers that are no longer valid.

    Parameters
    ----------
    app
        JupyterHub's application.
    access, sessions
        The files.
    """

    def __init__(self, app: Any, access: AccessFile, sessions: Sessions) -> None:
        self.app = app
        self.access = access
        self.sessions = sessions
        self._task: asyncio.Task[None] | None = None
        self._done: object = None
        self._applied: dict[str, Access] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def start(self) -> None:
        """Begin to follow the files, once."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._follow())

    async def _follow(self) -> None:
        while True:
            try:
                await self.apply_changes()
            except Exception:  # one failure must not end the loop
                log.exception("what has ended could not be removed from the hub; trying again")
                # The hub's pages use the same database session.
                self.app.db.rollback()
            await asyncio.sleep(PERIOD)

    async def apply_changes(self) -> None:
        """Apply the files, if they changed."""
        version = (self.access.file.version(), self.sessions.file.version())
        if version == self._done:
            return
        try:
            known = dict(self.access.all())
        except AccessError as error:
            log.error("Access: %s", error)
            return
        new = {name: a for name, a in known.items() if self._applied.get(name) != a}
        # At once, because stopping a server takes a while.
        outcomes = await asyncio.gather(*(self.apply(name, a) for name, a in new.items()))
        done = {name for name, outcome in zip(new, outcomes, strict=True) if outcome}
        self._applied |= {name: new[name] for name in done}
        self._delete_tokens_of_ended_sessions()
        if len(done) == len(new):
            self._done = version

    async def apply(self, name: str, access: Access) -> bool:
        """End what is no longer valid for one name; return whether nothing is left."""
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        async with lock:  # a login may be waiting for the same
            return await self._apply(name, access)

    async def _apply(self, name: str, access: Access) -> bool:
        self.sessions.end(
            *(k for k, s in self.sessions.of(name).items() if s.began < access.valid_since)
        )
        user = self._user(name)
        if user is None:
            return True
        former = access.free or aware(user.orm_user.created) < access.held_since
        self._delete_tokens(user, access.valid_since)
        stopped = True
        for server_name, spawner in list(user.spawners.items()):
            if spawner.active and (former or _started(spawner) < access.valid_since):
                stopped &= await self._stop(user, server_name, spawner)
        if former and stopped:
            await user.delete_spawners()
            self.app.users.delete(user)
            log.warning("Access: removed the hub's records of %s, whose name was freed", name)
        return stopped

    async def settle(self, name: str) -> bool:
        """End what is no longer valid for a name before a login; return whether all of it is gone.

        Raises
        ------
        AccessError
            If the file cannot be read.
        """
        access = self.access.get(name)
        deadline = asyncio.get_running_loop().time() + _STOP_LIMIT
        while not await self.apply(name, access):
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.2)
        return True

    def end_logins(self, name: str) -> None:
        """End sessions and tokens of a user, but not the server that is running."""
        self.sessions.end(*self.sessions.of(name))
        user = self._user(name)
        if user is not None:
            tokens = user.orm_user.api_tokens
            self._delete(user, [t for t in tokens if not (t.note or "").startswith("Server at ")])

    def _user(self, name: str) -> Any | None:
        found = self.app.db.query(orm.User).filter(orm.User.name == name).first()
        return self.app.users[found] if found is not None else None

    def _delete_tokens(self, user: Any, since: datetime) -> None:
        self._delete(user, [t for t in user.orm_user.api_tokens if aware(t.created) < since])

    def _delete(self, user: Any, void: list[Any]) -> None:
        if not void:
            return
        db = self.app.db
        # A code that was issued before could be exchanged for a token after.
        for code in db.query(orm.OAuthCode).filter_by(user_id=user.orm_user.id):
            db.delete(code)
        for token in void:
            db.delete(token)
        db.commit()
        log.warning("Access: deleted %d tokens of %s", len(void), user.name)

    def _delete_tokens_of_ended_sessions(self) -> None:
        """Delete the tokens by which browsers use servers, where their session has ended."""
        db, alive = self.app.db, self.sessions.alive()
        if alive is None:
            return
        tokens = db.query(orm.APIToken).filter(
            orm.APIToken.user_id.isnot(None),
            orm.APIToken.session_id.isnot(None),
            orm.APIToken.client_id != _NO_BROWSER,
        )
        void = [token for token in tokens if token.session_id not in alive]
        for token in void:
            db.delete(token)
        if void:
            db.commit()
            log.info("Access: deleted %d tokens of browser sessions that have ended", len(void))

    async def _stop(self, user: Any, server_name: str, spawner: Any) -> bool:
        if spawner.pending:  # starting or stopping: later
            return False
        log.warning("Access: stopping the server of %s, whose sessions were ended", user.name)
        spawner._stop_pending = True
        try:
            await self.app.proxy.delete_user(user, server_name)
            await user.stop(server_name)
        finally:
            spawner._stop_pending = False
        return not spawner.active


def _started(spawner: Any) -> datetime:
    return aware(spawner.orm_spawner.started)
