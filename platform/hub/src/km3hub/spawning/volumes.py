"""A user's home and scratch folder as Docker volumes, with their limits enforced."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from km3hub.spawning.homes import HomesService, Kind, Use
from km3settings.names import Names
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["HOME", "SCRATCH", "UserVolumes"]

#: The folders in users' containers.
HOME, SCRATCH = "/home/km3", "/scratch"


class UserVolumes:
    """Provides the volumes of one user's server.

    Parameters
    ----------
    settings, runtime
        The settings, and whether the service `homes` runs.
    user
        The user's name as in the names of volumes.
    create
        Creates a volume of a name; one that exists is left alone.
    release
        Removes the user's container, so that nothing uses the volumes.
    """

    def __init__(
        self,
        settings: Settings,
        runtime: Runtime,
        user: str,
        *,
        create: Callable[[str], Awaitable[Any]],
        release: Callable[[], Awaitable[Any]],
    ) -> None:
        self._names = Names(runtime.project)
        self._service = HomesService() if runtime.homes else None
        self._scratch = bool(settings.homes.scratch.size and runtime.homes)
        self._user = user
        self._create = create
        self._release = release

    @property
    def _kinds(self) -> tuple[Kind, ...]:
        return ("home", "scratch") if self._scratch else ("home",)

    def _volume(self, kind: Kind) -> str:
        return (self._names.home if kind == "home" else self._names.scratch)(self._user)

    @property
    def binds(self) -> Mapping[str, str]:
        """Returns the folder in the container for each volume."""
        return {self._volume(k): HOME if k == "home" else SCRATCH for k in self._kinds}

    async def provide(
        self, groups: Sequence[str], copied: Callable[[int, int], None]
    ) -> tuple[Use, ...]:
        """Create the volumes and have their limits enforced.

        Parameters
        ----------
        groups
            The user's groups, which decide about the limit.
        copied
            Called with the bytes that were copied and those of the whole, where a home of an
            earlier version is taken over.

        Returns
        -------
        tuple
            How full each is; empty where no service enforces limits.

        Raises
        ------
        HomesError
            Where a limit cannot be enforced, or the files cannot be reached.
        """
        found = []
        for kind in self._kinds:
            await self._create(self._volume(kind))
            if self._service is None:
                continue
            ready = await self._service.prepare(
                kind, self._user, groups, unused=False, copied=copied
            )
            if ready is None or ready.note:
                # A container of a hub that died may still be there.
                await self._release()
                ready = await self._service.prepare(
                    kind, self._user, groups, unused=True, copied=copied
                )
            if ready:
                found.append(ready)
        return tuple(found)
