"""The files of a draft."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from pydantic import ValidationError

from opendata import describing
from opendata.accounts.models import User
from opendata.accounts.roles import Role
from opendata.records import store
from opendata.records.drafts import Refused
from opendata.records.models import DataFile, Description, State, Version
from opendata.records.publishing.steps import audit, need, require_state, step
from openkm3.catalogue import Entry

_TYPES = {
    ".ecsv": "text/csv",
    ".fits": "application/fits",
    ".h5": "application/x-hdf5",
    ".json": "application/json",
    ".root": "application/x-root",
    ".vot": "application/x-votable+xml",
}


def add_file(
    version: Version,
    name: str,
    pieces: Iterable[bytes],
    user: User,
    *,
    limit: int | None = None,
    describe: Callable[[Path, str], dict[str, Any]] = describing.describe_safely,
) -> DataFile:
    """Adds a file to a draft, or replaces the one of that name.

    Parameters
    ----------
    describe : callable
        Reads the file; by default in a sandboxed process, as files of strangers need.

    Raises
    ------
    Refused
        If the name is not a plain file name, or the file is empty, damaged or of unknown format.
    """
    need(user, Role.CURATOR)
    require_state(version, State.DRAFT)
    try:
        Entry(identifier="x", title="x", kind="resource", ktype="x", filename=name)
    except ValidationError:
        raise Refused(f"name: {name!r} is not a plain file name") from None
    _check_drafts(version)
    content = store.put(pieces, limit)
    if content.size == 0:
        _forget(content.sha256)
        raise Refused(f"{name} is empty")
    try:
        found = describe(store.path_of(content.sha256), name)
    except describing.Unreadable as error:
        _forget(content.sha256)
        raise Refused(f"{name}: {error}") from None
    with transaction.atomic():
        require_state(version, State.DRAFT)
        if not store.path_of(content.sha256).exists():
            # Someone sent the same content under a name for which it was refused.
            raise Refused(f"{name} was removed meanwhile; upload it again")
        version.files.filter(name=name).delete()
        file = DataFile.objects.create(
            version=version,
            name=name,
            size=content.size,
            sha256=content.sha256,
            media_type=media_type(name),
            format=found.get("format", ""),
            position=version.files.count(),
        )
        Description.objects.create(file=file, content=found)
        audit(user, "file", file, sha256=content.sha256, size=content.size)
    return file


def _forget(sha256: str) -> None:
    """Deletes the content of a file that was refused, unless another file has the same."""
    if not DataFile.objects.filter(sha256=sha256).exists():
        store.delete(sha256)


def _check_drafts(version: Version) -> None:
    """Refuses one more file of an account whose drafts are too large together."""
    drafts = DataFile.objects.filter(version__created_by=version.created_by)
    size = drafts.exclude(version__state__in=(State.PUBLISHED, State.WITHDRAWN)).aggregate(
        total=Sum("size")
    )["total"]
    most = settings.CONFIGURATION.drafts_gb * 1e9
    if (size or 0) >= most:
        raise Refused(
            f"the drafts of {version.created_by} have {(size or 0) / 1e9:.3g} GB of files, and "
            f"{most / 1e9:.3g} GB is the limit: publish or discard some of them first"
        )


@step
def remove_file(file: DataFile, user: User) -> None:
    """Removes a file from a draft."""
    need(user, Role.CURATOR)
    require_state(file.version, State.DRAFT)
    audit(user, "remove file", file)
    file.delete()


def media_type(name: str) -> str:
    """Returns the media type for a file name."""
    suffix = Path(name).suffix.lower()
    return _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
