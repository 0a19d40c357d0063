"""The services of :mod:`adqlite.http` as Django views."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from typing import IO, Any, cast

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt

from adqlite.clients import client_of
from adqlite.errors import RequestTooLarge, VOError
from adqlite.http.messages import Form, Request, Response
from adqlite.http.routes import ROUTES, Route, answer
from opendata.exports.addresses import root
from opendata.vo.running import service

_BLOCK = 1 << 18
_MEMORY = 2_000_000  # bytes of a body that are kept in memory

View = Callable[..., HttpResponseBase]


def view_of(route: Route) -> View:
    """Returns the view of a route; it is public, and without cookies that need protection."""

    @csrf_exempt
    def view(request: HttpRequest, **segments: str) -> HttpResponseBase:
        home = root(request)
        given = Request(
            method=request.method or "GET",
            base=home + reverse("vo:tap").removesuffix("/tap"),
            query=_pairs(request.GET),
            read_form=lambda: _form(request),
            home=home,
            client=_client(request),
        )
        return _sent(request, answer(route, service(), given, segments))

    return view


#: The view of each route by its name.
VIEWS = {route.name: view_of(route) for route in ROUTES}


def _client(request: HttpRequest) -> str:
    """Returns who sent a request, according to `settings.VO_CLIENT` or else to its address."""
    if name := getattr(settings, "VO_CLIENT", ""):
        return str(import_string(name)(request))
    return client_of(str(request.META.get("REMOTE_ADDR", "")))


def _pairs(fields: QueryDict) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, values in fields.lists() for value in values]


def _form(request: HttpRequest) -> Form:
    """Returns the body of a request.

    Raises
    ------
    VOError
        It is too large or cannot be read.
    """
    try:
        fields, files = _fields_and_files(request)
        return Form(_pairs(fields), {name: cast(IO[bytes], files[name]) for name in files})
    except RequestDataTooBig:
        raise RequestTooLarge("the request is too large") from None
    except (
        MultiPartParserError,
        SuspiciousOperation,
        BadRequest,
        UnreadablePostError,
    ) as problem:
        raise VOError(f"the request cannot be read ({problem})") from None


def _fields_and_files(request: HttpRequest) -> tuple[QueryDict, MultiValueDict[str, Any]]:
    # Django takes a body without Content-Length for an empty one, but Java clients send uploads in
    # chunks.
    chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    if request.META.get("CONTENT_LENGTH") or not chunked:
        return request.POST, request.FILES
    limits = service().limits
    most = limits.upload_bytes * limits.upload_tables
    # Temporary files are where all of Django's are; the layer before Django limits their size.
    folder = settings.FILE_UPLOAD_TEMP_DIR
    body: IO[bytes] = tempfile.SpooledTemporaryFile(  # noqa: SIM115
        max_size=_MEMORY, dir=str(folder) if folder else None
    )
    while block := request.read(_BLOCK):
        body.write(block)
        if body.tell() > most:
            raise RequestDataTooBig
    meta = {**request.META, "CONTENT_LENGTH": str(body.tell())}
    body.seek(0)
    if request.content_type == "multipart/form-data":
        return request.parse_file_upload(meta, cast(Any, body))
    return QueryDict(body.read(_MEMORY), encoding=request.encoding), MultiValueDict()


def _sent(request: HttpRequest, response: Response) -> HttpResponseBase:
    if isinstance(response.content, bytes):
        sent: HttpResponseBase = HttpResponse(
            response.content, content_type=response.media_type, status=response.status
        )
    else:
        sent = _streamed(request, response.content, response.media_type)
    for name, value in response.headers.items():
        sent[name] = value
    return sent


def _streamed(request: HttpRequest, file: IO[bytes], media_type: str) -> HttpResponseBase:
    """Returns a response that sends a file in blocks, and closes it."""
    size = file.seek(0, 2)
    file.seek(0)
    # Django collects a synchronous iterator in memory under ASGI, and an asynchronous one under
    # WSGI.
    blocks = _later(file) if isinstance(request, ASGIRequest) else _now(file)
    response = StreamingHttpResponse(blocks, content_type=media_type)
    response["Content-Length"] = str(size)
    return response


def _now(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while block := file.read(_BLOCK):
            yield block


async def _later(file: IO[bytes]) -> AsyncIterator[bytes]:
    try:
        while block := await sync_to_async(file.read)(_BLOCK):
            yield block
    finally:
        file.close()
