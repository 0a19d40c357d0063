"""FAIR signposting: typed links in HTTP headers (level 1) and a link set (level 2, RFC 9264)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from opendata.exports.addresses import absolute, permanent
from opendata.exports.catalogue import storage_path
from opendata.exports.licences import licence_url
from opendata.records.models import DataFile, State, Version

#: Characters that may occur unescaped in the path of an address (RFC 3986).
_IN_PATHS = "/:@!$&'()*+,;=-._~"
_MOST_AUTHORS = 20
_TYPES = {
    "collection": "https://schema.org/Collection",
    "stream": "https://schema.org/Collection",
    "resource": "https://schema.org/Dataset",
}
#: Formats of metadata: name of the export, media type.
DESCRIBED_BY = [
    ("datacite.json", "application/vnd.datacite.datacite+json"),
    ("datacite.xml", "application/vnd.datacite.datacite+xml"),
    ("jsonld", "application/ld+json"),
    ("csl.json", "application/vnd.citationstyles.csl+json"),
    ("bib", "application/x-bibtex"),
    ("ro-crate", "application/ld+json"),
]


def cite_as(version: Version) -> str:
    """Returns the address for citations: the DOI, else the landing page."""
    return doi_address(version.doi) if version.doi else permanent(page_of(version))


def doi_address(doi: str) -> str:
    """Returns the address of a DOI; characters that addresses may not contain are escaped."""
    return f"https://doi.org/{quote(doi, safe=_IN_PATHS)}"


def links(version: Version) -> list[dict[str, str]]:
    """Returns the links of a version's page, which is the record's page for the current version."""
    record = version.record
    found = [
        {"rel": "cite-as", "href": cite_as(version)},
        {"rel": "type", "href": "https://schema.org/AboutPage"},
        {"rel": "type", "href": _TYPES[record.kind]},
    ]
    known = [
        f"https://orcid.org/{creator.orcid}" if creator.orcid else creator.ror
        for creator in version.people
        if creator.orcid or creator.ror
    ]
    # Headers have a maximum length, and author lists of collaborations do not.
    found += [{"rel": "author", "href": address} for address in known[:_MOST_AUTHORS] if address]
    licence = licence_url(version.annotation.header.license)
    if licence:
        found.append({"rel": "license", "href": licence})
    found += [
        {
            "rel": "item",
            "href": absolute(quote(storage_path(file))),
            "type": file.media_type,
        }
        for file in (version.files.all() if version.state == State.PUBLISHED else [])
    ]
    page = page_of(version)
    found += [
        {"rel": "describedby", "href": absolute(f"{page}{name}"), "type": kind}
        for name, kind in DESCRIBED_BY
    ]
    if record.parent:
        found.append(
            {"rel": "collection", "href": absolute(f"records/{record.parent.identifier}/")}
        )
    if record.current is not None and record.current != version:
        newest = absolute(f"records/{record.identifier}/")
        found.append({"rel": "latest-version", "href": newest, "type": "text/html"})
    found.append(
        {
            "rel": "linkset",
            "href": absolute(f"{page}linkset.json"),
            "type": "application/linkset+json",
        }
    )
    return found


def page_of(version: Version) -> str:
    """Returns the path of a version's page."""
    record = version.record
    page = f"records/{record.identifier}/"
    return page if record.current_id == version.pk else f"{page}versions/{version.label}/"


def header(found: list[dict[str, str]]) -> str:
    """Returns links as the value of the Link header."""
    return ", ".join(
        f'<{link["href"]}>; rel="{link["rel"]}"'
        + (f'; type="{link["type"]}"' if "type" in link else "")
        for link in found
    )


def of_file(file: DataFile) -> str:
    """Returns the Link header of a download, which leads back to its record."""
    page = absolute(f"records/{file.version.record.identifier}/")
    return header([{"rel": "collection", "href": page, "type": "text/html"}])


def linkset(version: Version) -> dict[str, Any]:
    """Returns the link set of a version (RFC 9264, section 4.2)."""
    anchor: dict[str, Any] = {"anchor": absolute(page_of(version))}
    for link in links(version):
        if link["rel"] != "linkset":
            target = {key: link[key] for key in ("href", "type") if key in link}
            anchor.setdefault(link["rel"], []).append(target)
    return {"linkset": [anchor]}


def linkset_text(version: Version) -> str:
    """Returns the link set as text (RFC 9264, section 4.1): each link names its context."""
    anchor = absolute(page_of(version))
    rows = [link for link in links(version) if link["rel"] != "linkset"]
    return ",\n".join(f'{header([link])}; anchor="{anchor}"' for link in rows) + "\n"
