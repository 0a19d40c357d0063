"""The services as an ASGI application, for uvicorn and other servers (needs `adqlite[server]`).

Handlers run queries, so they work in threads; each sends its result in blocks.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request as ServerRequest
from starlette.responses import RedirectResponse, StreamingResponse
from starlette.responses import Response as ServerResponse
from starlette.routing import Route as ServerRoute
from starlette.types import Message, Receive

from adqlite.clients import client_of
from adqlite.disk import MESSAGE, is_full
from adqlite.errors import RequestTooLarge, StorageFull, VOError
from adqlite.http.messages import Form, Request, Response
from adqlite.http.routes import ROUTES, Route, answer
from adqlite.limits import Limits
from adqlite.service import TapService

_BLOCK = 1 << 18
_FIELDS = 1000


def application(
    folder: str | Path | None = None, limits: Limits | None = None, *, base_url: str = ""
) -> Starlette:
    """Returns an application that serves the tables published in a folder.

    TAP is at `/tap`, the cone search of a table at `/scs/SCHEMA/TABLE`. The application can be
    mounted below a path of another Starlette or FastAPI application.

    Parameters
    ----------
    folder : str or pathlib.Path, optional
        Where the tables were published; the environment variable ADQLITE_FOLDER by default. Jobs
        and their results go to `jobs/` in it.
    limits : Limits, optional
    base_url : str, optional
        Public address of the application; by default the one that each request was sent to.

    Raises
    ------
    ValueError
        No folder was given.
    """
    where = folder or os.environ.get("ADQLITE_FOLDER")
    if not where:
        raise ValueError("no folder with tables: give one, or set ADQLITE_FOLDER")
    service = TapService(Path(where), limits)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await run_in_threadpool(service.close)

    base = base_url.rstrip("/")
    routes = [ServerRoute(f"/{route.path}", _Endpoint(route, service, base)) for route in ROUTES]
    routes.append(ServerRoute("/", _to_tap))
    return Starlette(routes=routes, lifespan=lifespan)


class _Endpoint:
    """One route of the services, as ASGI."""

    def __init__(self, route: Route, service: TapService, base: str) -> None:
        self.route = route
        self.service = service
        self.base = base

    async def __call__(self, scope: Any, receive: Receive, send: Any) -> None:
        client = client_of((scope.get("client") or ("",))[0])
        body = _Body(receive, self.service, client)
        sent = ServerRequest(scope, body)
        base = self.base or _base(sent)
        query = sent.query_params.multi_items()
        read: Callable[[], Form] = Form
        try:
            if sent.method == "POST" and "POST" in self.route.methods:
                read = await _form_reader(sent)
            request = Request(sent.method, base, query, read, client=client)
            found = await run_in_threadpool(
                answer, self.route, self.service, request, sent.path_params
            )
        finally:
            await sent.close()
            body.close()
        await _response(found)(scope, receive, send)


async def _to_tap(request: ServerRequest) -> ServerResponse:
    return RedirectResponse(f"{_base(request)}/tap")


def _base(request: ServerRequest) -> str:
    """Returns the address of this application, also where it is mounted in another one."""
    # Not `request.base_url`, which is that of the outermost application.
    root = request.scope.get("root_path", "").rstrip("/")
    return f"{request.url.scheme}://{request.url.netloc}{root}"


class _Body:
    """Receives the body of a request within the limits of the service."""

    def __init__(self, receive: Receive, service: TapService, client: str) -> None:
        limits = service.limits
        self._receive = receive
        self._limit = limits.upload_bytes * limits.upload_tables
        self._spool = service.spool
        self._client = client
        self._count = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        size = len(message.get("body", b""))
        if self._count + size > self._limit:
            raise RequestTooLarge(f"the request has more than the {self._limit} bytes allowed")
        if size:
            self._spool.take(self._client, size)
            self._count += size
        return message

    def close(self) -> None:
        """Gives back the space of the body."""
        if self._count:
            self._spool.give_back(self._client, self._count)
            self._count = 0


async def _form_reader(sent: ServerRequest) -> Callable[[], Form]:
    """Reads a form; problems are raised when a handler asks for it, as an error document."""
    try:
        found = await sent.form(max_files=_FIELDS, max_fields=_FIELDS)
    except (VOError, HTTPException, ValueError, OSError) as error:
        if isinstance(error, OSError) and not is_full(error, Path(tempfile.gettempdir())):
            raise
        problem = error if isinstance(error, VOError) else _unreadable(error)

        def refuse() -> Form:
            raise problem

        return refuse
    fields = [(name, part) for name, part in found.multi_items() if isinstance(part, str)]
    files: dict[str, IO[bytes]] = {
        name: part.file for name, part in found.multi_items() if isinstance(part, UploadFile)
    }
    return lambda: Form(fields, files)


def _unreadable(error: Exception) -> VOError:
    if isinstance(error, OSError):
        return StorageFull(MESSAGE)
    return VOError(f"the request cannot be read ({getattr(error, 'detail', error)})")


def _response(found: Response) -> ServerResponse:
    content_type = {"content-type": found.media_type}
    if isinstance(found.content, bytes):
        return ServerResponse(found.content, found.status, {**found.headers, **content_type})
    size = found.content.seek(0, 2)
    found.content.seek(0)
    headers = {**found.headers, **content_type, "content-length": str(size)}
    return StreamingResponse(_blocks(found.content), found.status, headers)


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while block := file.read(_BLOCK):
            yield block
