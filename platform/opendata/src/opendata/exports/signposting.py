"""FAIR signposting: typed links in HTTP headers (level 1) and a link set (level 2, RFC 9264)."""

from __future__ import annotations

from typing import Any

from opendata.exports.addresses import absolute, permanent
from opendata.exports.catalogue import storage_path
from opendata.exports.licences import licence_url
from opendata.records.models import DataFile, Record, State, Version

_TYPES = {
    "collection": "https://schema.org/Collection",
    "stream": "https://schema.org/Collection",
    "resource": "https://schema.org/Dataset",
}
#: Metadata that a record is offered in: name of the export, media type.
DESCRIBED_BY = [
    ("datacite.json", "application/vnd.datacite.datacite+json"),
    ("datacite.xml", "application/vnd.datacite.datacite+xml"),
    ("jsonld", "application/ld+json"),
    ("bib", "application/x-bibtex"),
    ("ro-crate", "application/ld+json"),
]


def cite_as(version: Version) -> str:
    """Return the address that a citation should name: the DOI, else the landing page."""
    if version.doi:
        return f"https://doi.org/{version.doi}"
    return permanent(f"records/{version.record.identifier}/")


def links(record: Record) -> list[dict[str, str]]:
    """Return the links of a record's page."""
    version = record.current
    if version is None:
        return []
    found = [
        {"rel": "cite-as", "href": cite_as(version)},
        {"rel": "type", "href": "https://schema.org/AboutPage"},
        {"rel": "type", "href": _TYPES[record.kind]},
    ]
    licence = licence_url(record.license)
    if licence:
        found.append({"rel": "license", "href": licence})
    found += [
        {
            "rel": "item",
            "href": absolute(storage_path(file)),
            "type": file.media_type,
        }
        for file in (version.files.all() if version.state == State.PUBLISHED else [])
    ]
    found += [
        {
            "rel": "describedby",
            "href": absolute(f"records/{record.identifier}/{name}"),
            "type": kind,
        }
        for name, kind in DESCRIBED_BY
    ]
    if record.parent:
        found.append(
            {"rel": "collection", "href": absolute(f"records/{record.parent.identifier}/")}
        )
    found.append(
        {
            "rel": "linkset",
            "href": absolute(f"records/{record.identifier}/linkset.json"),
            "type": "application/linkset+json",
        }
    )
    return found


def header(found: list[dict[str, str]]) -> str:
    """Return links as value of the Link header."""
    return ", ".join(
        f'<{link["href"]}>; rel="{link["rel"]}"'
        + (f'; type="{link["type"]}"' if "type" in link else "")
        for link in found
    )


def of_file(file: DataFile) -> str:
    """Return the Link header of a download: back to its record."""
    page = absolute(f"records/{file.version.record.identifier}/")
    return header([{"rel": "collection", "href": page, "type": "text/html"}])


def linkset(record: Record) -> dict[str, Any]:
    """Return the link set of a record."""
    anchor: dict[str, Any] = {"anchor": absolute(f"records/{record.identifier}/")}
    for link in links(record):
        if link["rel"] != "linkset":
            target = {key: link[key] for key in ("href", "type") if key in link}
            anchor.setdefault(link["rel"], []).append(target)
    return {"linkset": [anchor]}
