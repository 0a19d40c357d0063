"""The temporary accounts of a rehearsal, made and removed by the hub's API."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from km3hub.rehearsal.names import is_rehearsal
from km3hub.workshops.hub import AdminHub, HubError

__all__ = ["make_accounts", "remove_accounts"]

#: Seconds that a server may take to stop, and between two tries to delete its user.
_STOP, _INTERVAL = 120, 1.0
#: As many users are deleted at once.
_AT_ONCE = 8


async def make_accounts(hub: AdminHub, users: int, group: str = "") -> list[tuple[str, str]]:
    """Returns names and passwords of new temporary accounts.

    Raises
    ------
    HubError
        If the hub refuses.
    """
    answer = await hub.ask("POST", "/rehearsal", json={"users": users, "group": group})
    return [(one["name"], one["password"]) for one in answer.json()["people"]]


async def remove_accounts(hub: AdminHub) -> list[str]:
    """Remove everything that rehearsals left on the hub; return the names of the accounts.

    Raises
    ------
    HubError
        If something cannot be removed; running it again is safe.
    """
    names = set((await hub.ask("GET", "/rehearsal")).json()["names"])
    names |= {name for name in await hub.users() if is_rehearsal(name)}
    turns = asyncio.Semaphore(_AT_ONCE)

    async def delete(name: str) -> None:
        async with turns:
            await _delete(hub, name)

    await asyncio.gather(*(delete(name) for name in sorted(names)))
    # Last: what is not deleted yet is found by its account.
    await hub.ask("DELETE", "/rehearsal")
    return sorted(names)


async def _delete(hub: AdminHub, name: str) -> None:
    path = f"/users/{quote(name, safe='')}"
    try:
        async with asyncio.timeout(_STOP):
            # 400: its server is starting or stopping.
            while (await hub.ask("DELETE", path, accept=(400, 404))).status_code == 400:
                await hub.ask("DELETE", f"{path}/server", accept=(400, 404))
                await asyncio.sleep(_INTERVAL)
    except TimeoutError:
        raise HubError(
            f"the server of {name} did not stop within {_STOP} s; remove it with: km3hub workshop"
            " rehearse --clean"
        ) from None
