"""Responses of the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from opendata.exports.addresses import absolute
from opendata.exports.catalogue import service, storage_path
from opendata.records.models import DataFile, Record, State, Version


class RecordRow(serializers.ModelSerializer[Record]):
    """A record in a list."""

    url = serializers.SerializerMethodField()
    version = serializers.CharField(source="current.label")
    description = serializers.CharField(source="current.description")

    class Meta:
        """Fields of the response."""

        model = Record
        fields = (
            "identifier",
            "kind",
            "title",
            "description",
            "ktype",
            "instrument",
            "license",
            "simulated",
            "version",
            "published",
            "measured_from",
            "measured_to",
            "url",
        )

    def get_url(self, record: Record) -> str:
        """Returns the address."""
        return absolute(f"api/v1/records/{record.identifier}/")


class FileRow(serializers.ModelSerializer[DataFile]):
    """A file."""

    url = serializers.SerializerMethodField()
    tables = serializers.SerializerMethodField()

    class Meta:
        """Fields of the response."""

        model = DataFile
        fields = ("id", "name", "size", "sha256", "media_type", "format", "url", "tables")

    def get_url(self, file: DataFile) -> str | None:
        """Returns the address."""
        published = file.version.state == State.PUBLISHED
        return absolute(storage_path(file)) if published else None

    @extend_schema_field({"type": "array", "items": {"type": "object"}})
    def get_tables(self, file: DataFile) -> list[dict[str, Any]]:
        """Returns names, sizes and columns."""
        description = getattr(file, "description", None)
        tables = description.content.get("tables", []) if description else []
        return [{key: table[key] for key in ("name", "rows", "columns")} for table in tables]


class VersionRow(serializers.ModelSerializer[Version]):
    """A version in a list."""

    class Meta:
        """Fields of the response."""

        model = Version
        fields = ("label", "state", "changes", "published_at", "withdrawn_at", "withdrawn_reason")


class VersionDetail(serializers.ModelSerializer[Version]):
    """A version with its files."""

    identifier = serializers.CharField(source="record.identifier")
    files = FileRow(many=True)
    service = serializers.SerializerMethodField()
    authors = serializers.CharField(help_text="the creators as one text")

    class Meta:
        """Fields of the response."""

        model = Version
        fields = (
            "identifier",
            "label",
            "state",
            "title",
            "description",
            "ktype",
            "metadata",
            "authors",
            "creators",
            "funding",
            "subjects",
            "publisher",
            "issued",
            "simulated",
            "doi",
            "url",
            "service",
            "changes",
            "findings_accepted",
            "published_at",
            "withdrawn_at",
            "withdrawn_reason",
            "files",
        )

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
    def get_service(self, version: Version) -> dict[str, str]:
        """Returns the VO services that serve its table."""
        if not version.service:
            return {}
        found = service(version.service).model_dump(exclude_none=True)
        return {
            key: absolute(value) if value.startswith("vo/") else value
            for key, value in found.items()
        }


class RecordDetail(serializers.ModelSerializer[Record]):
    """A record with its current version."""

    parent = serializers.CharField(  # type: ignore[assignment] # the field has the name of one of DRF's own
        source="parent.identifier", default=None
    )
    aliases = serializers.SerializerMethodField()
    children = serializers.SerializerMethodField()
    current = VersionDetail()
    versions = serializers.SerializerMethodField()
    page = serializers.SerializerMethodField()

    class Meta:
        """Fields of the response."""

        model = Record
        fields = (
            "identifier",
            "aliases",
            "kind",
            "parent",
            "children",
            "withdrawn",
            "page",
            "current",
            "versions",
        )

    def get_aliases(self, record: Record) -> list[str]:
        """Returns the other names."""
        return [alias.name for alias in record.aliases.all()]

    def get_children(self, record: Record) -> list[str]:
        """Returns the records below it."""
        return list(
            record.children.filter(current__isnull=False).values_list("identifier", flat=True)
        )

    @extend_schema_field(VersionRow(many=True))
    def get_versions(self, record: Record) -> list[Any]:
        """Returns all published versions, withdrawn ones included."""
        public = record.versions.filter(state__in=[State.PUBLISHED, State.WITHDRAWN])
        return list(VersionRow(public, many=True).data)

    def get_page(self, record: Record) -> str:
        """Returns the address of the page."""
        return absolute(f"records/{record.identifier}/")
