"""Ends what former members have of shared folders: the servers in which they are mounted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from km3settings.names import Names
from km3settings.shared import SharedFolder, shared_with

__all__ = ["SharedWatch", "shared_mounts"]

log = logging.getLogger("jupyterhub.km3hub.shared")

#: Seconds between two looks at who is a member.
PERIOD = 5.0


def shared_mounts(container: Mapping[str, Any], names: Names) -> frozenset[str]:
    """Returns the shared folders that an inspected container has."""
    start = names.shared("")
    mounted = [str(mount.get("Name") or "") for mount in container.get("Mounts") or ()]
    return frozenset(name.removeprefix(start) for name in mounted if name.startswith(start))


class SharedWatch:
    """Stops servers that have a shared folder of which their user is no longer a member.

    A mount cannot be taken out of a running container without privileges on the machine.

    Parameters
    ----------
    folders
        The shared folders of the settings.
    hub
        Returns JupyterHub's application.
    """

    def __init__(self, folders: Mapping[str, SharedFolder], hub: Callable[[], Any]) -> None:
        self._folders = folders
        self._hub = hub
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look, once."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._follow())

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            # None while the hub is starting.
            if getattr(self._hub(), "db", None) is None:
                continue
            try:
                await self.look()
            except Exception:  # one failure must not end the loop
                log.exception("memberships of shared folders could not be checked; trying again")
                self._hub().db.rollback()

    async def look(self) -> None:
        """Stop the servers of former members, once; one that cannot be stopped is tried again."""
        app = self._hub()
        for user in list(app.users.values()):
            for server, spawner in list(user.spawners.items()):
                if not spawner.mounted or not spawner.active or spawner.pending:
                    continue
                groups = [group.name for group in user.groups]
                gone = spawner.mounted - frozenset(shared_with(self._folders, groups))
                if not gone:
                    continue
                log.warning(
                    "stopping the server of %s, who is no longer a member of: %s",
                    user.name,
                    ", ".join(sorted(gone)),
                )
                try:
                    await app.proxy.delete_user(user, server)
                    await user.stop(server)
                except Exception:  # the others must not wait for it
                    log.exception("the server of %s could not be stopped", user.name)
