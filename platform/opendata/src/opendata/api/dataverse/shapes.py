"""Datasets, versions and files as Dataverse's JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings

from opendata.exports import citation as citations
from opendata.exports.licences import licence_url
from opendata.exports.publication import publisher
from opendata.exports.signposting import cite_as
from opendata.records.models import DataFile, Record, State, Version

from . import citation, names
from .names import DataSet

_STATES = {State.PUBLISHED: "RELEASED", State.WITHDRAWN: "DEACCESSIONED"}


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def dataset(found: DataSet) -> dict[str, Any]:
    """Returns a dataset with its latest version."""
    record = found.record
    return described(found.latest) | {
        "latestVersion": version(found.latest),
        "publicationDate": _first_publication(record),
    }


def described(shown: Version) -> dict[str, Any]:
    """Returns the identifiers of a dataset."""
    protocol, authority, identifier = names.persistent(shown)
    return {
        "id": shown.record.pk,
        "identifier": identifier,
        "protocol": protocol,
        "authority": authority,
        "separator": "/",
        "persistentUrl": cite_as(shown),
        "publisher": publisher(shown),
        "datasetType": "dataset",
    }


def _first_publication(record: Record) -> str | None:
    public = record.versions.filter(published_at__isnull=False).order_by("published_at")
    first = public.values_list("published_at", flat=True).first()
    return str(first.date()) if first else None


def version(shown: Version) -> dict[str, Any]:
    """Returns a version with its metadata and files."""
    numbers = [int(part) for part in shown.label.split(".")] + [0]
    licence = shown.annotation.header.license
    content: dict[str, Any] = {
        "id": shown.pk,
        "datasetId": shown.record.pk,
        "datasetPersistentId": names.joined(names.persistent(shown)),
        "versionNumber": numbers[0],
        "versionMinorNumber": numbers[1],
        "versionState": _STATES[State(shown.state)],
        "latestVersionPublishingState": "RELEASED",
        "releaseTime": _moment(shown.published_at),
        "createTime": _moment(shown.created),
        "lastUpdateTime": _moment(shown.withdrawn_at or shown.published_at),
        "citation": citations.text(shown),
        "metadataBlocks": {"citation": citation.block(shown)},
        "files": [file(item) for item in names.files_of(shown)],
    }
    if shown.changes:
        content["versionNote"] = shown.changes
    if licence:
        content["license"] = {"name": licence, "uri": licence_url(licence)}
    if shown.state == State.WITHDRAWN:
        content["deaccessionNote"] = shown.withdrawn_reason
    return content


def file(item: DataFile) -> dict[str, Any]:
    """Returns a file and its metadata."""
    return metadata(item) | {
        "dataFile": {
            "id": item.pk,
            "persistentId": names.file_name(item),
            "filename": item.name,
            "contentType": item.media_type,
            "filesize": item.size,
            "storageIdentifier": f"sha256://{item.sha256}",
            "checksum": {"type": "SHA-256", "value": item.sha256},
            "tabularData": False,
            "publicationDate": _day(item.version.published_at),
        },
    }


def metadata(item: DataFile) -> dict[str, Any]:
    """Returns the metadata of a file."""
    record = item.version.record
    return {
        "label": item.name,
        "directoryLabel": record.parent.identifier if record.parent else record.identifier,
        "description": "",
        "restricted": False,
        "version": item.version.number,
        "datasetVersionId": item.version.pk,
    }


def _day(moment: datetime | None) -> str | None:
    return None if moment is None else str(moment.date())


def root() -> dict[str, Any]:
    """Returns the one Dataverse, which contains all datasets."""
    return {
        "id": 1,
        "alias": "root",
        "name": settings.CONFIGURATION.title,
        "dataverseType": "ORGANIZATIONS_INSTITUTIONS",
        "isReleased": True,
        **(
            {"dataverseContacts": [{"displayOrder": 0, "contactEmail": contact}]}
            if (contact := settings.CONFIGURATION.contact)
            else {}
        ),
    }


def content(record: Record) -> dict[str, Any]:
    """Returns a record in the list of the Dataverse's contents."""
    shown = record.current
    assert shown is not None, "only published records are listed"  # noqa: S101
    shown.record = record
    return described(shown) | {"type": "dataset", "publicationDate": _day(record.published)}


def found(record: Record) -> dict[str, Any]:
    """Returns a record in the results of a search."""
    shown = record.current
    assert shown is not None, "only published records are found"  # noqa: S101
    shown.record = record
    numbers = [int(part) for part in shown.label.split(".")] + [0]
    return {
        "name": shown.title,
        "type": "dataset",
        "url": cite_as(shown),
        "global_id": names.joined(names.persistent(shown)),
        "description": shown.description,
        "published_at": _moment(shown.published_at),
        "publisher": publisher(shown),
        "citation": citations.text(shown),
        "authors": [creator.name for creator in shown.people],
        "majorVersion": numbers[0],
        "minorVersion": numbers[1],
        "versionState": _STATES[State(shown.state)],
        "entity_id": record.pk,
    }
