"""The files of a draft."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.db import transaction
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
    content = store.put(pieces, limit)
    if content.size == 0:
        raise Refused(f"{name} is empty")
    try:
        found = describe(store.path_of(content.sha256), name)
    except describing.Unreadable as error:
        raise Refused(f"{name}: {error}") from None
    with transaction.atomic():
        require_state(version, State.DRAFT)
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
