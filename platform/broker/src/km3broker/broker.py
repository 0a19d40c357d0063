"""The broker: a socket with the part of the Docker Engine's API that the platform needs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import structlog

from km3broker.containers import Containers
from km3broker.engine import Answer, Engine
from km3broker.information import Information
from km3broker.networks import Networks
from km3broker.objects import Failed
from km3broker.owner import Project
from km3broker.refusal import EngineError, Refusal
from km3broker.request import Request
from km3broker.route import Route, find
from km3broker.rules_file import RulesFile
from km3broker.swarm import Swarm
from km3broker.volumes import Volumes
from km3broker.wire import answer_with, read_request, refusal_answer

__all__ = ["Broker", "routes"]

#: Requests that are answered at the same time. The hub has eight threads for them.
MAX_CONNECTIONS = 64

_log = structlog.stdlib.get_logger("km3broker")


def routes(engine: Engine, project: Project, rules: RulesFile) -> list[Route]:
    """Returns all routes; those of a swarm only if the settings use one."""
    found = [
        *Information(engine, rules).routes,
        *Containers(engine, project, rules).routes,
        *Networks(engine, project, rules).routes,
        *Volumes(engine, project, rules).routes,
    ]
    if rules.started.settings.spawner.kind == "swarm":
        found += Swarm(engine, project, rules).routes
    return found


class Broker:
    """Answers clients on a socket.

    Parameters
    ----------
    socket
        Where to listen. One that a killed broker left is replaced.
    routes
        The requests that are answered.
    """

    def __init__(self, socket: Path, routes: Sequence[Route]) -> None:
        self._socket = socket
        self._routes = routes
        self._open = 0

    async def listen(self) -> asyncio.Server:
        """Open the socket, for this user only."""
        before = os.umask(0o177)
        try:
            return await asyncio.start_unix_server(self._serve, str(self._socket), backlog=256)
        finally:
            os.umask(before)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            await answer_with(await self._answer(reader), writer)
        except ConnectionError:
            writer.close()
        finally:
            self._open -= 1

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        request: Request | None = None
        try:
            if self._open > MAX_CONNECTIONS:
                raise Refusal("too many requests at the same time", 503)
            request = await read_request(reader)
            if request is None:
                raise ConnectionResetError
            return await find(self._routes, request)
        except Refusal as refusal:
            return _refused(request, refusal)
        except Failed as failed:
            return failed.answer
        except EngineError as error:
            _log.warning("engine", reason=error.reason)
            return refusal_answer(error.status, error.reason)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:  # the client gets an answer, and nothing is passed on
            _log.exception("fault", method=request.method if request else "")
            return refusal_answer(500, f"the broker failed: {type(error).__name__}")


def _refused(request: Request | None, refusal: Refusal) -> Answer:
    method, path = (request.method, request.path[:200]) if request else ("", "")
    _log.warning("refused", method=method, path=path, status=refusal.status, reason=refusal.reason)
    what = f"{method} {path}" if request else "a request"
    return refusal_answer(refusal.status, f"The broker refused {what}: {refusal.reason}.")
