"""Deleting the homes of a rehearsal's accounts."""

from __future__ import annotations

import asyncio
import shutil
import string
from typing import TYPE_CHECKING

from escapism import escape

from km3hub.rehearsal.names import is_rehearsal
from km3settings.names import Names
from km3settings.runtime import Runtime

if TYPE_CHECKING:
    from docker import APIClient

    from km3hub.spawning.homes import Kind

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
    await _remove_volumes(runtime, name)


async def _remove_volumes(runtime: Runtime, name: str) -> None:
    from km3hub.spawning.engine import engine
    from km3hub.spawning.homes import HomesService

    # As the spawner spells it in the names of volumes.
    safe = set(string.ascii_letters + string.digits)
    user = escape(name, safe, escape_char="-").lower()
    names = Names(runtime.project)
    volumes: dict[Kind, str] = {"home": names.home(user), "scratch": names.scratch(user)}
    client = await asyncio.to_thread(engine)
    try:
        # Without scratch folders there is one only, and none where no server ever started.
        for kind, volume in volumes.items():
            if not await asyncio.to_thread(_exists, client, volume):
                continue
            if runtime.homes:
                await HomesService().remove(kind, user)
            await asyncio.to_thread(client.remove_volume, volume)
    finally:
        client.close()


def _exists(client: APIClient, volume: str) -> bool:
    from docker.errors import NotFound

    try:
        client.inspect_volume(volume)
    except NotFound:
        return False
    return True
