"""A user's home, scratch and shared folders as Docker volumes, with their limits enforced."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from km3hub.spawning.homes import HomesService, Kind, Use
from km3settings.names import PROJECT_LABEL, SHARED_LABEL, Names
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["HOME", "SCRATCH", "SHARED", "UserVolumes"]

#: The folders in users' containers.
HOME, SCRATCH, SHARED = "/home/km3", "/scratch", "/shared"


class UserVolumes:
    """Provides the volumes of one user's server.

    Parameters
    ----------
    settings, runtime
        The settings, and whether the service `homes` runs.
    user
        The user's name as in the names of volumes.
    shared
        The shared folders that the user has now.
    create
        Creates a volume of a name with labels; one that exists is left alone.
    labels
        The labels of this user's volumes.
    release
        Removes the user's container, so that nothing uses the volumes.
    """

    def __init__(
        self,
        settings: Settings,
        runtime: Runtime,
        user: str,
        *,
        shared: Sequence[str],
        labels: Mapping[str, str],
        create: Callable[[str, Mapping[str, str]], Awaitable[Any]],
        release: Callable[[], Awaitable[Any]],
    ) -> None:
        self._names = Names(runtime.project)
        self._service = HomesService() if runtime.homes else None
        self._scratch = bool(settings.homes.scratch.size and runtime.homes)
        self._project = runtime.project
        self._user = user
        # Without the service such a volume would belong to root.
        self._shared = tuple(shared) if runtime.homes else ()
        self._labels = labels
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
        own = {self._volume(k): HOME if k == "home" else SCRATCH for k in self._kinds}
        return own | {self._names.shared(name): f"{SHARED}/{name}" for name in self._shared}

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
            await self._create(self._volume(kind), self._labels)
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
        for folder in self._shared:
            labels = {PROJECT_LABEL: self._project, SHARED_LABEL: folder}
            await self._create(self._names.shared(folder), labels)
            if self._service:
                # Other members may be using it.
                ready = await self._service.prepare(
                    "shared", folder, (), unused=False, copied=copied
                )
                found += [ready] if ready else []
        return tuple(found)
