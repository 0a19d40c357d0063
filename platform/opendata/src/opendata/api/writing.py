"""Writing: drafts and files by curators, decisions by reviewers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, ClassVar

from django.conf import settings
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework import status
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from opendata.accounts.roles import Role
from opendata.api.authentication import HasRole, account_of
from opendata.api.serializers import FileRow, VersionDetail
from opendata.records import publishing
from opendata.records.models import Record, State, Version
from opendata.records.publishing import Draft, NewRecord

_OPEN = (State.DRAFT, State.REVIEW)


class NewRecordWithDraft(BaseModel):
    """A new record and the content of its first version."""

    model_config = ConfigDict(extra="forbid")

    record: NewRecord
    draft: Draft


class Reason(BaseModel):
    """The reason for a decision."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=5000)


class RawParser(BaseParser):
    """Passes the body on unread."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Returns the stream."""
        return stream


def _schema(model: type[BaseModel]) -> Any:
    content = model.model_json_schema()
    definitions = content.pop("$defs", {})

    def inline(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return inline(definitions[value["$ref"].rpartition("/")[2]])
            return {key: inline(item) for key, item in value.items()}
        return [inline(item) for item in value] if isinstance(value, list) else value

    return {"application/json": inline(content)}


def _open_version(identifier: str) -> Version:
    version = Version.objects.filter(record__identifier=identifier, state__in=_OPEN).first()
    if version is None:
        raise Http404(f"There is no draft of {identifier}.")
    return version


_CURATOR, _REVIEWER = (Role.CURATOR,), (Role.REVIEWER,)
_EITHER = (Role.CURATOR, Role.REVIEWER)


class _Protected(APIView):
    permission_classes = (HasRole,)


class Drafts(_Protected):
    """Drafts and versions in review."""

    roles: ClassVar = {"GET": _EITHER, "POST": _CURATOR}

    @extend_schema(responses=VersionDetail(many=True))
    def get(self, request: Request) -> Response:
        """List the versions that are not published yet."""
        versions = Version.objects.filter(state__in=_OPEN).select_related("record")[:200]
        return Response(VersionDetail(versions, many=True).data)

    @extend_schema(request=_schema(NewRecordWithDraft), responses={201: VersionDetail})
    def post(self, request: Request) -> Response:
        """Create a record with its first draft."""
        new = NewRecordWithDraft.model_validate(request.data)
        version = publishing.create(new.record, new.draft, account_of(request))
        return Response(VersionDetail(version).data, status.HTTP_201_CREATED)


class DraftView(_Protected):
    """The draft of a record."""

    roles: ClassVar = {"GET": _EITHER, "PUT": _CURATOR, "DELETE": _CURATOR}

    @extend_schema(responses=VersionDetail)
    def get(self, request: Request, identifier: str) -> Response:
        """Answer with the draft and the errors in its metadata."""
        version = _open_version(identifier)
        found = [str(item) for item in publishing.findings(version)]
        return Response(VersionDetail(version).data | {"findings": found})

    @extend_schema(request=_schema(Draft), responses={200: VersionDetail, 201: VersionDetail})
    def put(self, request: Request, identifier: str) -> Response:
        """Replace the draft; start a new version if there is none."""
        draft = Draft.model_validate(request.data)
        version = Version.objects.filter(record__identifier=identifier, state__in=_OPEN).first()
        if version is not None:
            return Response(
                VersionDetail(publishing.change(version, draft, account_of(request))).data
            )
        record = Record.objects.filter(identifier=identifier).first()
        if record is None:
            raise Http404(f"There is no record {identifier}.")
        version = publishing.new_version(record, draft, account_of(request))
        return Response(VersionDetail(version).data, status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, identifier: str) -> Response:
        """Discard the draft."""
        publishing.discard(_open_version(identifier), account_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class DraftFile(_Protected):
    """A file of a draft."""

    roles: ClassVar = {"PUT": _CURATOR, "DELETE": _CURATOR}
    parser_classes = (RawParser,)

    @extend_schema(
        request={"application/octet-stream": OpenApiTypes.BINARY}, responses={201: FileRow}
    )
    def put(self, request: Request, identifier: str, name: str) -> Response:
        """Upload a file as the body of the request. It is read and validated before it is kept."""
        limit = settings.CONFIGURATION.upload_mb * 2**20
        file = publishing.add_file(
            _open_version(identifier), name, _pieces(request.data), account_of(request), limit=limit
        )
        return Response(FileRow(file).data, status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, identifier: str, name: str) -> Response:
        """Remove a file from the draft."""
        version = _open_version(identifier)
        file = version.files.filter(name=name).first()
        if file is None:
            raise Http404(f"The draft has no file {name}.")
        publishing.remove_file(file, account_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _pieces(stream: BinaryIO | Any) -> Iterator[bytes]:
    while piece := stream.read(2**18) if hasattr(stream, "read") else b"":
        yield piece


class Decision(_Protected):
    """A decision on a draft."""

    steps: ClassVar = {
        "submit": lambda version, user, reason: publishing.submit(
            version, user, accept_findings=reason
        ),
        "approve": lambda version, user, reason: publishing.approve(version, user),
        "reject": publishing.reject,
    }

    @property
    def roles(self) -> dict[str, tuple[Role, ...]]:
        """The role that the step needs."""
        return {"POST": _CURATOR if self.kwargs.get("step") == "submit" else _REVIEWER}

    @extend_schema(request=_schema(Reason), responses=VersionDetail)
    def post(self, request: Request, identifier: str, step: str) -> Response:
        """Submit, approve or reject the draft; `reason` says why."""
        reason = Reason.model_validate(request.data or {}).reason
        version = self.steps[step](_open_version(identifier), account_of(request), reason)
        return Response(VersionDetail(version).data)


class Withdrawal(_Protected):
    """Withdrawal of a published version."""

    roles: ClassVar = {"POST": _REVIEWER}

    @extend_schema(request=_schema(Reason), responses=VersionDetail)
    def post(self, request: Request, identifier: str, label: str) -> Response:
        """Withdraw a version; its page remains and shows the reason."""
        version = Version.objects.filter(record__identifier=identifier, label=label).first()
        if version is None:
            raise Http404(f"There is no version {label} of {identifier}.")
        reason = Reason.model_validate(request.data or {}).reason
        return Response(
            VersionDetail(publishing.withdraw(version, account_of(request), reason)).data
        )
