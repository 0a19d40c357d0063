"""What VO requests and answers have in common."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from functools import wraps
from typing import IO, Any, cast

from asgiref.sync import sync_to_async
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.views.decorators.csrf import csrf_exempt

from adqlite.errors import VOError
from adqlite.formats.votable import error_document
from opendata.exports.addresses import root
from opendata.vo.http.running import service

VOTABLE = "application/x-votable+xml"
_BLOCK = 1 << 18
_MEMORY = 2_000_000  # bytes of a body that are kept in memory

View = Callable[..., HttpResponseBase]


def vo_view(
    *methods: str, error: Callable[[VOError], HttpResponse] | None = None
) -> Callable[[View], View]:
    """Make a view of a function: methods, error documents, and no cookies to protect.

    Parameters
    ----------
    *methods : str
        Allowed methods; HEAD comes with GET.
    error : callable, optional
        Writes the answer for an error; TAP's error document otherwise.
    """
    allowed = {*methods, "OPTIONS", *({"HEAD"} if "GET" in methods else set())}
    answer = error or tap_error

    def decorate(function: View) -> View:
        @csrf_exempt
        @wraps(function)
        def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method not in allowed:
                response: HttpResponseBase = tap_error(
                    _status(VOError(f"{request.method} is not possible here"), 405)
                )
                response["Allow"] = ", ".join(sorted(allowed))
            elif request.method == "OPTIONS":
                response = HttpResponse(status=204)
                response["Access-Control-Allow-Methods"] = ", ".join(sorted(allowed))
            else:
                try:
                    response = function(request, *args, **kwargs)
                except VOError as problem:
                    response = answer(problem)
                except RequestDataTooBig:
                    response = answer(_status(VOError("the request is too large"), 413))
                except (
                    MultiPartParserError,
                    SuspiciousOperation,
                    BadRequest,
                    UnreadablePostError,
                ) as problem:
                    response = answer(VOError(f"the request cannot be read ({problem})"))
            # The data are public and no cookie is looked at: programs in any page may read them.
            response["Access-Control-Allow-Origin"] = "*"
            return response

        return view

    return decorate


def _status(error: VOError, status: int) -> VOError:
    error.status = status
    return error


def tap_error(error: VOError) -> HttpResponse:
    """Give TAP's error document."""
    response = HttpResponse(error_document(str(error)), content_type=VOTABLE, status=error.status)
    if error.status == 503:
        response["Retry-After"] = "30"
    return response


def _form(request: HttpRequest) -> tuple[QueryDict, MultiValueDict[str, Any]]:
    """Give the fields and files of a request.

    Django takes a body without Content-Length for an empty one, but Java's clients send uploads in
    chunks.
    """
    chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    if request.META.get("CONTENT_LENGTH") or not chunked:
        return request.POST, request.FILES
    kept = getattr(request, "vo_form", None)
    if kept is None:
        limits = service().limits
        most = limits.upload_bytes * limits.upload_tables
        body: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_MEMORY)  # noqa: SIM115
        while block := request.read(_BLOCK):
            body.write(block)
            if body.tell() > most:
                raise RequestDataTooBig
        meta = {**request.META, "CONTENT_LENGTH": str(body.tell())}
        body.seek(0)
        if request.content_type == "multipart/form-data":
            kept = request.parse_file_upload(meta, cast(Any, body))
        else:
            kept = QueryDict(body.read(_MEMORY), encoding=request.encoding), MultiValueDict()
        request.vo_form = kept  # type: ignore[attr-defined]
    return kept


def parameters(request: HttpRequest) -> dict[str, str]:
    """Give the parameters of a request, names in upper case (DALI: case does not matter).

    UPLOAD may come more than once; of others the last one holds.
    """
    found: dict[str, str] = {}
    for source in (request.GET, _form(request)[0]):
        for name, values in source.lists():
            key = name.upper()
            texts = [str(value) for value in values]
            if key == "UPLOAD":
                found[key] = ";".join([*filter(None, [found.get(key)]), *texts])
            else:
                found[key] = texts[-1]
    return found


def uploads(request: HttpRequest) -> dict[str, IO[bytes]]:
    """Give the files of a request by the names of their parts."""
    files = _form(request)[1]
    return {name: cast(IO[bytes], files[name]) for name in files}


def address(request: HttpRequest, name: str, **kwargs: str) -> str:
    """Give the full address of a view of the VO services."""
    return root(request) + reverse(f"vo:{name}", kwargs=kwargs)


def see_other(location: str) -> HttpResponse:
    """Redirect as UWS wants it."""
    response = HttpResponse(status=303)
    response["Location"] = location
    return response


def text(content: str) -> HttpResponse:
    """Give plain text."""
    return HttpResponse(content, content_type="text/plain; charset=utf-8")


def xml(content: str) -> HttpResponse:
    """Give an XML document."""
    return HttpResponse(content, content_type="text/xml; charset=utf-8")


def document(request: HttpRequest, file: IO[bytes], mime: str) -> HttpResponseBase:
    """Send a file in blocks, and close it."""
    size = file.seek(0, 2)
    file.seek(0)
    # Django takes an ordinary iterator into memory whole under ASGI, and an asynchronous one
    # under WSGI.
    blocks = _later(file) if isinstance(request, ASGIRequest) else _now(file)
    response = StreamingHttpResponse(blocks, content_type=mime)
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
