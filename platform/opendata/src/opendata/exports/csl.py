"""CSL-JSON: what citation processors (Zotero, Pandoc, citeproc) and DOI clients read.

Schema: https://github.com/citation-style-language/schema (``csl-data.json``, 1.0.2).
"""

from __future__ import annotations

from typing import Any

from opendata.exports import citation
from opendata.exports.signposting import cite_as
from opendata.records.models import Version

_TYPES = {
    "Text": "article-journal",
    "Software": "software",
    "Image": "figure",
    "Sound": "song",
}


def csl(version: Version) -> dict[str, Any]:
    """Return the citation of a version as CSL-JSON."""
    described = citation.datacite(version)
    day = (version.published_at or version.created).date()
    item: dict[str, Any] = {
        "id": f"{version.record.identifier}:{version.label}",
        "type": _TYPES.get(citation.resource_type(version), "dataset"),
        "title": version.title,
        "author": [_name(creator) for creator in described["creators"]],
        "issued": {"date-parts": [[day.year, day.month, day.day]]},
        "publisher": described["publisher"]["name"],
        "version": version.label,
        "URL": cite_as(version),
    }
    if version.description:
        item["abstract"] = version.description
    if version.doi:
        item["DOI"] = version.doi
    return item


def _name(creator: dict[str, Any]) -> dict[str, str]:
    """Return a name; that of an organisation is one piece, which no style takes apart."""
    if creator.get("familyName"):
        parts = {"family": creator["familyName"], "given": creator.get("givenName", "")}
        return {key: value for key, value in parts.items() if value}
    return {"literal": creator["name"]}
