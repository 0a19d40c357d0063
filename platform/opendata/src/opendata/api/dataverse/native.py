"""The native API: datasets, versions, files, the Dataverse, exports, and the server."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from opendata.portal.representations import EXPORTS
from opendata.records.search import published

from . import names, shapes
from .names import NotThere

View = Callable[..., HttpResponseBase]
#: The version of Dataverse whose documentation these answers follow.
VERSION = "6.3"
_EXPORTERS = {
    "Datacite": "datacite.xml",
    "schema.org": "jsonld",
    "csl": "csl.json",
    "bibtex": "bib",
    "ris": "ris",
}
_ROOTS = {":root", "root", "1"}


def refused(message: str, status: int = 404) -> JsonResponse:
    """Returns an error as Dataverse words it."""
    return JsonResponse({"status": "ERROR", "code": status, "message": message}, status=status)


def answered(content: Any) -> JsonResponse:
    """Returns data as Dataverse wraps it."""
    return JsonResponse({"status": "OK", "data": content})


def read(view: View) -> View:
    """Makes a function a view for reading that answers errors as Dataverse does."""

    @require_safe
    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except NotThere as error:
            return refused(str(error))

    return wrapped


def _name(request: HttpRequest) -> str:
    return request.GET.get("persistentId", "")


class Dataset(APIView):
    """``GET /api/datasets/:persistentId/?persistentId=doi:...``."""

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "persistentId",
                str,
                required=True,
                description="doi:..., or an identifier of this portal",
            )
        ],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request) -> Response:
        """Answer with a record, its latest version and its files (of a collection: all parts)."""
        try:
            found = names.dataset(_name(request._request))
        except NotThere as error:
            return Response({"status": "ERROR", "code": 404, "message": str(error)}, status=404)
        return Response({"status": "OK", "data": shapes.dataset(found)})


@read
def dataset(request: HttpRequest, number: str) -> HttpResponse:
    """A dataset by its number."""
    return answered(shapes.dataset(names.dataset("", number)))


@read
def versions(request: HttpRequest, number: str) -> HttpResponse:
    """All versions, the newest first."""
    found = names.dataset(_name(request), number)
    return answered([shapes.version(item) for item in names.versions_of(found)])


@read
def version(request: HttpRequest, number: str, label: str) -> HttpResponse:
    """One version."""
    found = names.dataset(_name(request), number)
    return answered(shapes.version(names.version(found, label)))


@read
def files(request: HttpRequest, number: str, label: str) -> HttpResponse:
    """The files of a version."""
    found = names.dataset(_name(request), number)
    return answered([shapes.file(item) for item in names.files_of(names.version(found, label))])


@read
def blocks(request: HttpRequest, number: str, label: str, block: str = "") -> HttpResponse:
    """The metadata of a version, all blocks or one."""
    found = names.dataset(_name(request), number)
    content = shapes.version(names.version(found, label))["metadataBlocks"]
    if not block:
        return answered(content)
    if block not in content:
        raise NotThere(f"Metadata block {block} not found; the only one is citation.")
    return answered(content[block])


@read
def export(request: HttpRequest) -> HttpResponse:
    """A dataset in another format."""
    exporter = request.GET.get("exporter", "")
    found = names.dataset(_name(request))
    if exporter == "dataverse_json":
        content = shapes.described(found.latest) | {"datasetVersion": shapes.version(found.latest)}
        return JsonResponse(content)
    if exporter not in _EXPORTERS:
        known = ", ".join((*_EXPORTERS, "dataverse_json"))
        return refused(f"There is no exporter {exporter!r}. Exporters: {known}.", 400)
    return EXPORTS[_EXPORTERS[exporter]](found.latest)


@read
def file(request: HttpRequest, number: str | None = None) -> HttpResponse:
    """A file, wrapped as other responses are."""
    return answered(shapes.file(names.file(number, _name(request))))


@read
def file_metadata(request: HttpRequest, number: str | None = None) -> HttpResponse:
    """Metadata of a file, which Dataverse does not wrap."""
    return JsonResponse(shapes.metadata(names.file(number, _name(request))))


@read
def dataverse(request: HttpRequest, alias: str) -> HttpResponse:
    """The Dataverse that contains all datasets."""
    if alias not in _ROOTS:
        raise NotThere(f"Can't find dataverse with identifier='{alias}'; the only one is :root.")
    return answered(shapes.root())


@read
def contents(request: HttpRequest, alias: str) -> HttpResponse:
    """All datasets."""
    if alias not in _ROOTS:
        raise NotThere(f"Can't find dataverse with identifier='{alias}'; the only one is :root.")
    records = published().select_related("current", "parent")
    return answered([shapes.content(record) for record in records])


@read
def metadata_blocks(request: HttpRequest) -> HttpResponse:
    """The metadata blocks of datasets."""
    return answered([{"id": 1, "name": "citation", "displayName": "Citation Metadata"}])


@read
def information(request: HttpRequest, what: str) -> HttpResponse:
    """About the server."""
    facts: dict[str, Any] = {
        "version": {"version": VERSION, "build": "reads of Dataverse's API by KM3NeT"},
        "server": {"message": request.get_host()},
        "apiTermsOfUse": {"message": "Each record names its licence. Reading needs no account."},
    }
    if what not in facts:
        raise NotThere(f"There is no information on {what}. Topics: {', '.join(facts)}.")
    return answered(facts[what])
