"""Publishes imported records, through the same steps as any other record."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import Any

from opendata import describing
from opendata.accounts.models import User
from opendata.accounts.roles import Role
from opendata.records import publishing
from opendata.records.models import Record, State, Version
from opendata.records.publishing import Draft, NewRecord
from opendata.vo.process import serve
from opendata.vo.records import serve_safely


def _account(name: str, role: Role) -> User:
    user = User.objects.filter(username=name).first()
    if user is None:
        user = User.objects.create_user(name)
        user.set_roles([role])
    return user


def publish(
    new: dict[str, Any],
    draft: dict[str, Any],
    *paths: Path,
    accept_findings: str = "",
    trusted: bool = True,
) -> Version:
    """Publish a record with its files; the command line acts as curator and reviewer.

    Parameters
    ----------
    trusted : bool
        Whether the portal wrote the files itself; others are read in the sandbox.
    """
    curator = _account("importer", Role.CURATOR)
    metadata = publishing.validated(Draft, draft)
    version = publishing.create(publishing.validated(NewRecord, new), metadata, curator)
    return _complete(version, paths, curator, accept_findings, trusted=trusted)


def renew(new: dict[str, Any], draft: dict[str, Any], *paths: Path, changes: str) -> Version | None:
    """Publish a record, or a new version of it if it exists with other content.

    Parameters
    ----------
    changes : str
        What is new in the version.

    Returns
    -------
    Version or None
        None if the record has this content already.
    """
    record = Record.objects.filter(identifier=new["identifier"]).first()
    if record is None:
        return publish(new, draft, *paths)
    if _is_unchanged(record.current, publishing.validated(Draft, draft), paths):
        return None
    curator = _account("importer", Role.CURATOR)
    label = publishing.next_label(record)
    following = publishing.validated(Draft, draft | {"label": label, "changes": changes})
    version = publishing.new_version(record, following, curator)
    return _complete(version, paths, curator)


def _is_unchanged(version: Version | None, draft: Draft, paths: tuple[Path, ...]) -> bool:
    if version is None or version.state != State.PUBLISHED:
        return False
    fields = publishing.fields_of(draft)
    del fields["label"], fields["changes"]
    published = {file.name: file.sha256 for file in version.files.all()}
    given = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    return {key: getattr(version, key) for key in fields} == fields and published == given


def _complete(
    version: Version,
    paths: tuple[Path, ...],
    curator: User,
    accept_findings: str = "",
    *,
    trusted: bool = True,
) -> Version:
    describe = describing.describe if trusted else describing.describe_safely
    try:
        for path in paths:
            with path.open("rb") as file:
                publishing.add_file(
                    version,
                    path.name,
                    iter(partial(file.read, 2**20), b""),
                    curator,
                    describe=describe,
                )
        publishing.submit(version, curator, accept_findings=accept_findings)
    except publishing.Refused:
        publishing.discard(version, curator)
        raise
    operator = _account("operator", Role.REVIEWER)
    try:
        return publishing.approve(version, operator, serve=serve if trusted else serve_safely)
    except publishing.Refused as error:
        version.refresh_from_db()
        publishing.discard(publishing.reject(version, operator, str(error)), curator)
        raise
