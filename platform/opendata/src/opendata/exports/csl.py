"""CSL-JSON: what citation processors (Zotero, Pandoc, citeproc) and DOI clients read.

Schema: https://github.com/citation-style-language/schema (``csl-data.json``, 1.0.2).
"""

from __future__ import annotations

from typing import Any

from opendata.exports import citation
from opendata.exports.publication import issued, publisher
from opendata.exports.signposting import cite_as
from opendata.records.credit import Creator
from opendata.records.models import Version
from opendata.records.subjects import subjects_of

_TYPES = {
    "Text": "article-journal",
    "Software": "software",
    "Image": "figure",
    "Sound": "song",
}


def csl(version: Version) -> dict[str, Any]:
    """Returns the citation of a version as CSL-JSON."""
    day = issued(version)
    item: dict[str, Any] = {
        "id": f"{version.record.identifier}:{version.label}",
        "type": _TYPES.get(citation.resource_type(version), "dataset"),
        "title": version.title,
        "author": [_name(creator) for creator in version.people],
        "issued": {"date-parts": [[int(part) for part in day.split("-")]]} if day else None,
        "publisher": publisher(version),
        "version": version.label,
        "URL": cite_as(version),
        "abstract": version.description,
        "DOI": version.doi,
        "keyword": ", ".join(subject.term for subject in subjects_of(version)),
    }
    return {key: value for key, value in item.items() if value}


def _name(creator: Creator) -> dict[str, str]:
    """Returns a name; that of an organisation is literal, so that no style splits it."""
    if creator.family:
        parts = {"family": creator.family, "given": creator.given or ""}
        return {key: value for key, value in parts.items() if value}
    return {"literal": creator.name}
