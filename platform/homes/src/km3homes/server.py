"""The service's unix socket: one line of JSON per request, for the hub only.

| request | answer |
|---|---|
| `{"do": "prepare", "kind": "home", "user": U, "groups": [...], "unused": false}` | use, or `{"take_over": true}`: ask again with `unused` after the user's container is gone |
| `{"do": "usage", "kind": "home", "user": U}` | use |
| `{"do": "list"}` | `{"homes": [use, ...]}` |
| `{"do": "remove", "kind": "home", "user": U}` | `{}` |

A use is `{"kind": K, "user": U, "used": BYTES, "limit": BYTES or null, "note": TEXT}`. While files
are copied, lines `{"copied": BYTES, "of": BYTES}` come before the answer. `{"error": TEXT}` says
what went wrong. `kind` is `home`, `scratch` or `shared`; users are named as in the names of
volumes, and for `shared` it is the name of the folder, which other servers may be using.
"""  # noqa: E501

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from km3homes.place import OWNER, Kind, Place, Usage
from km3homes.programs import HomesError
from km3homes.service import Homes

__all__ = ["Server"]

#: The longest request, in bytes, and the time that it may take to arrive, in seconds.
_LONGEST, _SECONDS = 64 << 10, 10.0

_log = logging.getLogger("km3homes.server")


class Request(BaseModel):
    """What the hub may ask for; anything else is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)

    do: Literal["prepare", "usage", "list", "remove"]
    kind: Kind = "home"
    user: str = ""
    groups: list[str] = []
    unused: bool = False


class Server:
    """Answers requests on a unix socket.

    Parameters
    ----------
    homes
        What does the work.
    path
        The socket; only root and the images' user may connect.
    """

    def __init__(self, homes: Homes, path: Path) -> None:
        self._homes = homes
        self._path = path

    async def start(self) -> asyncio.Server:
        """Listen; an old socket is replaced."""
        self._path.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(self._serve, self._path, limit=_LONGEST)
        finally:
            os.umask(mask)
        os.chown(self._path, OWNER, OWNER)
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def send(answer: dict[str, Any]) -> None:
            writer.write(json.dumps(answer).encode() + b"\n")

        loop = asyncio.get_running_loop()
        try:
            line = await asyncio.wait_for(reader.readline(), _SECONDS)
            request = Request.model_validate_json(line)

            def report(copied: int, whole: int) -> None:
                loop.call_soon_threadsafe(send, {"copied": copied, "of": whole})

            send(await asyncio.to_thread(self._answer, request, report))
        except ValidationError as error:
            first = error.errors()[0]
            send({"error": f"{'.'.join(map(str, first['loc'])) or 'request'}: {first['msg']}"})
        except (ValueError, TimeoutError):
            send({"error": "the request is too long or took too long"})
        except (HomesError, OSError) as error:
            _log.error("%s of %s: %s", request.do, request.user or "all", error)
            send({"error": str(error)})
        finally:
            try:
                await writer.drain()
                writer.close()
            except ConnectionError:  # the hub has stopped waiting
                pass

    def _answer(self, request: Request, report: Callable[[int, int], None]) -> dict[str, Any]:
        if request.do == "list":
            return {"homes": [_use(place, found) for place, found in self._homes.all()]}
        place = self._homes.find(request.kind, request.user)
        if request.do == "remove":
            self._homes.remove(place)
            _log.info("removed the %s", place)
            return {}
        if request.do == "usage":
            return _use(place, self._homes.usage(place))
        found = self._homes.prepare(
            place,
            tuple(sorted(request.groups)),
            report,
            unused=request.unused and request.kind != "shared",
        )
        return {"take_over": True} if found is None else _use(place, found)


def _use(place: Place, found: Usage) -> dict[str, Any]:
    return {
        "kind": place.kind,
        "user": place.user,
        "used": found.used,
        "limit": found.limit,
        "note": found.note,
    }
