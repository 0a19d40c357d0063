"""Reading: search, records, files, vocabulary."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import Http404
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from opendata.api.serializers import FileRow, RecordDetail, RecordRow, VersionDetail
from opendata.exports.addresses import absolute
from opendata.records.models import DataFile, Record, State, Version
from opendata.records.search import RecordFilter, facets, published
from opendata.searching.spelling import hint
from openkm3.metadata import KTYPES


def find(identifier: str, *, with_files: bool = True) -> Record:
    """Returns a public record by identifier or alias, withdrawn ones included.

    Parameters
    ----------
    with_files : bool
        Whether files and their descriptions, which may be large, are fetched too.
    """
    public = (
        Record.objects.filter(current__isnull=False)
        .select_related("current__record__parent", "parent__parent")
        .prefetch_related("aliases")
    )
    if with_files:
        files = DataFile.objects.select_related("description", "version__record")
        public = public.prefetch_related(Prefetch("current__files", files))
    record = (
        public.filter(identifier=identifier).first()
        or public.filter(aliases__name=identifier).first()
    )
    if record is None:
        raise Http404(f"There is no record {identifier}.")
    return record


@extend_schema(responses=OpenApiTypes.OBJECT)
class Root(APIView):
    """The entry points of the API."""

    def get(self, request: Request) -> Response:
        """List the entry points."""
        places = ("records/", "collections/", "streams/", "resources/", "search/", "ktypes/")
        content = {name.strip("/"): absolute(f"api/v1/{name}") for name in places}
        others = {
            "alerts": "alerts/feed.json",
            "catalogue": "catalog.json",
            "oai": "oai",
            "schema": "api/schema/",
            "documentation": "api/docs/",
        }
        return Response(content | {name: absolute(path) for name, path in others.items()})


class Records(generics.ListAPIView[Record]):
    """All records, or those of one kind."""

    serializer_class = RecordRow
    filter_backends = (DjangoFilterBackend,)
    filterset_class = RecordFilter
    kind: str | None = None

    def get_queryset(self) -> QuerySet[Record]:
        """Returns the public records."""
        records = published().select_related("current")
        return records.filter(kind=self.kind) if self.kind else records


class Search(Records):
    """Search with facets: how many records have each value."""

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer with a page of results and the facets."""
        response = super().list(request, *args, **kwargs)
        found = self.filter_queryset(self.get_queryset())
        text = request.query_params.get("q", "").strip()
        nothing = response.data["count"] == 0 and text
        response.data["did_you_mean"] = hint(text).instead if nothing else None
        response.data["facets"] = {
            facet.name: [
                {"value": value, "label": text, "count": count}
                for value, text, count in facet.values
            ]
            for facet in facets(found).facets
        }
        return response


class RecordView(APIView):
    """One record."""

    @extend_schema(responses=RecordDetail)
    def get(self, request: Request, identifier: str) -> Response:
        """Answer with the record and its current version."""
        return Response(RecordDetail(find(identifier)).data)


class VersionView(APIView):
    """One published version."""

    @extend_schema(responses=VersionDetail)
    def get(self, request: Request, identifier: str, label: str) -> Response:
        """Answer with the version; a withdrawn one has its reason, but no files."""
        version = (
            Version.objects.filter(record=find(identifier), label=label)
            .filter(state__in=[State.PUBLISHED, State.WITHDRAWN])
            .first()
        )
        if version is None:
            raise Http404(f"There is no version {label} of {identifier}.")
        return Response(VersionDetail(version).data)


class Files(APIView):
    """The files of a record's current version."""

    @extend_schema(responses=FileRow(many=True))
    def get(self, request: Request, identifier: str) -> Response:
        """List the files."""
        version = find(identifier).current
        return Response(FileRow(version.files.all() if version else [], many=True).data)


@extend_schema(responses=OpenApiTypes.OBJECT)
class KTypes(APIView):
    """Types of content."""

    def get(self, request: Request) -> Response:
        """List all ktypes, each with the more general one."""
        return Response([word.model_dump() | {"broader": word.broader} for word in KTYPES.values()])
