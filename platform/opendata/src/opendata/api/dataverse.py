"""Two reads of Dataverse's API that KM3NeT's own code makes, so that it works with this portal."""

from __future__ import annotations

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from opendata.api.downloads import download
from opendata.records.models import DataFile, Record, State


class Dataset(APIView):
    """``GET /api/datasets/:persistentId/?persistentId=doi:...``."""

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "persistentId",
                str,
                required=True,
                description="doi:... or an identifier of this portal",
            )
        ],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request) -> Response:
        """Answer with the files of a record, and of its parts if it is a collection."""
        name = request.query_params.get("persistentId", "").replace("\0", "")
        doi = name.removeprefix("doi:").removeprefix("https://doi.org/")
        records = Record.objects.filter(current__isnull=False, withdrawn=False)
        record = (
            records.filter(current__doi__iexact=doi).exclude(ktype="km3.resource.paper").first()
            or records.filter(identifier=name).first()
        )
        if record is None:
            message = f"Dataset with Persistent ID {name} not found."
            return Response({"status": "ERROR", "message": message}, status=404)
        parts = [record, *records.filter(parent=record), *records.filter(parent__parent=record)]
        files = DataFile.objects.filter(version__in=[part.current_id for part in parts])
        version = record.current
        return Response(
            {
                "status": "OK",
                "data": {
                    "id": record.pk,
                    "identifier": record.identifier,
                    "publicationDate": str(record.published.date()) if record.published else None,
                    "latestVersion": {
                        "id": version.pk if version else None,
                        "datasetPersistentId": name,
                        "versionNumber": version.number if version else None,
                        "versionState": "RELEASED",
                        "files": [
                            _file(file) for file in files.select_related("version__record__parent")
                        ],
                    },
                },
            }
        )


def _file(file: DataFile) -> dict[str, object]:
    record = file.version.record
    return {
        "label": file.name,
        "directoryLabel": record.parent.identifier if record.parent else record.identifier,
        "dataFile": {
            "id": file.pk,
            "filename": file.name,
            "contentType": file.media_type,
            "filesize": file.size,
            "checksum": {"type": "SHA-256", "value": file.sha256},
        },
    }


@require_safe
def datafile(request: HttpRequest, number: int) -> HttpResponseBase:
    """``GET /api/access/datafile/{id}``: the content of a file."""
    file = (
        DataFile.objects.select_related("version__record")
        .filter(pk=min(number, 2**62), version__state__in=[State.PUBLISHED, State.WITHDRAWN])
        .first()
    )
    if file is None:
        raise Http404(f"There is no file {number}.")
    return download(request, file.version.record.identifier, file.version.label, file.name)
