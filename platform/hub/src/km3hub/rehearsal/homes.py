"""Deleting the homes of a rehearsal's accounts."""

from __future__ import annotations

import asyncio
import shutil
import string

from escapism import escape

from km3hub.rehearsal.names import is_rehearsal
from km3settings.names import Names
from km3settings.runtime import Runtime

__all__ = ["remove_home"]


async def remove_home(runtime: Runtime, name: str) -> None:
    """Delete the home of one temporary account, and what else belongs to it.

    In a swarm, homes on other machines remain there, out of the hub's reach.

    Raises
    ------
    ValueError
        For any other account.
    OSError, docker.errors.DockerException, km3hub.spawning.homes.HomesError
        If it cannot be deleted.
    """
    if not is_rehearsal(name):
        raise ValueError(f"{name} is not an account of a rehearsal")
    if runtime.mode == "embedded":
        folder = runtime.state.homes / name
        if folder.is_dir():
            await asyncio.to_thread(shutil.rmtree, folder)
        (runtime.state.logs / f"server-{name}.log").unlink(missing_ok=True)
        return
    # As the spawner spells it in the names of volumes.
    safe = set(string.ascii_letters + string.digits)
    user = escape(name, safe, escape_char="-").lower()
    names = Names(runtime.project)
    if runtime.homes:
        from km3hub.spawning.homes import HomesService

        await HomesService().remove("home", user)
        await HomesService().remove("scratch", user)
    await asyncio.to_thread(_remove_volumes, names.home(user), names.scratch(user))


def _remove_volumes(*volumes: str) -> None:
    from docker.errors import NotFound

    from km3hub.spawning.engine import engine

    client = engine()
    try:
        for volume in volumes:
            try:
                client.remove_volume(volume)
            except NotFound:
                continue
    finally:
        client.close()
