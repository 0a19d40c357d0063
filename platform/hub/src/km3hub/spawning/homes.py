"""The hub's side of the service `homes`, which enforces the limits of homes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from km3settings.disks import SOCKET

__all__ = ["HomesError", "HomesService", "Kind", "Use", "homes_trouble"]

#: Seconds between two lines of the service; it checks whole file systems after a power failure.
_SILENCE = 120.0

Kind = Literal["home", "scratch", "shared"]


class HomesError(Exception):
    """The service does not answer, or cannot do what was asked; the message says why."""


class Use(BaseModel):
    """How full a home is."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Kind
    user: str
    used: int
    """Bytes."""
    limit: int | None
    """Bytes; None: no limit is enforced."""
    note: str = ""
    """Why the limit is not that of the settings; empty: it is."""


class HomesService:
    """Asks the service on its unix socket.

    Parameters
    ----------
    socket
        The socket.
    """

    def __init__(self, socket: Path = SOCKET) -> None:
        self._socket = socket

    async def prepare(
        self,
        kind: Kind,
        user: str,
        groups: Sequence[str],
        *,
        unused: bool,
        copied: Callable[[int, int], None],
    ) -> Use | None:
        """Make a home ready for its user's server.

        Parameters
        ----------
        kind, user
            Which home; the user's name as in the names of volumes.
        groups
            The user's groups.
        unused
            Whether no container uses the home.
        copied
            Called with the bytes that were copied and those of the whole, where a home of an
            earlier version is taken over.

        Returns
        -------
        Use or None
            How full it is; None: ask again with `unused`, after the user's container is gone.

        Raises
        ------
        HomesError
            Where that is not possible.
        """
        wanted = {"do": "prepare", "kind": kind, "user": user, "groups": list(groups)}
        answer = await self._ask(wanted | {"unused": unused}, copied)
        return None if answer.get("take_over") else _use(answer)

    async def usage(self, kind: Kind, user: str) -> Use:
        """Returns how full a home is.

        Raises
        ------
        HomesError
            Where that is unknown.
        """
        return _use(await self._ask({"do": "usage", "kind": kind, "user": user}))

    async def all(self) -> list[Use]:
        """Returns how full each home is.

        Raises
        ------
        HomesError
            Where that is unknown.
        """
        answer = await self._ask({"do": "list"})
        homes = answer.get("homes")
        if not isinstance(homes, list):
            raise HomesError("the service homes sent a wrong answer: no list of homes")
        return [_use(entry) for entry in homes]

    async def remove(self, kind: Kind, user: str) -> None:
        """Delete a home with all its files; its volume is left, empty.

        Raises
        ------
        HomesError
            Where that is not possible.
        """
        await self._ask({"do": "remove", "kind": kind, "user": user})

    async def _ask(
        self, request: dict[str, Any], copied: Callable[[int, int], None] | None = None
    ) -> dict[str, Any]:
        try:
            # A list of all homes is one line.
            reader, writer = await asyncio.open_unix_connection(self._socket, limit=64 << 20)
        except OSError as error:
            raise HomesError(f"the service homes does not answer: {error.strerror}") from None
        try:
            writer.write(json.dumps(request).encode() + b"\n")
            while line := await asyncio.wait_for(reader.readline(), _SILENCE):
                answer: dict[str, Any] = json.loads(line)
                if "error" in answer:
                    raise HomesError(str(answer["error"]))
                if "copied" not in answer:
                    return answer
                if copied:
                    copied(int(answer["copied"]), int(answer["of"]))
        except (OSError, ValueError, TimeoutError) as error:
            why = str(error) or "no answer in time"
            raise HomesError(f"the service homes does not answer: {why}") from None
        finally:
            writer.close()
        raise HomesError("the service homes ended before it answered")


def _use(answer: dict[str, Any]) -> Use:
    try:
        return Use.model_validate(answer)
    except ValidationError as error:
        raise HomesError(f"the service homes sent a wrong answer: {error}") from None


def homes_trouble(socket: Path = SOCKET, *, timeout: float = 10) -> str:
    """Returns why the service does not answer; empty where it does. Blocks."""

    async def ask() -> None:
        await asyncio.wait_for(HomesService(socket).all(), timeout)

    try:
        asyncio.run(ask())
    except HomesError as error:
        return str(error)
    except TimeoutError:
        return f"the service homes did not answer within {timeout:g} s"
    return ""
