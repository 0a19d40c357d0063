"""``/catalog.json``: what openkm3's KM3Store reads and caches.

The document is written once a change of what is published and then served as a file.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.db.models import Prefetch
from django.utils import timezone

from opendata.full_disk import follows_from_full_disk
from opendata.records.models import AuditEntry, DataFile, Record, State
from openkm3.catalogue import Catalogue, Entry, Kind, Service
from openkm3.errors import FormatError
from openkm3.formats import limits

_PUBLISHING = ("publish", "withdraw")


def revision() -> int:
    """Returns a number that changes with each publication and withdrawal."""
    last = AuditEntry.objects.filter(action__in=_PUBLISHING).order_by("-id").first()
    return 0 if last is None else last.pk


def document() -> tuple[Path, str]:
    """Returns the catalogue's file and its ETag; the file is rewritten if something changed."""
    number = revision()
    folder = settings.CONFIGURATION.folder("catalogue")
    # The code that made it is part of the name, so that an upgrade writes a new one.
    path = folder / f"{number}-{_code()}.json"
    if not path.exists():
        content = catalogue().dump()
        try:
            with limits.complete(path) as temporary:
                temporary.write_bytes(content)
        except (OSError, FormatError) as error:
            if not follows_from_full_disk(error):
                raise
            return _in_memory(path.stem, content), f'"{path.stem}"'
        for old in folder.glob("*.json"):
            if old != path:
                old.unlink(missing_ok=True)
    return path, f'"{path.stem}"'


def _in_memory(name: str, content: bytes) -> Path:
    """Returns a file with the content that takes no space on the disk."""
    with _lock:
        if name not in _files:
            while _files:
                os.close(_files.popitem()[1])
            _files[name] = os.memfd_create("catalogue")
            with os.fdopen(os.dup(_files[name]), "wb") as file:
                file.write(content)
        return Path(f"/proc/self/fd/{_files[name]}")


_lock = threading.Lock()
_files: dict[str, int] = {}


def _code() -> str:
    name = (
        settings.CONFIGURATION.title + settings.CONFIGURATION.vo + Path(__file__).read_text("utf-8")
    )
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def catalogue() -> Catalogue:
    """Returns all published records as openkm3's model."""
    records = (
        Record.objects.filter(current__isnull=False)
        .select_related("current")
        .prefetch_related(
            "aliases",
            Prefetch("current__files", DataFile.objects.select_related("description")),
            Prefetch("children", Record.objects.filter(current__isnull=False)),
        )
    )
    return Catalogue(
        title=settings.CONFIGURATION.title,
        updated=timezone.now(),
        entries=[entry(record) for record in _in_order(list(records))],
    )


def _in_order(records: list[Record]) -> Iterator[Record]:
    """Yields each record before its children."""
    parts: dict[int | None, list[Record]] = {}
    for record in records:
        parts.setdefault(record.parent_id, []).append(record)
    waiting = parts.get(None, [])[::-1]
    while waiting:
        record = waiting.pop()
        yield record
        waiting += parts.get(record.pk, [])[::-1]


def entry(record: Record) -> Entry:
    """Returns the catalogue's entry of a record; addresses are relative to the portal's root."""
    version = record.current
    assert version is not None, "only published records have an entry"  # noqa: S101
    annotation = version.annotation
    file = next(iter(version.files.all()), None)
    standing = version.state == State.PUBLISHED
    content: dict[str, Any] = {}
    if file is not None and standing:
        content = {
            "url": storage_path(file).lstrip("/"),
            "filename": file.name,
            "media_type": file.media_type,
            "size": file.size,
            "sha256": file.sha256,
            "etag": f'"{file.sha256}"',
            "tables": [table["name"] for table in file.description.content.get("tables", [])],
        }
    elif version.url and standing:
        content = {"url": version.url}
    return Entry(
        identifier=record.identifier,
        aliases=[alias.name for alias in record.aliases.all()],
        title=version.title,
        description=version.description,
        kind=cast("Kind", record.kind),
        ktype=version.ktype,
        state="published" if standing else "withdrawn",
        version=version.label,
        doi=version.doi or None,
        license=annotation.header.license,
        instrument=annotation.header.instrument,
        created=record.created,
        updated=version.published_at,
        landing_page=f"records/{record.identifier}/",
        children=[child.identifier for child in record.children.all()],
        service=service(version.service) if version.service and standing else None,
        metadata=annotation,
        **content,
    )


def service(described: dict[str, str]) -> Service:
    """Returns the services of a table: those that the record names, else the portal's own."""
    table = described.get("table", "")
    server = settings.CONFIGURATION.vo
    if server == "embedded":
        own = {"tap": "vo/tap", "scs": f"vo/scs/{table.replace('.', '/')}"}
    elif server == "none":
        own = {}
    else:
        # DaCHS serves `cone` of the resource descriptor SCHEMA/q here.
        schema = table.partition(".")[0]
        own = {"tap": f"{server}/tap", "scs": f"{server}/{schema}/q/cone/scs.xml"}
    return Service(**(own | described))


def storage_path(file: DataFile) -> str:
    """Returns the path of a file's download."""
    version = file.version
    return f"/storage/{version.record.identifier}/{version.label}/{file.name}"
