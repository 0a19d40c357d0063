"""Downloads: HTTP Range, ETag, digest; read in pieces, so that a large file needs no memory."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header, http_date
from django.views.decorators.http import require_safe

from opendata.exports import signposting
from opendata.records import store
from opendata.records.models import DataFile, State

_PIECE = 2**18
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def wanted(text: str, size: int) -> tuple[int, int] | None:
    """Return first and last byte of a Range header; None to send all.

    Several ranges, or another unit, are answered with everything, as RFC 9110 allows.

    Raises
    ------
    ValueError
        If the range lies outside of the file.
    """
    match = _RANGE.fullmatch(text.strip())
    if not match or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        if int(last) == 0:
            raise ValueError
        return max(size - int(last), 0), size - 1
    start, stop = int(first), min(int(last), size - 1) if last else size - 1
    if start >= size:
        raise ValueError
    return None if stop < start else (start, stop)


def send(
    request: HttpRequest,
    path: Path,
    *,
    size: int,
    etag: str,
    media_type: str,
    name: str,
    headers: dict[str, str],
) -> HttpResponseBase:
    """Answer with a file or the part of it that is asked for."""
    headers = {"ETag": etag, "Accept-Ranges": "bytes", **headers}
    if etag in [
        tag.strip().removeprefix("W/")
        for tag in request.headers.get("If-None-Match", "").split(",")
    ]:
        return HttpResponse(status=304, headers=headers)
    headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    start, stop, status = 0, size - 1, 200
    # A resumed download must not be glued to another version of the file.
    same = request.headers.get("If-Range", etag).strip() == etag
    if same and "Range" in request.headers:
        try:
            part = wanted(request.headers["Range"], size)
        except ValueError:
            return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
        if part:
            (start, stop), status = part, 206
            headers["Content-Range"] = f"bytes {start}-{stop}/{size}"
    headers["Content-Length"] = str(stop - start + 1)
    if request.method == "HEAD":
        return HttpResponse(status=status, content_type=media_type, headers=headers)
    # Django would collect what an iterator of the wrong kind gives in memory first.
    later = isinstance(request, ASGIRequest)
    content = _pieces_later(path, start, stop) if later else _pieces(path, start, stop)
    return StreamingHttpResponse(content, status=status, content_type=media_type, headers=headers)


def _pieces(path: Path, start: int, stop: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        left = stop - start + 1
        while left > 0 and (piece := file.read(min(_PIECE, left))):
            left -= len(piece)
            yield piece


async def _pieces_later(path: Path, start: int, stop: int) -> AsyncIterator[bytes]:
    pieces = _pieces(path, start, stop)
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
        media_type=file.media_type,
        name=file.name,
        headers={
            "Repr-Digest": f"sha-256=:{digest}:",
            "Last-Modified": http_date(
                (file.version.published_at or file.version.created).timestamp()
            ),
            "Cache-Control": "public, max-age=31536000, immutable",
            "Link": links,
            "Access-Control-Allow-Origin": "*",
        },
    )


@require_safe
def storage(request: HttpRequest, identifier: str, label: str, name: str) -> HttpResponseBase:
    """``/storage/IDENTIFIER/VERSION/NAME``."""
    return download(request, identifier, label, name)


@require_safe
def storage_by_name(request: HttpRequest, name: str) -> HttpResponseBase:
    """``/storage/NAME``, the address of former years: the newest published file of this name."""
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
