"""Publishing what an importer brings, on the way that every record goes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from opendata import describing
from opendata.records import publishing
from opendata.records.models import Account, Role, Version
from opendata.records.publishing import Draft, NewRecord


def _account(name: str, role: Role) -> Account:
    account, _ = Account.objects.get_or_create(name=name, defaults={"roles": [role.value]})
    return account


def publish(
    new: dict[str, Any],
    draft: dict[str, Any],
    *paths: Path,
    accept_findings: str = "",
    trusted: bool = True,
) -> Version:
    """Publish a record with its files; the command line is author and reviewer.

    Parameters
    ----------
    trusted : bool
        Whether we wrote the files, so that they can be read in this process.
    """
    curator = _account("importer", Role.CURATOR)
    version = publishing.create(NewRecord(**new), Draft(**draft), curator)
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
    return publishing.approve(version, _account("operator", Role.REVIEWER))
