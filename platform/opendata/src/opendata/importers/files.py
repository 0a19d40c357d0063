"""Any file that openkm3 reads and that carries its metadata."""

from __future__ import annotations

from pathlib import Path

from opendata import describing
from opendata.importers.publication import publish
from opendata.records.models import Version
from openkm3.errors import FormatError
from openkm3.metadata import KTYPES, Annotation

_KTYPES = {
    "HDF5 (km3pipe)": "km3.data.l3.events.hdf5",
    "FITS (GADF event list)": "km3.data.l3.events.fits",
    "VOTable": "km3.data.l3.events.votable",
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
) -> Version:
    """Publish a file under an identifier.

    Parameters
    ----------
    annotation : Annotation, optional
        The metadata, for files that carry none.

    Raises
    ------
    FormatError
        If the file cannot be read.
    Refused
        If its metadata are wrong and no reason is given to accept that.
    """
    try:
        found = describing.describe_safely(path, path.name)
    except describing.Unreadable as error:
        raise FormatError(path, str(error)) from None
    metadata = annotation or Annotation.parse(found.get("annotation", {}))
    ktype = metadata.ktype if metadata.ktype in KTYPES else None
    header = metadata.header
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
        },
        path,
        accept_findings=accept_findings,
        trusted=False,
    )
