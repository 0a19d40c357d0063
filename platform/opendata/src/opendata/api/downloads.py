"""Downloads: HTTP ranges, conditional requests, digests.

Files are streamed in pieces. Django evaluates `If-Match`, `If-None-Match`, `If-Modified-Since` and
`If-Unmodified-Since`; `If-Range` is evaluated here.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, http_date
from django.views.decorators.http import require_safe

from opendata.api import ranges
from opendata.api.ranges import Part
from opendata.exports import signposting
from opendata.records import store
from opendata.records.models import DataFile, State

_PIECE = 2**18


def send(
    request: HttpRequest,
    path: Path,
    *,
    size: int,
    etag: str,
    modified: datetime | None = None,
    media_type: str,
    name: str,
    headers: dict[str, str],
) -> HttpResponseBase:
    """Answer with a file, or with the ranges of it that are requested."""
    headers = {"ETag": etag, "Accept-Ranges": "bytes", **headers}
    if modified is not None:
        headers["Last-Modified"] = http_date(modified.timestamp())
    seconds = None if modified is None else int(modified.timestamp())
    early = get_conditional_response(request, etag=etag, last_modified=seconds)
    if early is not None:
        for key in ("Cache-Control", "ETag", "Last-Modified", "Link", "Vary"):
            if key in headers:
                early.headers[key] = headers[key]
        return early
    headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    status, end = 200, b""
    parts = [Part(0, size - 1)]
    # A resumed download must not be joined to another version of the file.
    same = request.headers.get("If-Range", etag).strip() in (etag, headers.get("Last-Modified"))
    if request.method == "GET" and same and "Range" in request.headers:
        try:
            found = ranges.wanted(request.headers["Range"], size)
        except ranges.NotSatisfiable:
            return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
        if len(found) == 1:
            parts, status = [Part(*found[0])], 206
            headers["Content-Range"] = f"bytes {parts[0].start}-{parts[0].stop}/{size}"
        elif found:
            parts, end, media_type = ranges.multipart(found, size, media_type)
            status = 206
    headers["Content-Length"] = str(sum(part.length for part in parts) + len(end))
    if request.method == "HEAD":
        return HttpResponse(status=status, content_type=media_type, headers=headers)
    # Django collects an iterator of the wrong kind in memory before it sends it.
    pieces = _pieces(path, parts, end)
    content = streamed(pieces) if isinstance(request, ASGIRequest) else pieces
    return StreamingHttpResponse(content, status=status, content_type=media_type, headers=headers)


def _pieces(path: Path, parts: list[Part], end: bytes) -> Iterator[bytes]:
    with path.open("rb") as file:
        for part in parts:
            if part.head:
                yield part.head
            file.seek(part.start)
            left = part.stop - part.start + 1
            while left > 0 and (piece := file.read(min(_PIECE, left))):
                left -= len(piece)
                yield piece
    if end:
        yield end


async def streamed(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yields pieces without blocking other requests while the disk is read."""
    while (piece := await asyncio.to_thread(next, pieces, b"")) != b"":
        yield piece


def _find(identifier: str, label: str, name: str) -> tuple[DataFile, str]:
    file = (
        DataFile.objects.select_related("version__record")
        .filter(
            version__record__identifier=identifier,
            version__label=label,
            name=name,
            version__state__in=[State.PUBLISHED, State.WITHDRAWN],
        )
        .first()
    )
    if file is None:
        raise Http404(f"There is no file {name} in {identifier} {label}.")
    return file, signposting.of_file(file)


def download(request: HttpRequest, identifier: str, label: str, name: str) -> HttpResponseBase:
    """Answer with a published file."""
    file, links = _find(identifier, label, name)
    if file.version.state == State.WITHDRAWN:
        text = f"{file.version} was withdrawn: {file.version.withdrawn_reason}\n"
        return HttpResponse(text, status=410, content_type="text/plain; charset=utf-8")
    digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
    return send(
        request,
        store.path_of(file.sha256),
        size=file.size,
        etag=f'"{file.sha256}"',
        modified=file.version.published_at or file.version.created,
        media_type=file.media_type,
        name=file.name,
        headers={
            "Repr-Digest": f"sha-256=:{digest}:",
            "Cache-Control": "public, max-age=31536000, immutable",
            "Link": links,
        },
    )


@require_safe
def storage(request: HttpRequest, identifier: str, label: str, name: str) -> HttpResponseBase:
    """Answer ``/storage/IDENTIFIER/VERSION/NAME``."""
    return download(request, identifier, label, name)


@require_safe
def storage_by_name(request: HttpRequest, name: str) -> HttpResponseBase:
    """Redirect the older address ``/storage/NAME`` to the newest published file of that name."""
    file = (
        DataFile.objects.select_related("version__record")
        .filter(name=name, version__state=State.PUBLISHED)
        .order_by("-version__published_at")
        .first()
    )
    if file is None:
        raise Http404(f"There is no file {name}.")
    from django.shortcuts import redirect

    from opendata.exports.catalogue import storage_path

    return redirect(storage_path(file))
