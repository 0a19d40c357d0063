"""The access API: the contents of files, one by one or together."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from opendata.api.downloads import download, streamed
from opendata.exports import citation
from opendata.records import store
from opendata.records.models import DataFile, State

from . import names
from .archives import Entry, pieces
from .names import NotThere
from .native import read

_MOST_FILES = 500


@read
def datafile(request: HttpRequest, number: str | None = None) -> HttpResponseBase:
    """The content of a file."""
    found = names.file(number, request.GET.get("persistentId", ""))
    wanted = request.GET.get("format", "original")
    if wanted != "original" or {"imageThumb", "noVarHeader"} & set(request.GET):
        raise NotThere("This portal serves files only as they were published; use format=original.")
    return download(request, found.version.record.identifier, found.version.label, found.name)


@read
def datafiles(request: HttpRequest, numbers: str) -> HttpResponseBase:
    """Several files as an archive."""
    wanted = [text for text in numbers.split(",") if text]
    if not wanted or not all(text.isdecimal() for text in wanted):
        raise NotThere("List the files by their numbers, separated by commas.")
    if len(wanted) > _MOST_FILES:
        raise NotThere(f"An archive may contain at most {_MOST_FILES} files; request fewer.")
    return _archive(request, [names.file(text) for text in dict.fromkeys(wanted)])


@read
def dataset(request: HttpRequest, number: str, label: str = ":latest") -> HttpResponseBase:
    """All files of a version as an archive."""
    found = names.dataset(request.GET.get("persistentId", ""), number)
    return _archive(request, names.files_of(names.version(found, label)))


@read
def bundle(request: HttpRequest, number: str) -> HttpResponseBase:
    """A file with the citation of its record."""
    found = names.file(number)
    stem = found.version.record.identifier
    cited = [
        Entry(f"{stem}-citation.ris", citation.ris(found.version).encode()),
        Entry(f"{stem}-citation.bib", citation.bibtex(found.version).encode()),
    ]
    return _archive(request, [found], cited)


def _archive(
    request: HttpRequest, files: list[DataFile], more: Iterable[Entry] = ()
) -> HttpResponseBase:
    files = [file for file in files if file.version.state == State.PUBLISHED]
    if not files:
        raise NotThere(
            "There are no files to download; files of withdrawn versions are not available."
        )
    entries = [
        Entry(
            f"{file.version.record.identifier}/{file.version.label}/{file.name}",
            store.path_of(file.sha256),
        )
        for file in files
    ]
    content = pieces([*entries, *more])
    response = StreamingHttpResponse(
        streamed(content) if isinstance(request, ASGIRequest) else content,
        content_type="application/zip",
    )
    response.headers["Content-Disposition"] = 'attachment; filename="dataverse_files.zip"'
    return response
