"""Imports any file that openkm3 reads and that contains its metadata."""

from __future__ import annotations

import hashlib
from pathlib import Path

from django.conf import settings

from adqlite.tables.names import proposed_name
from opendata import describing
from opendata.importers.publication import publish
from opendata.records.models import DataFile, State, Version
from opendata.records.publishing import Refused
from openkm3.errors import FormatError
from openkm3.metadata import KTYPES, Annotation

_KTYPES = {
    "HDF5 (km3pipe)": "km3.data.l3.events.hdf5",
    "FITS (GADF event list)": "km3.data.l3.events.fits",
    # A table of positions may contain events or sources; only its metadata can tell.
    "VOTable": "km3.data.l4",
    "KM3NeT offline ROOT": "km3.data.l2",
    "KM3NeT DAQ ROOT": "km3.daq.events",
    "ECSV": "km3.data.l4",
}


def import_file(
    path: Path,
    *,
    identifier: str,
    title: str | None = None,
    parent: str | None = None,
    position: int = 0,
    aliases: tuple[str, ...] = (),
    accept_findings: str = "",
    annotation: Annotation | None = None,
    table: str = "auto",
    again: bool = False,
) -> Version:
    """Publish a file under an identifier.

    Parameters
    ----------
    annotation : Annotation, optional
        Metadata for files that contain none.
    table : str
        Name under which the VO services serve the file's table; ``none`` to serve none; ``auto``
        derives it from the identifier if the table has positions.
    again : bool
        Whether content that another record has may be published again.

    Raises
    ------
    FormatError
        If the file cannot be read.
    Refused
        If its metadata have errors and no reason to accept them is given, if identifier, name of
        the table or content exist already, or if the file has no such table.
    """
    if not again:
        _refuse_twice(path)
    try:
        found = describing.describe_safely(path, path.name)
    except describing.Unreadable as error:
        raise FormatError(path, str(error)) from None
    metadata = annotation or Annotation.parse(found.get("annotation", {}))
    ktype = metadata.ktype if metadata.ktype in KTYPES else None
    header = metadata.header
    if table == "auto":
        table = proposed_name(identifier) if settings.HAS_VO and "sky" in found else "none"
    return publish(
        {
            "identifier": identifier,
            "parent": parent,
            "position": position,
            "aliases": list(aliases),
        },
        {
            "title": title or header.name or path.stem,
            "description": header.description or "",
            "ktype": ktype or _KTYPES.get(str(found.get("format")), "km3.resource"),
            "metadata": metadata.plain(),
            "service": {} if table == "none" else {"table": table},
        },
        path,
        accept_findings=accept_findings,
        trusted=False,
    )


def _refuse_twice(path: Path) -> None:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    there = DataFile.objects.filter(sha256=sha256, version__state=State.PUBLISHED).first()
    if there is not None:
        raise Refused(
            f"{path.name}: the same content is already published as {there}; to publish it again, "
            "use --again"
        )
