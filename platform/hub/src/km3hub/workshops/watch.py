"""What the running hub does for workshops: groups, ended accounts, expired archives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyterhub import orm

from km3hub.membership.names import WorkshopError
from km3hub.membership.record import Role, Workshop
from km3hub.workshops.cards import CardsFile
from km3hub.workshops.downloads import Downloads
from km3settings.state import State

__all__ = ["GRACE", "WorkshopWatch"]

log = logging.getLogger("jupyterhub.km3hub.workshops")

#: Seconds between two looks at the file of workshops.
PERIOD = 5.0
#: How long servers go on after the end of a workshop, so that work can be saved.
GRACE = timedelta(hours=1)
_ROLES: tuple[Role, ...] = ("participant", "teacher")


class WorkshopWatch:
    """Follows the file of workshops.

    Parameters
    ----------
    state
        The state folder.
    hub
        Returns JupyterHub's application.
    clock
        Returns the time.
    """

    def __init__(
        self,
        state: State,
        hub: Callable[[], Any],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._state = state
        self._hub = hub
        self._clock = clock
        self.downloads = Downloads(state)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to follow the file, once."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._follow())

    async def _follow(self) -> None:
        while True:
            try:
                await self.look()
            except (WorkshopError, OSError) as error:
                log.error("workshops: %s", error)
            except Exception:  # one failure must not end the loop
                log.exception("workshops could not be looked after; trying again")
                self._hub().db.rollback()
            await asyncio.sleep(PERIOD)

    async def look(self) -> None:
        """Bring groups, servers, handouts and archives in line with the file, once."""
        if not self._state.workshops_file.exists():
            return
        now = self._clock()
        for workshop in self.downloads.store.all():
            self._set_groups(workshop)
            if workshop.over(now):
                CardsFile(self._state.workshops, workshop.name).forget()
            if workshop.state == "open" and now >= workshop.until + GRACE:
                await self._stop_servers(workshop)
        for account in await asyncio.to_thread(self.downloads.delete_expired):
            log.info("workshops: deleted the archive of %s, which has expired", account)

    def _set_groups(self, workshop: Workshop) -> None:
        """Keep the hub's groups of a workshop, whose properties say what it offers."""
        db = self._hub().db
        changed = False
        for role in _ROLES:
            group = orm.Group.find(db, workshop.group(role))
            if workshop.state == "closed":
                if group is not None:
                    db.delete(group)
                    changed = True
                continue
            properties = {
                "workshop": workshop.name,
                "role": role,
                "environment": workshop.environment,
                "size": workshop.size,
                "until": workshop.until.isoformat(),
            }
            if group is None:
                db.add(orm.Group(name=workshop.group(role), properties=properties))
                changed = True
            elif group.properties != properties:
                group.properties = properties
                changed = True
        if changed:
            db.commit()

    async def _stop_servers(self, workshop: Workshop) -> None:
        """Stop the servers of accounts that ended a while ago."""
        app = self._hub()
        members = {member.account for member in self.downloads.store.members(workshop.name)}
        for name in members:
            found = orm.User.find(app.db, name)
            if found is None:
                continue
            user = app.users[found]
            for server, spawner in list(user.spawners.items()):
                if spawner.active and not spawner.pending:
                    log.info("workshops: stopping the server of %s, which is over", name)
                    await app.proxy.delete_user(user, server)
                    await user.stop(server)
