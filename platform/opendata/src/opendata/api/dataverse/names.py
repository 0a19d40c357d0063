"""Finds records, versions and files by their names in Dataverse's API.

A record with a DOI is ``doi:10.1234/X``, any other ``perma:km3net/IDENTIFIER`` (a PermaLink); the
bare identifier and an alias are understood too. A file is ``perma:km3net/IDENTIFIER/LABEL/NAME``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from django.db.models import F, QuerySet

from opendata.records.models import DataFile, Record, State, Version

AUTHORITY = "km3net"
_PERMALINK = f"perma:{AUTHORITY}/"
_DOI = re.compile(r"^(?:doi:|https?://(?:dx\.)?doi\.org/)", re.IGNORECASE)
#: Most digits of a number in the database.
_LONGEST = 18
_PUBLIC = (State.PUBLISHED, State.WITHDRAWN)


class NotThere(Exception):
    """What was requested does not exist or is not public."""


@dataclass(frozen=True)
class DataSet:
    """A record as a dataset, and the version that its name refers to."""

    record: Record
    latest: Version


def _records() -> QuerySet[Record]:
    return (
        Record.objects.filter(current__isnull=False)
        .select_related("current", "parent")
        # If several records share a DOI, it refers to the collection, not to its parts.
        .order_by(F("parent").asc(nulls_first=True), "position", "identifier")
    )


def dataset(name: str, number: str = "") -> DataSet:
    """Returns a dataset by its persistent identifier or, without one, its number.

    Raises
    ------
    NotThere
        If there is none, or none of that name is published.
    """
    if number.isdecimal():
        record = _records().filter(pk=int(number[:_LONGEST])).first()
        found = _of(record)
    else:
        found = _by_name(name.replace("\0", "").strip())
    if found is None:
        raise NotThere(f"Dataset with Persistent ID {name or number} not found.")
    return found


def _of(record: Record | None) -> DataSet | None:
    if record is None or record.current is None:
        return None
    record.current.record = record
    return DataSet(record, record.current)


def _by_name(name: str) -> DataSet | None:
    bare = name.removeprefix(_PERMALINK)
    doi = _DOI.sub("", bare)
    return (
        _by_doi(doi)
        or _of(_records().filter(identifier=bare).first())
        or _of(_records().filter(aliases__name=bare).first())
    )


def _by_doi(doi: str) -> DataSet | None:
    if not doi.startswith("10."):
        return None
    # The DOI of a paper refers to the paper, which the portal does not contain.
    records = _records().exclude(ktype="km3.resource.paper")
    current = _of(records.filter(current__doi__iexact=doi, withdrawn=False).first())
    if current is not None:
        return current
    # The DOI of a version refers to that version, even if there are later ones.
    version = (
        Version.objects.filter(doi__iexact=doi, state__in=_PUBLIC, record__current__isnull=False)
        .exclude(ktype="km3.resource.paper")
        .select_related("record__parent", "record__current")
        .first()
    )
    return DataSet(version.record, version) if version else None


def persistent(version: Version) -> tuple[str, str, str]:
    """Returns protocol, authority and identifier of a version's dataset."""
    if version.doi:
        found = _by_doi(version.doi)
        if found is not None and found.record.pk == version.record_id:
            authority, _, rest = version.doi.partition("/")
            return "doi", authority, rest
    return "perma", AUTHORITY, version.record.identifier


def joined(parts: tuple[str, str, str]) -> str:
    """Returns a persistent identifier as one text."""
    protocol, authority, identifier = parts
    return f"{protocol}:{authority}/{identifier}"


def versions_of(found: DataSet) -> list[Version]:
    """Returns all public versions, the newest first."""
    public = found.record.versions.filter(state__in=_PUBLIC).order_by("-number")
    return list(public.select_related("record__parent", "record__current"))


def version(found: DataSet, name: str) -> Version:
    """Returns a version by its label, or ``:latest`` and ``:latest-published``.

    Raises
    ------
    NotThere
        If there is none of that name, or it is a draft.
    """
    if name in (":latest", ":latest-published"):
        return found.latest
    if name == ":draft":
        raise NotThere("Drafts are not public.")
    everything = versions_of(found)
    for item in everything:
        if item.label == name or ((numbers := _numbers(name)) and numbers == _numbers(item.label)):
            return item
    labels = ", ".join(item.label for item in everything)
    raise NotThere(
        f"Dataset version {name} of dataset {found.record.identifier} not found; "
        f"versions: {labels}, :latest."
    )


def _numbers(label: str) -> tuple[int, ...] | None:
    """Returns the numbers of a label without trailing zeros: 1, 1.0 and 1.0.0 are the same."""
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9}){0,2}", label):
        return None
    numbers = [int(part) for part in label.split(".")]
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def files_of(shown: Version) -> list[DataFile]:
    """Returns the files of a version and, unless it is withdrawn, those of a collection's parts."""
    versions = [shown.pk]
    if shown.state == State.WITHDRAWN:
        return []
    if shown.record.current_id == shown.pk:
        standing = Record.objects.filter(current__isnull=False, withdrawn=False)
        for parts in (
            standing.filter(parent=shown.record),
            standing.filter(parent__parent=shown.record),
        ):
            versions += [part.current_id for part in parts if part.current_id]
    files = DataFile.objects.filter(version__in=versions)
    return list(files.select_related("version__record__parent"))


def file_name(file: DataFile) -> str:
    """Returns the persistent identifier of a file, usable in an address."""
    shown = file.version
    return f"{_PERMALINK}{shown.record.identifier}/{shown.label}/{quote(file.name, safe='')}"


def file(number: str | None, name: str = "") -> DataFile:
    """Returns a public file by its number or persistent identifier.

    Raises
    ------
    NotThere
        If there is none.
    """
    public = DataFile.objects.filter(version__state__in=_PUBLIC)
    found = None
    if number is not None:
        found = public.filter(pk=int(number[:_LONGEST]))
    else:
        parts = name.replace("\0", "").removeprefix(_PERMALINK).split("/", 2)
        if len(parts) == 3:
            identifier, label, rest = parts
            names = {rest, unquote(rest)}
            found = public.filter(
                version__record__identifier=identifier, version__label=label, name__in=names
            )
    first = None if found is None else found.select_related("version__record__parent").first()
    if first is None:
        raise NotThere(f"File {number if number is not None else name} not found.")
    return first
